import type { Clock, Timer } from '../../../runtime/index.js';

/** Ends something; safe to call twice. */
export type Unwatch = () => void;

interface Looker {
  readonly everyMs: number;
  readonly look: () => void;
  dueAtMs: number;
}

/**
 * The looks of everybody who watches something by one clock, on one timer. They fall on multiples of `everyMs`, so that those of all who look as often fall
 * together, and the program is woken once. There is a timer only while somebody watches, and it alone keeps no program running.
 *
 * What was missed while the machine slept or this program was suspended is not made up for: whoever counts failures counts looks, not time.
 */
class Round {
  readonly #clock: Clock;
  readonly #lookers = new Set<Looker>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  join(everyMs: number, look: () => void): Unwatch {
    const looker = { everyMs, look, dueAtMs: nextMultiple(this.#clock.now(), everyMs) };
    this.#lookers.add(looker);
    this.#setTimer();
    return () => {
      if (this.#lookers.delete(looker)) this.#setTimer();
    };
  }

  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#lookers.size === 0) return;
    const dueAtMs = Math.min(...[...this.#lookers].map((looker) => looker.dueAtMs));
    this.#timer = this.#clock.after(Math.max(0, dueAtMs - this.#clock.now()), () => this.#look(), false);
  }

  #look(): void {
    const nowMs = this.#clock.now();
    // A look may end its own watch, and others.
    for (const looker of [...this.#lookers]) {
      if (looker.dueAtMs > nowMs || !this.#lookers.has(looker)) continue;
      looker.dueAtMs = nextMultiple(nowMs, looker.everyMs);
      looker.look();
    }
    this.#setTimer();
  }
}

function nextMultiple(nowMs: number, everyMs: number): number {
  return (Math.floor(nowMs / everyMs) + 1) * everyMs;
}

const rounds = new WeakMap<Clock, Round>();

/** Calls `look` every `everyMs` by this clock, together with all others who look by it, until the returned function is called. */
export function lookEvery(clock: Clock, everyMs: number, look: () => void): Unwatch {
  const round = rounds.get(clock) ?? new Round(clock);
  rounds.set(clock, round);
  return round.join(everyMs, look);
}
