import { ControlError } from '../../core/index.js';
import type { Child } from '../../runtime/index.js';
import type { Performers } from './call.js';
import { down, restartable } from './down.js';
import { tellEvents } from './events.js';
import { reopenLogs, tellLogs } from './logs.js';
import { statusAt } from './status.js';
import { childAt, leavesAt, type ServedTree } from './tree.js';
import { waitUntil } from './wait.js';

/** What each operation does to a tree. */
export function performers(tree: ServedTree): Performers {
  const { root } = tree;
  return {
    status: ({ path, usage }) => statusAt(tree, path, usage),
    up: async ({ path, once = false }) => {
      await childAt(root, path).start({ once });
      return statusAt(tree, path);
    },
    down: ({ path }, call) => down(tree, path, call),
    restart: async ({ path }) => {
      await restartable(tree, path).restart();
      return statusAt(tree, path);
    },
    reload: ({ path }) => onEach(tree, path, 'has a reload signal', (leaf) => leaf.reload()),
    pause: ({ path }) => onEach(tree, path, 'has processes to suspend', (leaf) => leaf.pause()),
    continue: ({ path }) => onEach(tree, path, 'has processes to continue', (leaf) => leaf.resume()),
    signal: ({ path, signal }) =>
      onEach(tree, path, 'has a process of its own', (leaf) => leaf.signal(signal)),
    wait: (wanted, call) => waitUntil(tree, wanted, call),
    explain: ({ path }) => leavesAt(root, path).flatMap((leaf) => leaf.explainStop()),
    logs: (wanted, call) => tellLogs(tree, wanted, call),
    events: ({ path }, call) => tellEvents(root, path, call),
    reopenLogs: ({ path }) => reopenLogs(leavesAt(root, path)),
    stop: ({ graceMs }) => tree.stop(graceMs),
  };
}

/** A branch does what its children can do, and cannot what none of them can. */
function onEach({ root }: ServedTree, path: string, can: string, act: (leaf: Child) => boolean): null {
  const done = leavesAt(root, path).filter((leaf) => act(leaf));
  if (done.length > 0) return null;
  throw new ControlError('not-supported', `Nothing at "${path}" ${can}, or it does not run at this moment.`);
}
