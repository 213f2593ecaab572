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
  readonly #total: number;
  #beganAtMs: number | undefined;
  #counts: readonly Count[] = [];

  constructor(total: number) {
    this.#total = total;
  }

  /** Takes note of a count. The first one, which may be what an earlier run has done, is where the rate begins. */
  note(done: number, nowMs: number): void {
    this.#beganAtMs ??= nowMs;
    // The last one that is older than the window is its beginning.
    const from = this.#counts.findLastIndex(({ atMs }) => nowMs - atMs >= WINDOW_MS);
    this.#counts = [...this.#counts.slice(Math.max(from, 0)), { atMs: nowMs, done }];
  }

  get now(): Progress {
    const first = this.#counts[0] ?? NOTHING;
    const last = this.#counts.at(-1) ?? NOTHING;
    const perSecond =
      last.atMs > first.atMs ? ((last.done - first.done) * 1000) / (last.atMs - first.atMs) : 0;
    return {
      total: this.#total,
      done: last.done,
      perSecond,
      leftMs: perSecond > 0 ? ((this.#total - last.done) * 1000) / perSecond : undefined,
      elapsedMs: last.atMs - (this.#beganAtMs ?? last.atMs),
    };
  }
}

interface Count {
  readonly atMs: number;
  readonly done: number;
}

const NOTHING: Count = { atMs: 0, done: 0 };
