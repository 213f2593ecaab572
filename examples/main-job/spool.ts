// The queue in a folder, after the model of maildir: every job is one name, and that name is in exactly one place at any moment.
//
//   tmp/<batch>/                 being written
//   new/<batch>/<job>            waiting
//   cur/<owner>/<batch>/<job>    in the hands of one incarnation of one consumer
//   done/<job>,<outcome>         finished
//
// The jobs of a batch are hard links to one file, which says what each of them is: a name takes 10 µs to make, a file up to 1 ms.
// Every step from one place to the next is one rename, which either happens or does not, whoever is killed meanwhile. So no job can be
// lost or finished twice. A job that was in the hands of a killed consumer is put back and done again, but it is recorded once.
// Jobs are claimed by the batch, so that consumers seldom reach for the same name, and finished one by one.
//
// The steps are synchronous on purpose: each takes some 10 µs, less than a trip through Node's thread pool.

import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finished, Job, Outcome } from './jobs.js';

const MARK = 'treewarden-spool';
const PLACES = ['tmp', 'new', 'cur', 'done'];

/** A claimed job was taken away: somebody put it back, believing its owner to be dead. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';

  constructor(readonly job: string) {
    super(
      `${job} is no longer claimed by this consumer, so its outcome was not recorded. It will be done again.`,
    );
  }
}

/** The spool in `folder`, as all processes that use it see it. Making one touches nothing. */
export class Spool {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Whether the folder is a spool, be it one whose making was cut short. */
  get exists(): boolean {
    return existsSync(this.#path(MARK));
  }

  /** When it was made, by the wall clock. */
  get bornAtMs(): number {
    return statSync(this.#path(MARK)).mtimeMs;
  }

  /** Makes what is missing of it, its mark first: nothing is ever cleared in a folder that does not bear it. */
  lay(): void {
    mkdirSync(this.folder, { recursive: true });
    if (!this.exists) writeFileSync(this.#path(MARK), 'a queue of jobs, see spool.ts\n');
    for (const place of PLACES) mkdirSync(this.#path(place), { recursive: true });
  }

  /** Adds jobs, at least one, as a batch, which others see whole or not at all. */
  put(batch: string, jobs: readonly Job[]): void {
    const draft = this.#path('tmp', batch);
    mkdirSync(draft);
    const [first = '', ...others] = jobs.map(({ id }) => join(draft, id));
    writeFileSync(first, JSON.stringify(Object.fromEntries(jobs.map(({ id, path }) => [id, path]))));
    for (const other of others) linkSync(first, other);
    renameSync(draft, this.#path('new', batch));
  }

  /** Claims a batch for an owner, from anywhere in the queue; nothing if none is waiting. */
  claim(owner: string): Batch | undefined {
    const waiting = readdirSync(this.#path('new'));
    const first = Math.floor(Math.random() * waiting.length);
    for (const name of [...waiting.slice(first), ...waiting.slice(0, first)]) {
      const mine = this.#path('cur', owner, name);
      mkdirSync(this.#path('cur', owner), { recursive: true });
      if (exists(() => renameSync(this.#path('new', name), mine))) return new Batch(this, mine, name);
    }
    return undefined;
  }

  /**
   * Puts back what the owners that `isGone` names had in hand. Whoever calls it must know that they are gone: a claim is not a lease, and
   * an owner is never presumed dead because it is slow. (Even then nothing would be recorded twice: the late owner meets a ClaimLostError.)
   */
  putBack(isGone: (owner: string) => boolean): void {
    for (const owner of readdirSync(this.#path('cur')).filter(isGone)) {
      const hands = this.#path('cur', owner);
      for (const name of readdirSync(hands)) this.release(join(hands, name), name);
      rmdirSync(hands);
    }
  }

  /** Returns a claimed batch: gone if all of it is done, waiting again if not. */
  release(mine: string, name: string): void {
    if (!removedEmpty(mine)) renameSync(mine, this.#path('new', name));
  }

  /** Records an outcome. This rename is the moment at which the job is done. */
  finish(claimed: string, job: Job, outcome: Outcome): void {
    const done = this.#path('done', `${job.id},${outcome}`);
    if (!exists(() => renameSync(claimed, done))) throw new ClaimLostError(job.id);
  }

  /** Every recorded outcome; a job that was recorded twice is in it twice. */
  finished(): readonly Finished[] {
    return readdirSync(this.#path('done')).map((name) => {
      const comma = name.indexOf(',');
      return { id: name.slice(0, comma), outcome: name.slice(comma + 1) };
    });
  }

  /** How many jobs are done. Asynchronous, as it is asked often, of a folder that grows large. */
  async countDone(): Promise<number> {
    return (await readdir(this.#path('done'))).length;
  }

  /** Whether no job waits or is in hand. Not one step: a batch that is just being put back may be overlooked. */
  isEmpty(): boolean {
    const owners = readdirSync(this.#path('cur')).map((owner) => this.#path('cur', owner));
    return [this.#path('new'), ...owners].every((folder) =>
      readdirSync(folder).every((batch) => readdirSync(join(folder, batch)).length === 0),
    );
  }

  /** Empties it. Only for one whose filling did not reach its end: nobody knows what else should be in it. */
  clear(): void {
    for (const place of PLACES) rmSync(this.#path(place), { recursive: true });
    this.lay();
  }

  #path(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }
}

/** A batch in the hands of its owner. */
export class Batch {
  readonly #spool: Spool;
  readonly #folder: string;
  readonly #name: string;

  constructor(spool: Spool, folder: string, name: string) {
    this.#spool = spool;
    this.#folder = folder;
    this.#name = name;
  }

  /** The jobs that are left in it. */
  get jobs(): readonly Job[] {
    const ids = readdirSync(this.#folder);
    const [any] = ids;
    if (any === undefined) return [];
    const paths = JSON.parse(readFileSync(join(this.#folder, any), 'utf8')) as Record<string, string>;
    return ids.map((id) => ({ id, path: paths[id] ?? '' }));
  }

  /** @throws ClaimLostError if the job was taken away; then nothing is recorded. */
  finish(job: Job, outcome: Outcome): void {
    this.#spool.finish(join(this.#folder, job.id), job, outcome);
  }

  /** Returns what is left of it to the queue. */
  release(): void {
    this.#spool.release(this.#folder, this.#name);
  }
}

/** Whether what `act` needs was there; false when another process was faster. */
function exists(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

function removedEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
