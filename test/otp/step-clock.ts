import type { Clock, Timer } from '../../src/runtime/index.js';

/** Virtual time that goes on to the next timer whenever nothing else is left to do. */
export class StepClock implements Clock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly run: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.push(timer);
    return { cancel: () => this.#take(timer) };
  }

  yield(run: () => void): void {
    setImmediate(run);
  }

  /** Resolves once no message, promise or timer is left. */
  async settle(): Promise<void> {
    await turn();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#take(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await turn();
    }
  }

  #next(): { readonly atMs: number; readonly run: () => void } | undefined {
    return this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0];
  }

  #take(timer: { readonly atMs: number; readonly run: () => void }): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }
}

/** Two turns of the event loop: promises settle, and what was yielded goes on. */
async function turn(): Promise<void> {
  for (let n = 0; n < 2; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}
