// How far the work is, and how fast it goes.

/** The rate is that of the last few seconds: what was long ago says little about when it will end. */
const WINDOW_MS = 3000;

export interface Progress {
  readonly total: number;
  readonly done: number;
  readonly perSecond: number;
  /** What is left of the time, in ms, as far as it can be told. */
  readonly leftMs: number | undefined;
  readonly elapsedMs: number;
}

export class ProgressMeter {
  readonly #beganAtMs: number;
  #counts: readonly { readonly atMs: number; readonly done: number }[];
  #total: number;

  /** @param done - how much of it an earlier run has done */
  constructor(total: number, done: number, nowMs: number) {
    this.#total = total;
    this.#beganAtMs = nowMs;
    this.#counts = [{ atMs: nowMs, done }];
  }

  /** Takes note of a count. */
  note(done: number, nowMs: number): void {
    // The one count that is older than the window is its beginning.
    const from = this.#counts.findLastIndex(({ atMs }) => nowMs - atMs >= WINDOW_MS);
    this.#counts = [...this.#counts.slice(Math.max(from, 0)), { atMs: nowMs, done }];
  }

  get now(): Progress {
    // Safe: there is always a first count.
    const first = this.#counts[0] as { atMs: number; done: number };
    const last = this.#counts[this.#counts.length - 1] ?? first;
    const perSecond =
      last.atMs > first.atMs ? ((last.done - first.done) * 1000) / (last.atMs - first.atMs) : 0;
    return {
      total: this.#total,
      done: last.done,
      perSecond,
      leftMs: perSecond > 0 ? ((this.#total - last.done) * 1000) / perSecond : undefined,
      elapsedMs: last.atMs - this.#beganAtMs,
    };
  }
}
