import { ControlError, type Snapshot, type StopReport } from '../../core/index.js';
import type { Child, Clock, Supervisor } from '../../runtime/index.js';

/** What a server serves. */
export interface ServedTree {
  readonly root: Supervisor;
  readonly clock: Clock;
  /** Stops it all. */
  stop(graceMs?: number): Promise<StopReport>;
}

/**
 * The child at a path, which may have the root's id in front; nothing for the root itself.
 *
 * @throws UnknownChildError
 */
export function nodeAt(root: Supervisor, path: string | undefined): Child | undefined {
  const below = belowRoot(root, path);
  return below === undefined ? undefined : root.child(below);
}

/**
 * The child at a path.
 *
 * @throws UnknownChildError
 * @throws ControlError for the root, which is started and stopped with its program
 */
export function childAt(root: Supervisor, path: string): Child {
  const child = nodeAt(root, path);
  if (child !== undefined) return child;
  throw new ControlError(
    'not-supported',
    `"${root.path}" is the root of the tree, which runs as long as the tree does. Name a child of it, or stop the whole tree.`,
  );
}

/** The children at a path and below that are no supervisors. */
export function leavesAt(root: Supervisor, path: string | undefined): readonly Child[] {
  return leafPaths((nodeAt(root, path) ?? root).snapshot()).map((leaf) => root.child(relative(root, leaf)));
}

function leafPaths({ path, strategy, children }: Snapshot): readonly string[] {
  if (children !== undefined) return children.flatMap(leafPaths);
  return strategy === undefined ? [path] : [];
}

/** The path as events tell it: with the root's id in front. */
export function fullPath(root: Supervisor, path: string | undefined): string {
  const below = belowRoot(root, path);
  return below === undefined ? root.path : `${root.path}/${below}`;
}

/** A full path as `child()` takes it. */
export function relative(root: Supervisor, path: string): string {
  return path.slice(root.path.length + 1);
}

/** Whether a path leads to a node or to something below it. */
export function isWithin(path: string, node: string): boolean {
  return path === node || path.startsWith(`${node}/`);
}

function belowRoot(root: Supervisor, path: string | undefined): string | undefined {
  if (path === undefined || path === '' || path === root.path) return undefined;
  return path.startsWith(`${root.path}/`) ? relative(root, path) : path;
}
