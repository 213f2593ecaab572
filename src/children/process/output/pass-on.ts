import type { Writable } from 'node:stream';
import type { Clock } from '../../../runtime/index.js';
import type { OutputWriter } from '../process-options.js';

/** How long a program waits for a stream of ours that takes nothing, in ms. */
const PATIENCE_MS = 1000;

/**
 * Passes a program's output on to a stream of ours. Not by `pipe`, which would add five listeners to our stream for every program, and end up
 * warning of a leak.
 *
 * A slow stream slows the program down, as if that wrote there itself. But one that takes nothing for a second, such as a terminal that was stopped or a
 * pager that nobody turns, holds it up no longer: until it takes something again, what should go there is dropped, and counted.
 */
export class PassOn implements OutputWriter {
  readonly #to: Writable;
  readonly #clock: Clock;
  readonly #note: (note: string) => void;
  /** Whether it has lost patience. */
  #stuck = false;
  #droppedBytes = 0;

  constructor(to: Writable, clock: Clock, note: (note: string) => void) {
    this.#to = to;
    this.#clock = clock;
    this.#note = note;
  }

  write(chunk: Buffer): void | Promise<void> {
    const to = this.#to;
    if (!to.writable) return;
    if (this.#stuck && to.writableNeedDrain) {
      this.#droppedBytes += chunk.length;
      return;
    }
    this.#goOn();
    let settled = false;
    let proceed = (): void => undefined;
    const flowing = to.write(chunk, (error) => {
      // As console does: that nobody reads our output any more is not a failure of this program.
      if (error && to.listenerCount('error') === 0) to.once('error', () => undefined);
      settled = true;
      proceed();
    });
    if (flowing || settled) return;
    return new Promise((resolve) => {
      const timer = this.#clock.after(PATIENCE_MS, () => this.#losePatience(resolve), false);
      proceed = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  end(): void {
    this.#tellOfLoss();
  }

  #losePatience(proceed: () => void): void {
    this.#stuck = true;
    this.#note(
      `has waited ${PATIENCE_MS} ms for a stream of this process that takes nothing: what should go there is dropped until it does`,
    );
    proceed();
  }

  #goOn(): void {
    if (!this.#stuck) return;
    this.#stuck = false;
    this.#tellOfLoss();
  }

  #tellOfLoss(): void {
    if (this.#droppedBytes === 0) return;
    this.#note(`${this.#droppedBytes} bytes of it were dropped while a stream of this process took nothing`);
    this.#droppedBytes = 0;
  }
}
