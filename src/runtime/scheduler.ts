import type { Clock } from './clock.js';
import { Fifo } from './fifo.js';

/** What has messages to handle. */
export interface Actor {
  /** Handles up to `limit` messages; returns how many it handled. */
  turn(limit: number): number;
}

// Not queueMicrotask: it makes an AsyncResource each time, which costs a tenth of a restart.
const TURN: Promise<void> = Promise.resolve();

/** How many messages a tree handles before it lets timers and I/O have their turn. */
const MESSAGES_PER_TURN = 256;

/**
 * Gives the supervisors of one tree their turns, in microtasks, so that an exit is acted on at once. After every 256 messages it yields to
 * the event loop: a child that crashes as soon as it starts would otherwise be restarted in microtasks for ever, and no timer, socket or
 * signal of the whole program would be served.
 */
export class Scheduler {
  readonly #clock: Clock;
  readonly #run = (): void => this.#round();
  readonly #actors = new Fifo<Actor>();
  #armed = false;
  #handled = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Gives `actor` a turn soon. The actor sees to it that it is not queued twice. */
  wake(actor: Actor): void {
    this.#actors.put(actor);
    if (this.#armed) return;
    this.#armed = true;
    void TURN.then(this.#run);
  }

  #round(): void {
    let done = false;
    try {
      done = this.#giveTurns();
    } finally {
      // Not done: there were enough messages for one turn of the event loop, or one of them has failed, which Node tells. The rest goes on.
      if (done) this.#armed = false;
      else this.#clock.yield(this.#run);
    }
  }

  /** Returns whether nobody is left who waits for a turn. */
  #giveTurns(): boolean {
    while (!this.#actors.empty) {
      if (this.#handled >= MESSAGES_PER_TURN) {
        this.#handled = 0;
        return false;
      }
      // Safe: it is not empty.
      const actor = this.#actors.take() as Actor;
      this.#handled += 1 + actor.turn(MESSAGES_PER_TURN - this.#handled);
    }
    return true;
  }
}
