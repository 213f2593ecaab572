import type { AnySupervisorSpec, ChildSpec } from '../../index.js';
import { Complaint } from '../complaint.js';
import { EXIT } from '../exit-code.js';
import { nearest } from '../nearest.js';

/** What a module exports that can be supervised: a tree, or a lone child. */
export type Supervisable = AnySupervisorSpec | ChildSpec;

interface Found {
  readonly name: string;
  readonly spec: Supervisable;
}

/**
 * The tree that is meant among a module's exports: by the name of the export or by its own id, else the default export, else the only tree.
 * A child that is exported beside a tree is a part of it, and counts only where there is no tree.
 *
 * @throws Complaint if there is none, or several: with those that there are
 */
export function treeAmong(
  exports: Readonly<Record<string, unknown>>,
  module: string,
  name?: string,
): Supervisable {
  const found = Object.entries(exports).flatMap(([exported, value]): readonly Found[] =>
    isSpec(value) ? [{ name: exported, spec: value }] : [],
  );
  return name === undefined ? onlyOf(found, exports, module) : namedOf(found, module, name);
}

/** Whether anything is exported that could be run. */
export function hasTree(exports: Readonly<Record<string, unknown>>): boolean {
  return Object.values(exports).some(isSpec);
}

function onlyOf(found: readonly Found[], exports: object, module: string): Supervisable {
  const chosen = found.find(({ name }) => name === 'default');
  if (chosen !== undefined) return chosen.spec;
  const trees = found.filter(({ spec }) => 'policy' in spec);
  // One spec may have two names.
  const different = [...new Set((trees.length > 0 ? trees : found).map(({ spec }) => spec))];
  const [only] = different;
  if (only !== undefined && different.length === 1) return only;
  throw new Complaint(
    only === undefined ? nothingIn(exports, module) : severalIn(trees.length > 0 ? trees : found, module),
    EXIT.notFound,
  );
}

function namedOf(found: readonly Found[], module: string, name: string): Supervisable {
  const chosen = found.find((it) => it.name === name) ?? found.find(({ spec }) => spec.id === name);
  if (chosen !== undefined) return chosen.spec;
  const names = found.flatMap((it) => (it.name === 'default' ? [it.spec.id] : [it.name]));
  const meant = nearest(name, names);
  const others = names.length === 0 ? 'It exports no tree at all.' : `There are: ${names.join(', ')}.`;
  throw new Complaint(
    `${module} exports no tree "${name}". ${meant === undefined ? others : `Did you mean "${meant}"?`}`,
    EXIT.notFound,
  );
}

function nothingIn(exports: object, module: string): string {
  const names = Object.keys(exports);
  const what =
    names.length === 0 ? 'exports nothing' : `exports ${names.join(', ')}, none of which is a tree`;
  return (
    `${module} ${what}. Export what supervisor() returns, as in: export default supervisor('shop', { … }). ` +
    'A program that calls supervise() itself is run as it is, but this one has not.'
  );
}

function severalIn(found: readonly Found[], module: string): string {
  const names = found.map(({ name }) => name);
  return `${module} exports several trees: ${names.join(', ')}. Say which: treewarden run ${module} ${names[0]}.`;
}

/** By its shape: the module may have another copy of the library. */
function isSpec(value: unknown): value is Supervisable {
  if (typeof value !== 'object' || value === null) return false;
  const { id, kind, driver } = value as Partial<ChildSpec>;
  return typeof id === 'string' && typeof kind === 'string' && typeof driver?.start === 'function';
}
