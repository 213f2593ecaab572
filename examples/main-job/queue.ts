// What the program asks of a queue, whichever it is. A consumer needs only its address.

import type { ChildContext } from 'treewarden';
import type { Finished, Job, Outcome } from './jobs.js';

export interface Queue {
  /** What a consumer needs in order to join: a URL, `file:` for a spool and `redis:` for Redis. */
  readonly address: string;
  /** Whether it is left in place at the end, to be looked at or resumed. */
  kept: boolean;
  /** Makes it ready for consumers. What an earlier program has left in it is put back, to be gone on with. */
  open(): Promise<void>;
  /** When it was opened for the first time, by the wall clock; no job was begun before. Known once it is open. */
  readonly bornAtMs: number;
  /** Every job that it holds or is to hold; nothing if nobody has begun to fill it. */
  accepted(): Promise<readonly Job[] | undefined>;
  /**
   * Puts in what is not in it yet. Throws half-way when `signal` is aborted; called again with the same jobs, it goes on. A filling that
   * dies with its program is begun anew by the next one.
   */
  fill(jobs: readonly Job[], signal: AbortSignal): Promise<void>;
  /** How many jobs are done. */
  countDone(): Promise<number>;
  /** Whether nothing waits and nobody has anything in hand, as far as one look can tell. */
  isEmpty(): Promise<boolean>;
  /** Every recorded outcome; a job that was recorded twice is in it twice. */
  finished(): Promise<readonly Finished[]>;
  /** Lets go of it, and removes it unless it is kept; then it says where that is, for people. */
  close(): Promise<string | undefined>;
}

/** Does one job, for whichever queue. */
export type Work = (job: Job) => Promise<Outcome>;

/** Takes jobs from the queue at `address` until `ctx.signal` is aborted, and records what `work` makes of them. */
export type Consume = (ctx: ChildContext, address: string, work: Work) => Promise<void>;

/** BullMQ is loaded only by those who asked for Redis. */
export async function consumeFrom(address: string): Promise<Consume> {
  if (isRedis(address)) return (await import('./redis.js')).consumeRedis;
  return (await import('./spool-queue.js')).consumeSpool;
}

export function isRedis(address: string): boolean {
  return address.startsWith('redis://') || address.startsWith('rediss://');
}
