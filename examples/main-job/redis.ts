// BullMQ on Redis as a queue, for `--queue redis://…`.

import { once } from 'node:events';
import { type Job as BullJob, Queue as BullQueue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pRetry from 'p-retry';
import { MainJobError } from './errors.js';
import type { Finished, Job, Outcome } from './jobs.js';
import type { Consume, Queue } from './queue.js';

const REACH_WITHIN_MS = 3000;
const JOBS_PER_TRIP = 500;
/** A job is somebody's for this long after its consumer last renewed the lock; then it counts as stalled, and is done again. */
const LOCK_MS = 3000;
/** Chaos makes jobs stall and fail on purpose, so no number of attempts is too many. */
const WITHOUT_LIMIT = 1_000_000;
const IDLE_HEARTBEAT_MS = 200;

interface File {
  readonly path: string;
}

/** Redis did not answer in time. */
export class RedisUnreachableError extends MainJobError {
  constructor(place: string, attempts: number, options: ErrorOptions & { cause: Error }) {
    super(
      `Redis at ${place} could not be reached: ${reasonOf(options.cause)} (${attempts} attempts within ${REACH_WITHIN_MS} ms). ` +
        'Start it, correct the address, or leave out --queue to use a spool in a temporary folder.',
      options,
    );
  }
}

export class RedisQueue implements Queue {
  readonly address: string;
  readonly place: string;
  kept: boolean;
  readonly bornAtMs: number = Date.now();
  readonly #url: string;
  readonly #name = `treewarden-main-job-${Date.now()}-${process.pid}`;
  #queue: BullQueue<File, Outcome> | undefined;
  #jobs: readonly Job[] | undefined;

  constructor(url: string, kept: boolean) {
    this.#url = url;
    this.address = `${url}#${this.#name}`;
    this.place = `${withoutPassword(url)}, queue ${this.#name}`;
    this.kept = kept;
  }

  /** @throws RedisUnreachableError within a few seconds */
  async open(): Promise<void> {
    await reach(this.#url);
    this.#queue ??= new BullQueue(this.#name, {
      connection: { url: this.#url },
      defaultJobOptions: { attempts: WITHOUT_LIMIT },
    });
    // Without a listener, a lost connection would be an uncaught error; with one, the client simply connects again.
    this.#queue.on('error', () => undefined);
  }

  async accepted(): Promise<readonly Job[] | undefined> {
    return this.#jobs;
  }

  /** A job whose id is there already is not added again. */
  async fill(jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    this.#jobs = jobs;
    for (let from = 0; from < jobs.length; from += JOBS_PER_TRIP) {
      signal.throwIfAborted();
      const trip = jobs.slice(from, from + JOBS_PER_TRIP);
      await this.#queue?.addBulk(
        trip.map(({ id, path }) => ({ name: 'file', data: { path }, opts: { jobId: id } })),
      );
    }
  }

  async countDone(): Promise<number> {
    return (await this.#queue?.getCompletedCount()) ?? 0;
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#queue?.getJobCountByTypes('waiting', 'active', 'delayed')) === 0;
  }

  async finished(): Promise<readonly Finished[]> {
    const found: Finished[] = [];
    for (let from = 0; ; from += JOBS_PER_TRIP) {
      const trip = (await this.#queue?.getCompleted(from, from + JOBS_PER_TRIP - 1)) ?? [];
      found.push(...trip.map(({ id = '', returnvalue }) => ({ id, outcome: returnvalue })));
      if (trip.length < JOBS_PER_TRIP) return found;
    }
  }

  async close(): Promise<string | undefined> {
    if (this.#queue === undefined) return undefined;
    if (!this.kept) await this.#queue.obliterate({ force: true });
    await this.#queue.close();
    return this.kept ? this.place : undefined;
  }
}

export const consumeRedis: Consume = async (ctx, address, work) => {
  const [url = '', name = ''] = address.split('#');
  let inHand = 0;
  const doJob = async (job: BullJob<File, Outcome>): Promise<Outcome> => {
    inHand += 1;
    try {
      return await work({ id: job.id ?? '', path: job.data.path });
    } catch (error) {
      // BullMQ alone would only count an attempt and carry on; here a crash is a crash.
      ctx.fail(error);
      throw error;
    } finally {
      inHand -= 1;
      ctx.heartbeat();
    }
  };
  const worker = new Worker<File, Outcome>(name, doJob, {
    connection: { url, maxRetriesPerRequest: null },
    concurrency: 4,
    lockDuration: LOCK_MS,
    stalledInterval: LOCK_MS / 2,
    maxStalledCount: WITHOUT_LIMIT,
  });
  worker.on('error', () => ctx.heartbeat());
  // Waiting for work is no hang; being silent with a job in hand is.
  const idle = setInterval(() => inHand === 0 && ctx.heartbeat(), IDLE_HEARTBEAT_MS);
  ctx.onDrain(() => worker.close());
  try {
    if (!ctx.signal.aborted) await once(ctx.signal, 'abort');
    await worker.close();
  } finally {
    clearInterval(idle);
  }
};

/** Connects and says PING, more than once, as a Redis that is just starting needs a moment. */
async function reach(url: string): Promise<void> {
  let attempts = 0;
  const attempt = async (): Promise<void> => {
    attempts += 1;
    const redis = new Redis(url, {
      lazyConnect: true,
      connectTimeout: REACH_WITHIN_MS / 2,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    });
    let lastError: unknown;
    redis.on('error', (error) => (lastError = error));
    try {
      await redis.connect();
      await redis.ping();
    } catch (error) {
      throw lastError ?? error;
    } finally {
      redis.disconnect();
    }
  };
  try {
    await pRetry(attempt, { retries: 4, minTimeout: 200, factor: 1.5, maxRetryTime: REACH_WITHIN_MS });
  } catch (error) {
    throw new RedisUnreachableError(withoutPassword(url), attempts, { cause: error as Error });
  }
}

function reasonOf(error: Error): string {
  return error instanceof AggregateError ? error.errors.map(String).join('; ') : error.message;
}

function withoutPassword(address: string): string {
  const url = new URL(address);
  url.password = '';
  url.username = '';
  return url.href;
}
