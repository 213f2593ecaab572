/**
 * The restarts of one supervisor within its period. The window is in milliseconds and its boundary inclusive; OTP's is
 * in whole seconds, so its length there depends on the phase of the clock.
 *
 * A queue that drops what has left the window from its front: a restart costs the same however many came before,
 * where a list filtered at each restart slowed OTP 25 twenty-fold.
 */
export class RestartWindow {
  readonly #intensity: number;
  readonly #periodMs: number;
  #times: number[] = [];
  #oldest = 0;
  #stoodStillMs = 0;

  constructor(intensity: number, periodMs: number) {
    this.#intensity = intensity;
    this.#periodMs = periodMs;
  }

  /** Restarts that are within the period as of the last {@link record}. */
  get count(): number {
    return this.#times.length - this.#oldest;
  }

  /** Records a restart for an exit at `atMs`; false once more than `intensity` fall within the period. */
  record(atMs: number): boolean {
    if (this.#intensity === Number.POSITIVE_INFINITY) return true;
    const now = atMs - this.#stoodStillMs;
    this.#times.push(now);
    this.#forgetBefore(now - this.#periodMs);
    return this.count <= this.#intensity;
  }

  /**
   * Keeps the window from moving for `ms`: the time a supervisor spends stopping siblings. Otherwise a sibling that
   * stops slower than the period would let a child crash for ever.
   */
  standStill(ms: number): void {
    this.#stoodStillMs += ms;
  }

  #forgetBefore(atMs: number): void {
    const times = this.#times;
    // Safe: the entry just pushed is never before atMs, so the loop ends at the latest there.
    while ((times[this.#oldest] as number) < atMs) this.#oldest += 1;
    if (this.#oldest < 64 || this.#oldest * 2 < times.length) return;
    this.#times = times.slice(this.#oldest);
    this.#oldest = 0;
  }
}
