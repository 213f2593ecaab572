import type { Snapshot } from '../../core/index.js';
import type { Supervisor } from '../../runtime/index.js';
import type { TreeStatus } from '../client.js';
import { nodeAt, relative } from './tree.js';

/** The branch below a path as plain data; with what each child's processes use, if that is wanted. */
export function statusAt(root: Supervisor, path: string | undefined, usage = false): TreeStatus {
  const snapshot = (nodeAt(root, path) ?? root).snapshot();
  return usage ? withUsage(root, snapshot) : snapshot;
}

function withUsage(root: Supervisor, snapshot: Snapshot): TreeStatus {
  const { path, children } = snapshot;
  if (children !== undefined) return { ...snapshot, children: children.map((it) => withUsage(root, it)) };
  const child = path === root.path ? undefined : root.child(relative(root, path));
  return { ...snapshot, usage: child?.usage() };
}
