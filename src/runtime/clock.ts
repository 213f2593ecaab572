/** A time limit that has been set and may be lifted. */
export interface Timer {
  /** Lifts the limit; nothing runs then. Safe to call twice. */
  cancel(): void;
}

/** The only source of time. Everything else is given the moment, so a test can own it. */
export interface Clock {
  /** Monotonic time in ms; a change of the wall clock does not move it. */
  now(): number;
  /**
   * Runs `run` once after `delayMs`. Waits longer than a Node timer takes (24.8 days) are cut to that.
   * @param keepAlive - whether the wait alone keeps the process running
   */
  after(delayMs: number, run: () => void, keepAlive?: boolean): Timer;
  /** Runs `run` in a later turn of the event loop, after timers and I/O had theirs. */
  yield(run: () => void): void;
}

/** The clock of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(delayMs, run, keepAlive = true) {
    const timer = setTimeout(run, Math.min(delayMs, 2_147_483_647));
    if (!keepAlive) timer.unref();
    return new SystemTimer(timer);
  },
  yield: (run) => {
    setImmediate(run);
  },
};

class SystemTimer implements Timer {
  readonly #timer: NodeJS.Timeout;

  constructor(timer: NodeJS.Timeout) {
    this.#timer = timer;
  }

  cancel(): void {
    clearTimeout(this.#timer);
  }
}
