import { AssertionError } from 'node:assert';
import { LONGEST_TIMER_MS } from '../core/index.js';
import type { Clock, Timer } from '../runtime/index.js';

// Taken once, so that a test framework's fake timers, which replace the global one, cannot bring this clock to a halt.
const nextImmediate = globalThis.setImmediate;

/** How many turns of the event loop work may go on for without time passing. */
const MOST_TURNS = 500;
/** How many timers may run in one moment. */
const MOST_TIMERS = 100_000;
/** How much virtual time a wait may take, in ms: an hour. */
const LONGEST_RUN_MS = 3_600_000;

/**
 * Time that a test owns: it stands still until it is advanced, and starts at 0.
 *
 * Timers run in the order of their moments, those of one moment in the order in which they were set, and everything that follows from one
 * is over before the next runs. Delays are exact, where Node's are at least 1 ms. It reads no wall clock.
 *
 * @example
 * ```ts
 * const clock = new VirtualClock();
 * const root = new Supervisor(tree, { clock });
 * await clock.run(root.start());
 * await clock.advance(5_000);
 * ```
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  /** Soonest first; of one moment, first set first. */
  #timers: VirtualTimer[] = [];
  #yielded: (() => void)[] = [];
  /** How often it was asked for anything: while that grows, somebody is at work. */
  #asked = 0;

  now(): number {
    this.#asked += 1;
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    this.#asked += 1;
    const atMs = this.#nowMs + Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS);
    const timer = new VirtualTimer(atMs, run, (done) => this.#take(done));
    this.#timers.splice(this.#placeAfter(atMs), 0, timer);
    return timer;
  }

  yield(run: () => void): void {
    this.#asked += 1;
    this.#yielded.push(run);
  }

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.length;
  }

  /** The moment of the next timer; undefined if none is set. */
  get nextAtMs(): number | undefined {
    return this.#timers[0]?.atMs;
  }

  /**
   * Resolves once everything that can happen at this moment has happened: messages, promises, due timers of 0 ms.
   *
   * @throws AssertionError if that does not end, as with a child that crashes at once and is restarted at once for ever.
   */
  async settle(): Promise<void> {
    await this.#quiet();
    for (let fired = 0; this.#due(this.#nowMs); fired += 1) {
      if (fired >= MOST_TIMERS) throw restless(this.#nowMs);
      await this.#fire();
    }
  }

  /**
   * Lets `ms` pass: runs each timer at its own moment, and settles after each.
   *
   * @param ms - from 0
   * @throws AssertionError if it does not settle.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`A clock can be advanced by 0 ms or more, but not by ${ms}.`);
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (let next = this.nextAtMs; next !== undefined && next <= untilMs; next = this.nextAtMs) {
      this.#nowMs = next;
      await this.settle();
    }
    this.#nowMs = untilMs;
  }

  /** Goes on to the next timer, runs all of its moment, and settles; false if none is set. */
  async step(): Promise<boolean> {
    await this.settle();
    const next = this.nextAtMs;
    if (next !== undefined) await this.advance(next - this.#nowMs);
    return next !== undefined;
  }

  /**
   * Lets time pass until `promise` settles, and answers as it does.
   *
   * @param withinMs - how much virtual time that may take; an hour unless given
   * @throws AssertionError if nothing is left that could settle it, or `withinMs` have passed.
   */
  async run<T>(promise: PromiseLike<T>, withinMs: number = LONGEST_RUN_MS): Promise<T> {
    const sinceMs = this.#nowMs;
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    await this.settle();
    while (!settled) {
      const next = this.nextAtMs;
      if (next === undefined) throw endless(sinceMs, this.#nowMs, 'no timer is left that could settle it');
      if (next - sinceMs > withinMs)
        throw endless(sinceMs, this.#nowMs, `it may take ${withinMs} ms at most`);
      await this.step();
    }
    return promise;
  }

  #due(nowMs: number): boolean {
    const next = this.nextAtMs;
    return next !== undefined && next <= nowMs;
  }

  async #fire(): Promise<void> {
    this.#timers.shift()?.run();
    await this.#quiet();
  }

  /** Gives the event loop turns until in one of them nobody has asked the clock for anything. */
  async #quiet(): Promise<void> {
    for (let turn = 0; turn < MOST_TURNS; turn += 1) {
      const before = this.#asked;
      const yielded = this.#yielded;
      this.#yielded = [];
      for (const run of yielded) run();
      await new Promise<void>((resolve) => {
        nextImmediate(resolve);
      });
      if (this.#asked === before && this.#yielded.length === 0) return;
    }
    throw restless(this.#nowMs);
  }

  #take(timer: VirtualTimer): void {
    const at = this.#timers.lastIndexOf(timer, this.#placeAfter(timer.atMs));
    if (at >= 0) this.#timers.splice(at, 1);
  }

  /** The place behind all timers up to `atMs`. */
  #placeAfter(atMs: number): number {
    let [low, high] = [0, this.#timers.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // Safe: middle is below the length.
      if ((this.#timers[middle] as VirtualTimer).atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

class VirtualTimer implements Timer {
  readonly atMs: number;
  readonly run: () => void;
  readonly #take: (timer: VirtualTimer) => void;

  constructor(atMs: number, run: () => void, take: (timer: VirtualTimer) => void) {
    this.atMs = atMs;
    this.run = run;
    this.#take = take;
  }

  cancel(): void {
    this.#take(this);
  }
}

function restless(nowMs: number): AssertionError {
  return new AssertionError({
    message:
      `At ${nowMs} ms (virtual) things go on happening without time passing, so it never becomes quiet. The usual cause is a child that ` +
      'fails as soon as it starts, with noBackoff() and an intensity without limit.',
  });
}

function endless(sinceMs: number, nowMs: number, why: string): AssertionError {
  return new AssertionError({
    message: `What was waited for since ${sinceMs} ms (virtual) has not happened by ${nowMs} ms, and will not: ${why}.`,
  });
}
