import { LockTimeoutError } from '../../core/index.js';
import type { Clock, Timer } from '../../runtime/index.js';
import { onAbort } from '../on-abort.js';
import { type Intent, type Mode, PATIENCE_MS } from './intent.js';

/** How long one is ready to wait. */
export interface LockOptions {
  /** 0 tries once. Without it, or with `Infinity`, there is no limit. */
  readonly timeoutMs?: number | undefined;
  /** Its abort ends the wait; what is rejected is its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Why a try failed: another thread has it, or this one does, and will say so when that changes. */
export type Refusal = 'busy' | 'held-here';

/** What is tried until it succeeds. */
export interface Wanted<T> {
  readonly subject: string;
  readonly mode: Mode;
  attempt(): T | Refusal;
  /** For the message of a timeout. */
  holders(): readonly string[];
  /** Likewise: whether this thread is among them. */
  isHeldHere(): boolean;
}

/** So many turns of the event loop are tried in, before timers are used: about a tenth of a millisecond. */
const EAGER_TURNS = 20;
const LONGEST_PAUSE_MS = 4;

/**
 * Those of one thread who wait for one lock, first come, first served. Only the first of them tries; it never blocks the thread: it tries
 * again in turns of the event loop, then after pauses of 1 to 4 ms, and at once when this thread lets go of the lock itself.
 */
export class Queue {
  readonly #clock: Clock;
  readonly #intent: Intent;
  readonly #waiters: Waiter<unknown>[] = [];

  constructor(clock: Clock, intent: Intent) {
    this.#clock = clock;
    this.#intent = intent;
  }

  get empty(): boolean {
    return this.#waiters.length === 0;
  }

  take<T>(wanted: Wanted<T>, options: LockOptions, owner: object): Promise<T> {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    if (this.empty) {
      const got = tried(wanted);
      if (!isRefusal(got)) return got;
    }
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(wanted, owner, this.#clock, this.#intent, resolve, reject, () =>
        this.#leave(waiter as Waiter<unknown>),
      );
      this.#waiters.push(waiter as Waiter<unknown>);
      waiter.limit(options);
      if (this.#waiters[0] === waiter) waiter.pause();
    });
  }

  /** This thread let go of something: the first in the queue may have it. */
  poke(): void {
    // Asked for its length first: an element that an array does not have is slow to read.
    if (this.#waiters.length > 0) this.#waiters[0]?.step();
  }

  /** Ends the waits of one owner. */
  dismiss(owner: object, error: unknown): void {
    for (const waiter of this.#waiters.filter((one) => one.owner === owner)) waiter.fail(error);
  }

  #leave(waiter: Waiter<unknown>): void {
    const first = this.#waiters[0] === waiter;
    this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    if (!first) return;
    this.#intent.withdraw();
    // In a turn of its own: whoever leaves may be in the middle of a release.
    this.#waiters[0]?.pause();
  }
}

class Waiter<T> {
  readonly owner: object;
  readonly #wanted: Wanted<T>;
  readonly #clock: Clock;
  readonly #intent: Intent;
  readonly #resolve: (got: T) => void;
  readonly #reject: (error: unknown) => void;
  readonly #leave: () => void;
  readonly #sinceMs: number;
  #turns = 0;
  #pause: { timer?: Timer } | undefined;
  #limit: Timer | undefined;
  #unlisten: (() => void) | undefined;
  #settled = false;

  constructor(
    wanted: Wanted<T>,
    owner: object,
    clock: Clock,
    intent: Intent,
    resolve: (got: T) => void,
    reject: (error: unknown) => void,
    leave: () => void,
  ) {
    this.#wanted = wanted;
    this.owner = owner;
    this.#clock = clock;
    this.#intent = intent;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#leave = leave;
    this.#sinceMs = clock.now();
  }

  limit({ timeoutMs, signal }: LockOptions): void {
    if (timeoutMs !== undefined && timeoutMs !== Number.POSITIVE_INFINITY)
      this.#limit = this.#clock.after(timeoutMs, () => this.#expire(timeoutMs));
    if (signal === undefined) return;
    this.#unlisten = onAbort(signal, () => this.fail(signal.reason));
  }

  step(): void {
    this.#cancelPause();
    let got: T | Refusal;
    try {
      got = this.#wanted.attempt();
    } catch (error) {
      this.fail(error);
      return;
    }
    if (isRefusal(got)) this.#refused(got);
    else if (this.#settle()) this.#resolve(got);
  }

  fail(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** Tries again a little later. */
  pause(): void {
    this.#cancelPause();
    const pause: { timer?: Timer } = {};
    this.#pause = pause;
    const run = (): void => {
      // A turn of the event loop cannot be taken back: another step may have come first.
      if (this.#pause === pause) this.step();
    };
    this.#turns += 1;
    if (this.#turns <= EAGER_TURNS) this.#clock.yield(run);
    else pause.timer = this.#clock.after(Math.min(this.#turns - EAGER_TURNS, LONGEST_PAUSE_MS), run);
  }

  #refused(refusal: Refusal): void {
    if (refusal === 'held-here') return;
    const waitedMs = this.#clock.now() - this.#sinceMs;
    if (waitedMs > PATIENCE_MS) this.#intent.claim(waitedMs, this.#wanted.mode);
    this.pause();
  }

  #expire(timeoutMs: number): void {
    const { subject } = this.#wanted;
    this.fail(new LockTimeoutError(subject, timeoutMs, this.#wanted.holders(), this.#wanted.isHeldHere()));
  }

  #cancelPause(): void {
    this.#pause?.timer?.cancel();
    this.#pause = undefined;
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#cancelPause();
    this.#limit?.cancel();
    this.#unlisten?.();
    this.#leave();
    return true;
  }
}

function tried<T>(wanted: Wanted<T>): Promise<T> | Refusal {
  try {
    const got = wanted.attempt();
    return isRefusal(got) ? got : Promise.resolve(got);
  } catch (error) {
    return Promise.reject(error);
  }
}

function isRefusal(got: unknown): got is Refusal {
  return got === 'busy' || got === 'held-here';
}
