import type { ServerFacts } from './client.js';

/** A tree's socket, and who serves there. */
export interface FoundTree {
  /** The name of the socket, which is the root's id unless `control` gave it another. */
  readonly name: string;
  readonly path: string;
  /**
   * `'running'`: it has said hello; `'silent'`: somebody serves, but says nothing in time, as when its event loop is blocked; `'stale'`: it was left by a program
   * that has died, and the next start replaces it; `'refused'`: it may not be asked by this user.
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

export async function findTrees(
  _directory?: string,
  _options: FindOptions = {},
): Promise<readonly FoundTree[]> {
  return [];
}
