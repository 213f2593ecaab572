import { ControlError, type Snapshot, UnknownChildError } from '../../core/index.js';
import type { Child, Supervisor } from '../../runtime/index.js';
import type { Operations } from '../operations.js';
import type { Call } from './call.js';
import { nodeAt, type ServedTree } from './tree.js';

type Wanted = Operations['wait']['args'];

/**
 * Resolves once a child, or the tree, is ready, or down, to what it is then. A child whose supervisor is not there yet is waited for as well.
 *
 * @throws UnknownChildError for a path that leads nowhere, and will not lead anywhere
 * @throws WrongStateError if readiness is waited for of what stays down
 * @throws ControlError `'timed-out'`
 */
export function waitUntil(tree: ServedTree, wanted: Wanted, call: Call): Promise<Snapshot> {
  const { root, clock } = tree;
  const { path = root.path, until, timeoutMs } = wanted;
  const changes = new Changes(root, call);
  return new Promise((resolve, reject) => {
    (until === 'ready' ? untilReady : untilDown)(root, path, changes).then(resolve, reject);
    if (timeoutMs === undefined) return;
    const limit = clock.after(timeoutMs, () => reject(timedOut(path, until, timeoutMs)));
    call.defer(() => limit.cancel());
  });
}

async function untilReady(root: Supervisor, path: string, changes: Changes): Promise<Snapshot> {
  for (;;) {
    const found = find(root, path);
    if (found instanceof UnknownChildError) await untilReady(root, nearestOf(root, found), changes);
    else if (found === undefined) {
      if (root.status === 'ready') return root.snapshot();
      await changes.next();
    } else if (found.status === 'ready') return found.snapshot();
    else await becomesReady(root, found, changes);
  }
}

/** Its supervisor may be on the way down itself, to be started anew with all its children: then what counts is the next one's child. */
async function becomesReady(root: Supervisor, child: Child, changes: Changes): Promise<void> {
  try {
    await child.whenReady({ signal: changes.over });
  } catch (error) {
    if (changes.over.aborted) throw error;
    const above = child.path.slice(0, child.path.lastIndexOf('/'));
    const supervisor = find(root, above) ?? root;
    if (supervisor instanceof UnknownChildError || supervisor.status === 'ready') throw error;
    await untilReady(root, above, changes);
  }
}

/** Whom to wait for, so that a path may lead somewhere. @throws UnknownChildError if nobody would help */
function nearestOf(root: Supervisor, error: UnknownChildError): string {
  // A supervisor that is down is a child of that id, with nothing below it yet; else its own supervisor has yet to add it.
  for (const path of [`${error.supervisor}/${error.child}`, error.supervisor]) {
    const found = find(root, path) ?? root;
    if (found instanceof UnknownChildError) continue;
    if (found.status === 'ready') break;
    return path;
  }
  throw error;
}

async function untilDown(root: Supervisor, path: string, changes: Changes): Promise<Snapshot> {
  let last: Child | undefined;
  for (;;) {
    const found = find(root, path);
    if (found instanceof UnknownChildError) {
      // Removed with its end, as an instance is, or gone with its supervisor.
      if (last === undefined) throw found;
      return { ...last.snapshot(), status: 'down' };
    }
    if (found === undefined && root.status === 'stopped') return root.snapshot();
    if (found?.status === 'down' && !(await comesBack(found, changes))) {
      const now = found.snapshot();
      // A restart that was asked for begins with an end after which nothing seems to follow.
      if (now.status === 'down') return now;
    }
    last = found;
    if (found?.status !== 'down') await changes.next();
  }
}

/** Settles once it is known: with its readiness, or with the news that it stays down. */
async function comesBack(child: Child, { over }: Changes): Promise<boolean> {
  try {
    await child.whenReady({ signal: over });
    return true;
  } catch {
    return false;
  }
}

/** The child; nothing for the root; the error where the path leads nowhere. */
function find(root: Supervisor, path: string): Child | undefined | UnknownChildError {
  try {
    return nodeAt(root, path);
  } catch (error) {
    if (error instanceof UnknownChildError) return error;
    throw error;
  }
}

/** Whatever happens in the tree, for those who look again then. Who waits for it goes with the request. */
class Changes {
  #wake: () => void = () => undefined;
  /** Aborts with the request. */
  readonly over: AbortSignal;

  constructor(root: Supervisor, call: Call) {
    const request = new AbortController();
    this.over = request.signal;
    call.defer(() => request.abort());
    call.defer(root.on('*', () => this.#wake()));
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function timedOut(path: string, until: string, timeoutMs: number): ControlError {
  return new ControlError('timed-out', `"${path}" was not ${until} within ${timeoutMs} ms.`, {
    path,
    timeoutMs,
  });
}
