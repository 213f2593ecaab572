import type { Clock } from '../runtime/index.js';
import { type Climb, climb, GROUND, type StopLevel } from './climb.js';
import type { RaiseRequest } from './raise.js';
import { type Hearer, type SignalRouter, sharedRouter } from './router.js';
import type { SignalAction, SignalForward, SignalTable } from './table.js';

/** What a trap does with the signals it catches. */
export interface TrapOwner {
  /** The stop has reached a further level. Never called twice for the same one. */
  stop(signal: NodeJS.Signals, level: StopLevel): void;
  /** A signal is for children. */
  forward(signal: NodeJS.Signals, how: SignalForward): void;
}

/** One tree's share of the process's signals, from its making until {@link SignalTrap.close}. */
export class SignalTrap implements Hearer {
  readonly #table: SignalTable;
  readonly #clock: Clock;
  readonly #owner: TrapOwner;
  readonly #router: SignalRouter;
  #climb: Climb = GROUND;
  #settled = false;

  /** @throws SharedStateError if another copy of the package routes signals in a way this copy does not understand. */
  constructor(table: SignalTable, clock: Clock, owner: TrapOwner) {
    this.#table = table;
    this.#clock = clock;
    this.#owner = owner;
    this.#router = sharedRouter();
    this.#router.add(this);
  }

  get signals(): Iterable<NodeJS.Signals> {
    return this.#table.keys();
  }

  get settled(): boolean {
    return this.#settled;
  }

  hear(signal: NodeJS.Signals): void {
    const meaning = this.#table.get(signal);
    if (typeof meaning === 'object') this.#owner.forward(signal, meaning);
    else if (meaning !== undefined) this.#climbBy(signal, meaning);
  }

  /** Says that the tree is down. Returns whether it was the last one: of several that end together exactly one is told so. */
  settle(): boolean {
    this.#settled = true;
    return this.#router.settled;
  }

  /** Traps no more. With a request, its signal is raised again once every other trap is closed, too. Safe to call twice. */
  close(request?: RaiseRequest): void {
    this.#router.remove(this, request);
  }

  #climbBy(signal: NodeJS.Signals, action: SignalAction): void {
    const before = this.#climb;
    this.#climb = climb(before, action, this.#clock.now());
    if (this.#climb !== before) this.#owner.stop(signal, this.#climb.level);
  }
}
