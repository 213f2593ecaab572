import type { LockFile } from './lock-file.js';
import type { LockOptions, Refusal } from './queue.js';
import { TableLock } from './table-lock.js';

/** Permits, taken. Disposing of them gives them back. */
export interface Permits extends Disposable {
  readonly count: number;
  readonly released: boolean;
  /** Gives them back at once. Safe to call twice. */
  release(): void;
}

/** Where the number of permits stands in the header. */
const PERMITS = 3;

/** A counting semaphore as one thread has it: what is free is what the table does not list. So the count cannot go wrong by a death. */
export class SemaphoreState extends TableLock<HeldPermits> {
  readonly permits: number;

  constructor(file: LockFile) {
    super(file);
    this.permits = file.words.load(PERMITS);
  }

  /** How many nobody holds, as far as is known without looking for the dead. */
  get available(): number {
    return Math.max(0, this.permits - this.holders.total());
  }

  acquire(count: number, subject: string, options: LockOptions, owner: object): Promise<Permits> {
    return this.take(subject, 'exclusive', () => this.attempt(count, subject, owner), options, owner);
  }

  attempt(count: number, subject: string, owner: object): HeldPermits | Refusal {
    if (!this.enter('exclusive')) return 'busy';
    try {
      if (!this.#hasFree(count)) return 'busy';
      this.holders.add(subject, count);
    } finally {
      this.file.latch.open();
    }
    const held = new HeldPermits(this, count, subject, owner);
    this.keep(held);
    return held;
  }

  leave(held: HeldPermits): void {
    this.forget(held);
    this.holders.add(held.subject, -held.count);
    this.file.queue.poke();
  }

  #hasFree(count: number): boolean {
    if (this.available >= count) return true;
    if (!this.mayLook()) return false;
    this.holders.bury();
    return this.available >= count;
  }
}

class HeldPermits implements Permits {
  readonly count: number;
  readonly subject: string;
  readonly owner: object;
  place = 0;
  readonly #state: SemaphoreState;
  #released = false;

  constructor(state: SemaphoreState, count: number, subject: string, owner: object) {
    this.#state = state;
    this.count = count;
    this.subject = subject;
    this.owner = owner;
  }

  get released(): boolean {
    return this.#released;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#state.leave(this);
  }

  abandon(): void {
    this.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
