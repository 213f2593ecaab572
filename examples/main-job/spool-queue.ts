// The spool as a queue: the program's side, which fills and settles it, and the consumer's loop.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MainJobError } from './errors.js';
import { occupy, vacate } from './host.js';
import type { Finished, Job } from './jobs.js';
import type { Consume, Queue } from './queue.js';
import { Spool } from './spool.js';

const JOBS_PER_BATCH = 64;
/** The list of all jobs. Written last, so a spool that has it was filled to the end. */
const MANIFEST = 'manifest.json';
const IDLE_MS = 50;

/** The folder given with `--spool` cannot be used as one. */
export class NotASpoolError extends MainJobError {}

export class SpoolQueue implements Queue {
  readonly place: string;
  readonly address: string;
  kept: boolean;
  readonly #spool: Spool;
  #occupied = false;
  #jobs: readonly Job[] | undefined;
  /** How many of them have been put in. */
  #filled = 0;

  /** @param folder - an earlier spool, or where a new one is to be, and always kept; a temporary folder if it is left out */
  constructor(folder: string | undefined, kept: boolean) {
    this.place = folder === undefined ? mkdtempSync(join(tmpdir(), 'treewarden-spool-')) : resolve(folder);
    this.address = pathToFileURL(this.place).href;
    this.kept = kept || folder !== undefined;
    this.#spool = new Spool(this.place);
  }

  /** @throws NotASpoolError if the folder holds something else; SpoolInUseError if another program works on it. */
  async open(): Promise<void> {
    mkdirSync(this.place, { recursive: true });
    if (!this.#spool.exists && readdirSync(this.place).length > 0) {
      throw new NotASpoolError(
        `${this.place} is not empty and is no spool. Name a spool of an earlier run, or a folder that does not exist yet.`,
      );
    }
    this.#spool.lay();
    occupy(this.place);
    this.#occupied = true;
    if (existsSync(this.#manifest)) {
      this.#jobs = JSON.parse(readFileSync(this.#manifest, 'utf8')) as Job[];
      this.#filled = this.#jobs.length;
      // Whoever had jobs in hand belonged to a program that is gone, or this one could not have occupied the spool.
      this.#spool.putBack(() => true);
    } else {
      this.#jobs = undefined;
      this.#filled = 0;
      this.#spool.clear();
    }
  }

  get bornAtMs(): number {
    return this.#spool.bornAtMs;
  }

  async accepted(): Promise<readonly Job[] | undefined> {
    return this.#jobs;
  }

  async fill(jobs: readonly Job[], signal: AbortSignal): Promise<void> {
    this.#jobs = jobs;
    while (this.#filled < jobs.length) {
      const batch = jobs.slice(this.#filled, this.#filled + JOBS_PER_BATCH);
      this.#spool.put(`batch-${String(this.#filled).padStart(6, '0')}`, batch);
      // In the same turn, so that a producer which is restarted half-way goes on with the next batch.
      this.#filled += batch.length;
      await nextTurn(undefined, { signal });
    }
    const draft = join(this.place, 'tmp', MANIFEST);
    writeFileSync(draft, JSON.stringify(jobs));
    renameSync(draft, this.#manifest);
  }

  countDone(): Promise<number> {
    return this.#spool.countDone();
  }

  async isEmpty(): Promise<boolean> {
    return this.#spool.isEmpty();
  }

  finished(): Promise<readonly Finished[]> {
    return Promise.resolve(this.#spool.finished());
  }

  async close(): Promise<string | undefined> {
    if (!this.kept) {
      await rm(this.place, { recursive: true, force: true });
      return undefined;
    }
    // Without having occupied it, it is somebody else's.
    if (!this.#occupied) return undefined;
    vacate(this.place);
    return this.place;
  }

  get #manifest(): string {
    return join(this.place, MANIFEST);
  }
}

/** The loop of a consumer: claim a batch, do its jobs one by one, return what is left when asked to stop. */
export const consumeSpool: Consume = async (ctx, address, work) => {
  const spool = new Spool(fileURLToPath(address));
  // The supervisor starts an incarnation only when the ones before are gone, so what they had in hand is nobody's.
  spool.putBack((owner) => owner.startsWith(`${ctx.id}.`));
  while (!ctx.signal.aborted) {
    const batch = spool.claim(`${ctx.id}.${ctx.incarnation}`);
    ctx.heartbeat();
    if (batch === undefined) {
      await idle(ctx.signal);
      continue;
    }
    for (const job of batch.jobs) {
      if (ctx.signal.aborted) break;
      // Between the work and its record nobody may stop this consumer, or the job would have to be done again.
      await ctx.critical(async () => batch.finish(job, await work(job)));
      ctx.heartbeat();
    }
    batch.release();
  }
};

async function idle(signal: AbortSignal): Promise<void> {
  // The abort of the wait is the very thing it waits for.
  await wait(IDLE_MS, undefined, { signal }).catch(() => undefined);
}
