import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ControlError } from '../core/index.js';
import { systemClock } from '../runtime/index.js';
import type { ServerFacts } from './client.js';
import { dial } from './dial.js';
import { controlDirectory, SOCKET_SUFFIX, treeNameOf } from './place.js';

/** A tree's socket, and who serves there. */
export interface FoundTree {
  /** The name of the socket, which is the root's id unless `control` gave it another. */
  readonly name: string;
  readonly path: string;
  /**
   * `'running'`: it has said hello; `'silent'`: somebody serves, but does not say who it is, as when its event loop is blocked; `'stale'`: it was left by a
   * program that has died, and the next start replaces it; `'refused'`: this user may not ask it.
   */
  readonly state: 'running' | 'silent' | 'stale' | 'refused';
  /** What it says of itself, if it runs. */
  readonly server?: ServerFacts | undefined;
}

/** How trees are looked for. */
export interface FindOptions {
  /** How long a program that does not answer is waited for, in ms from 1. @defaultValue `1000` */
  readonly timeoutMs?: number | undefined;
}

const PATIENCE_MS = 1000;

/**
 * The trees that listen in a directory, or did, by name. Looks at all of them at once, and touches nothing. A directory that is not there has none.
 *
 * @param directory - that of {@link controlDirectory} unless given
 * @throws ControlError `'not-reachable'` if the directory cannot be read
 */
export async function findTrees(
  directory: string = controlDirectory(),
  { timeoutMs = PATIENCE_MS }: FindOptions = {},
): Promise<readonly FoundTree[]> {
  const paths = socketsIn(directory);
  const found = await Promise.all(paths.map((path) => look(path, timeoutMs)));
  return found.filter((tree) => tree !== undefined);
}

/** Who serves at a socket; nothing where there is none. */
export async function look(path: string, timeoutMs: number): Promise<FoundTree | undefined> {
  let found: FoundTree | 'ended' | undefined = 'ended';
  for (let looks = 0; looks < MOST_LOOKS && found === 'ended'; looks += 1)
    found = await lookOnce(path, timeoutMs);
  return found === 'ended' ? { name: treeNameOf(path), path, state: 'silent' } : found;
}

/** `'ended'`: it took the connection and ended it. A program that dies closes one socket after the other, so the next look knows more. */
async function lookOnce(path: string, timeoutMs: number): Promise<FoundTree | 'ended' | undefined> {
  const name = treeNameOf(path);
  try {
    const { socket, server } = await dial(path, { clock: systemClock, timeoutMs });
    socket.destroy();
    return { name, path, state: 'running', server };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    const { errno } = error.facts;
    if (errno === 'ENOENT' || errno === 'ENOTSOCK') return undefined;
    if (ENDED.includes(errno) || error.failure === 'protocol') return 'ended';
    if (errno === undefined) return { name, path, state: 'silent' };
    return { name, path, state: errno === 'ECONNREFUSED' ? 'stale' : 'refused' };
  }
}

/** How often a socket is looked at that ends its connections, at most. */
const MOST_LOOKS = 5;

const ENDED: readonly unknown[] = ['ECONNRESET', 'EPIPE'];

function socketsIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name.endsWith(SOCKET_SUFFIX) && !name.startsWith('.'))
      .map((name) => join(directory, name))
      .sort((a, b) => (treeNameOf(a) < treeNameOf(b) ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new ControlError(
      'not-reachable',
      `The directory ${directory} cannot be read (${code}).`,
      { directory, errno: code },
      { cause: error },
    );
  }
}
