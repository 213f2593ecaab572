import { ControlError } from '../core/index.js';
import { systemClock } from '../runtime/index.js';
import type { ControlClient } from './client.js';
import { dial } from './dial.js';
import { type FoundTree, findTrees } from './find.js';
import { type ConnectOptions, checkConnectOptions } from './options.js';
import { checkPrivate, controlDirectory, socketPath } from './place.js';
import { Session } from './session.js';

/** How long a tree that listens may take to say hello, in ms. */
const HELLO_MS = 5000;
/** The pauses between two attempts, in ms: from the first up to the second. */
const TRY_EVERY_MS = [20, 250] as const;

/**
 * Connects to a running tree of this user. While nothing is asked, the connection keeps no program running.
 *
 * @throws InvalidSpecError for an option that is wrong
 * @throws ControlError `'no-tree'` if there is none, `'ambiguous'` if it was not said which of several, `'timed-out'` if it says nothing, `'protocol'` if it is
 * of another version, `'not-reachable'` if it is another user's
 * @example
 * ```ts
 * await using tree = await connect({ tree: 'shop' });
 * await tree.restart('workers/resize');
 * for await (const { child, text } of tree.logs('workers', { follow: true })) console.log(child, text);
 * ```
 */
export async function connect(options: ConnectOptions = {}): Promise<ControlClient> {
  checkConnectOptions(options);
  const { timeoutMs = 0, abortSignal } = options;
  const attempt = async (): Promise<ControlClient> => {
    const path = await whereIs(options);
    const patience = { clock: systemClock, timeoutMs: Math.max(timeoutMs, HELLO_MS), abortSignal };
    return new Session(await dial(path, patience));
  };
  return timeoutMs === 0 ? attempt() : patiently(attempt, timeoutMs, abortSignal);
}

/** A tree that starts is there in a moment, so that may simply be tried again. */
async function patiently(
  attempt: () => Promise<ControlClient>,
  timeoutMs: number,
  abortSignal: AbortSignal | undefined,
): Promise<ControlClient> {
  const { default: pRetry } = await import('p-retry');
  const [minTimeout, maxTimeout] = TRY_EVERY_MS;
  return pRetry(attempt, {
    retries: Number.POSITIVE_INFINITY,
    factor: 1.5,
    minTimeout,
    maxTimeout,
    maxRetryTime: timeoutMs,
    ...(abortSignal === undefined ? {} : { signal: abortSignal }),
    shouldRetry: ({ error }) => error instanceof ControlError && error.failure === 'no-tree',
  });
}

async function whereIs({ path, tree, directory }: ConnectOptions): Promise<string> {
  if (path !== undefined) return path;
  const place = directory ?? ownDirectory();
  return tree === undefined ? onlyOne(await findTrees(place), place) : socketPath(place, tree);
}

/** Whoever could write there could answer in a tree's place. One that was named is the caller's to trust, as another user's is to root. */
function ownDirectory(): string {
  const directory = controlDirectory();
  try {
    checkPrivate(directory);
  } catch (error) {
    if (!(error instanceof ControlError) || error.facts['why'] !== 'it is not there') throw error;
  }
  return directory;
}

function onlyOne(found: readonly FoundTree[], directory: string): string {
  const alive = found.filter(({ state }) => state === 'running' || state === 'silent');
  const [tree] = alive;
  if (tree === undefined) {
    throw new ControlError(
      'no-tree',
      `No tree listens in ${directory}. Start one that does (supervise with control: true), or say where it listens.`,
      { directory, stale: found.map(({ name }) => name) },
    );
  }
  if (alive.length === 1) return tree.path;
  const names = alive.map(({ name }) => name);
  throw new ControlError(
    'ambiguous',
    `Several trees listen in ${directory}: ${names.join(', ')}. Say which.`,
    {
      directory,
      trees: names,
    },
  );
}
