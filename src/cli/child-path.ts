import type { TreeStatus } from '../control/index.js';
import { UsageError } from './arguments.js';
import { Complaint } from './complaint.js';
import { EXIT } from './exit-code.js';
import { nearest } from './nearest.js';
import { harmless } from './text.js';

/** Every node of a tree, parents first. */
export function nodesOf(tree: TreeStatus): readonly TreeStatus[] {
  return [tree, ...(tree.children ?? []).flatMap(nodesOf)];
}

/** What a tree is there for: all that is no supervisor. */
export function leavesOf(tree: TreeStatus): readonly TreeStatus[] {
  return nodesOf(tree).filter(({ children }) => children === undefined);
}

/** A path as people write it: without the root's id, which all have in common. */
export function shortPath(path: string, root: string): string {
  return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path;
}

/**
 * The children that operands name, each once, in their order. The only child of a tree need not be named.
 *
 * @throws Complaint if there is no such child, with the nearest and those that there are
 * @throws UsageError if none is named, or one twice
 */
export function childrenNamed(operands: readonly string[], tree: TreeStatus): readonly TreeStatus[] {
  if (operands.length === 0) return [onlyChild(tree)];
  const found = operands.map((operand) => nodeNamed(operand, tree));
  const twice = found.find((node, at) => found.indexOf(node) < at);
  if (twice !== undefined) throw new UsageError(`"${shortPath(twice.path, tree.id)}" is given twice.`);
  return found;
}

/** @throws Complaint if a path leads nowhere */
export function nodeNamed(operand: string, tree: TreeStatus): TreeStatus {
  const nodes = nodesOf(tree);
  // A child before the root, should they have one name: the root need not be named.
  const found =
    nodes.find(({ path }) => path === `${tree.path}/${operand}`) ??
    nodes.find(({ path }) => path === operand);
  if (found !== undefined) return found;
  throw new Complaint(
    `There is no child "${harmless(operand)}" in "${tree.id}". ${whatThereIs(operand, tree)}`,
    EXIT.notFound,
  );
}

function onlyChild(tree: TreeStatus): TreeStatus {
  const leaves = leavesOf(tree);
  const [only] = leaves;
  if (only !== undefined && leaves.length === 1) return only;
  if (leaves.length === 0) throw new Complaint(`"${tree.id}" has no children.`, EXIT.notFound);
  throw new UsageError(`Which child of "${tree.id}"? ${listed(tree)}`);
}

function whatThereIs(operand: string, tree: TreeStatus): string {
  const short = nodesOf(tree)
    .slice(1)
    .map(({ path }) => shortPath(path, tree.id));
  // An id alone, of a child that lies deeper, is what is most often meant.
  const deeper = short.filter((path) => path.endsWith(`/${operand}`));
  const meant = deeper.length === 1 ? deeper[0] : nearest(operand, short);
  return meant === undefined ? listed(tree) : `Did you mean "${harmless(meant)}"?`;
}

/** A line for people has an end; `treewarden status` shows all. */
const LISTED = 12;

function listed(tree: TreeStatus): string {
  const short = nodesOf(tree)
    .slice(1)
    .map(({ path }) => harmless(shortPath(path, tree.id)));
  if (short.length === 0) return 'It has no children.';
  const shown = short.slice(0, LISTED).join(', ');
  return short.length > LISTED
    ? `There are: ${shown} and ${short.length - LISTED} more; treewarden status shows all.`
    : `There are: ${shown}.`;
}
