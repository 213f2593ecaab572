import type { Haste } from './driver.js';
import { Round, type RoundOwner, type RoundPlan, type RoundPurpose, type RoundResult } from './round.js';
import type { Slot } from './slot.js';

/** What came of a round. */
export type RoundOutcome = Exclude<RoundResult, { type: 'waiting' }>;

/** The supervisor of the rounds. */
export interface RoundsOwner extends RoundOwner {
  /** The round under way is over, or was given up for another. */
  roundOver(round: Round, outcome: RoundOutcome): void;
}

/** The rounds of one supervisor: at most one is under way. */
export class Rounds {
  readonly #owner: RoundsOwner;
  #round: Round | undefined;
  #advancing = false;

  constructor(owner: RoundsOwner) {
    this.#owner = owner;
  }

  /** What the round under way is for. */
  get purpose(): RoundPurpose | undefined {
    return this.#round?.purpose;
  }

  /** Whether a round is under way that does not wait for news of this child. */
  passesOver(slot: Slot): boolean {
    return this.#round !== undefined && !this.#round.awaits(slot);
  }

  /** Whether a round is under way that waits for news of this child. */
  awaits(slot: Slot): boolean {
    return this.#round?.awaits(slot) === true;
  }

  /** Begins a round; one under way is given up for it. */
  begin(plan: RoundPlan): void {
    this.#round = new Round(this.#owner, plan);
    this.#advance();
  }

  abandon(): void {
    this.#round = undefined;
  }

  /** A child is gone, or will not be waited for any longer. */
  left(slot: Slot): void {
    if (!this.awaits(slot)) return;
    this.#round?.left(slot);
    this.#advance();
  }

  /** A child has started, or declined to. */
  arrived(slot: Slot): void {
    if (!this.awaits(slot)) return;
    this.#round?.arrived();
    this.#advance();
  }

  /** A child that the round waited for has failed to start. */
  failed(slot: Slot): void {
    this.#over({ type: 'failed', slot });
  }

  hurry(level: Haste): void {
    this.#round?.hurry(level);
    this.#advance();
  }

  #advance(): void {
    // What the round does may come back here at once; it is going on already, then.
    if (this.#round === undefined || this.#advancing) return;
    this.#advancing = true;
    const result = this.#round.advance();
    this.#advancing = false;
    if (result.type !== 'waiting') this.#over(result);
  }

  #over(outcome: RoundOutcome): void {
    const round = this.#round;
    this.#round = undefined;
    if (round !== undefined) this.#owner.roundOver(round, outcome);
  }
}
