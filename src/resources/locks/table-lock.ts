import { Holders } from './holders.js';
import type { Mode } from './intent.js';
import type { LockFile } from './lock-file.js';
import type { LeaseState } from './lock-lease.js';
import type { LockOptions, Refusal } from './queue.js';

/** Whether somebody lives takes a look into /proc, so it is not asked more often than that. */
const LOOK_EVERY_MS = 2;

/** What the holds of one thread have in common. */
export interface Held {
  readonly owner: object;
  /** Where the lock has it among the others, so that it is found again at once. */
  place: number;
  abandon(): void;
}

/**
 * A lock whose holders stand in a table, by who they are: the latch is only held while the table is read and changed, in one go, and never
 * while anybody waits. A holder who died is found by the next one who is in its way.
 */
export abstract class TableLock<H extends Held> implements LeaseState {
  readonly file: LockFile;
  protected readonly holders: Holders;
  readonly #held: H[] = [];
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(file: LockFile) {
    this.file = file;
    this.holders = new Holders(file.words, file.who);
  }

  heldBy(owner: object): boolean {
    return this.#held.some((one) => one.owner === owner);
  }

  abandon(owner: object): void {
    for (const one of [...this.#held]) if (one.owner === owner) one.abandon();
  }

  end(): void {
    for (const one of [...this.#held]) one.abandon();
    this.holders.end();
    this.file.latch.end?.();
  }

  protected take<T extends H>(
    subject: string,
    mode: Mode,
    attempt: () => T | Refusal,
    options: LockOptions,
    owner: object,
  ): Promise<T> {
    const holders = (): readonly string[] => this.names();
    const isHeldHere = (): boolean => this.#held.length > 0;
    return this.file.queue.take({ subject, mode, attempt, holders, isHeldHere }, options, owner);
  }

  protected names(): readonly string[] {
    return this.holders.names();
  }

  /** Whether the table is this thread's to read and change, until it opens the latch. */
  protected enter(mode: Mode): boolean {
    return !this.file.intent.stepsAside(mode) && this.#close();
  }

  protected keep(one: H): void {
    one.place = this.#held.length;
    this.#held.push(one);
  }

  protected forget(one: H): void {
    const last = this.#held.pop();
    if (last === undefined || last === one) return;
    last.place = one.place;
    this.#held[one.place] = last;
  }

  /** Whether it is time to look again who has died. */
  protected mayLook(): boolean {
    const nowMs = this.file.clock.now();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return false;
    this.#lookedAtMs = nowMs;
    return true;
  }

  #close(): boolean {
    const { latch } = this.file;
    for (let left = latch.spins; left > 0; left -= 1) if (latch.tryClose()) return true;
    return false;
  }
}
