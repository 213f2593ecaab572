import type { Clock } from '../runtime/index.js';
import { type SignalTable, SignalTrap, type TrapOwner } from '../signals/index.js';

type News = (owner: TrapOwner) => void;

/** Traps signals from the call of `supervise()` on, while the code of what is to heed them is still being loaded. */
export class EarlySignals {
  readonly trap: SignalTrap;
  #heard: News[] = [];
  #tell = (news: News): void => {
    this.#heard.push(news);
  };

  /** @throws SharedStateError if another copy of the package routes signals in a way this copy does not understand. */
  constructor(table: SignalTable, clock: Clock) {
    this.trap = new SignalTrap(table, clock, {
      stop: (signal, level) => this.#tell((owner) => owner.stop(signal, level)),
      forward: (signal, how) => this.#tell((owner) => owner.forward(signal, how)),
    });
  }

  /** Tells `owner` what has been heard, and from now on what is. */
  handTo(owner: TrapOwner): void {
    this.#tell = (news) => news(owner);
    for (const news of this.#heard.splice(0)) news(owner);
  }
}
