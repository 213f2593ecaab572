import type { ConnectOptions, ControlClient, FoundTree } from '../control/index.js';
import { UsageError } from './arguments.js';
import type { Values } from './command.js';
import { Complaint } from './complaint.js';
import { complaintOf, isControlError } from './control-complaint.js';
import { EXIT } from './exit-code.js';
import { nearest } from './nearest.js';
import { harmless } from './text.js';

/**
 * Connects to the tree that is meant: by `--socket`, by `--tree`, by `TREEWARDEN_SOCKET`, or the only one that runs.
 *
 * @param waitMs - how long a tree that is named and does not run yet is waited for
 * @throws Complaint if there is none, or several and none is named: with those that there are, and the option to use
 */
export async function reachTree(values: Values, waitMs = 0): Promise<ControlClient> {
  const { connect } = await import('../control/index.js');
  try {
    return await connect({ ...(await placeOfTree(values, waitMs > 0)), timeoutMs: waitMs });
  } catch (error) {
    throw isControlError(error) ? complaintOf(error) : error;
  }
}

/** The trees of this user that listen. */
export async function runningTrees(): Promise<readonly FoundTree[]> {
  const { findTrees } = await import('../control/index.js');
  return (await findTrees()).filter(({ state }) => state !== 'stale');
}

async function placeOfTree(values: Values, isAwaited: boolean): Promise<ConnectOptions> {
  const path = values.text('socket');
  const tree = values.text('tree');
  if (path !== undefined && tree !== undefined)
    throw new UsageError('--socket names the tree already: leave out --tree.');
  if (path !== undefined) return { path };
  if (tree !== undefined) {
    if (!isAwaited) await checkRuns(tree);
    return { tree };
  }
  const { TREEWARDEN_SOCKET } = process.env;
  if (TREEWARDEN_SOCKET !== undefined && TREEWARDEN_SOCKET !== '') return { path: TREEWARDEN_SOCKET };
  return { path: onlyTree(await runningTrees()).path };
}

async function checkRuns(tree: string): Promise<void> {
  const names = (await runningTrees()).map(({ name }) => name);
  if (names.includes(tree)) return;
  const meant = nearest(tree, names);
  throw new Complaint(
    `No tree "${harmless(tree)}" is running. ${meant === undefined ? whichRun(names) : `Did you mean "${harmless(meant)}"?`}`,
    EXIT.notFound,
  );
}

function onlyTree(trees: readonly FoundTree[]): FoundTree {
  const [only] = trees;
  if (only !== undefined && trees.length === 1) return only;
  const names = trees.map(({ name }) => name);
  throw new Complaint(
    only === undefined
      ? whichRun(names)
      : `Several trees are running: ${names.map(harmless).join(', ')}. Say which: --tree ${harmless(only.name)}.`,
    EXIT.notFound,
  );
}

function whichRun(names: readonly string[]): string {
  if (names.length > 0) return `Running are: ${names.map(harmless).join(', ')}.`;
  return 'No tree of this user is running. Start one with treewarden run, or give supervise() the option control: true.';
}
