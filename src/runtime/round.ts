import { shareOf } from '../core/index.js';
import type { Haste } from './driver.js';
import type { Environment } from './environment.js';
import type { Life } from './life.js';
import type { Slot } from './slot.js';

/** What a round is for. Only the last one, `'end'`, does not wait for what outlives its kill. */
export type RoundPurpose = 'init' | 'group' | 'stop-group' | 'end';

export interface RoundPlan {
  readonly purpose: RoundPurpose;
  /** In the order in which they are asked. */
  readonly stop: readonly Slot[];
  /** Whether all are asked at once, rather than each once the one before is gone. */
  readonly together: boolean;
  /** Who is started once all are gone, in start order; asked for only then. */
  readonly start: () => readonly Slot[];
  /** When the stops must be over, on the tree's clock. */
  readonly deadlineAtMs: number;
}

/** How a round stands after a step. */
export type RoundResult =
  | { readonly type: 'waiting' }
  | { readonly type: 'done' }
  | { readonly type: 'failed'; readonly slot: Slot };

/** What a round needs its supervisor to do, since it follows from more than the round. */
export interface RoundOwner {
  readonly environment: Environment;
  /** Takes the end of a child that died before the round came to it; calls {@link Round.left}. */
  takeEnd(slot: Slot, life: Life): void;
  /** Begins a start; says how it stands right afterwards. */
  launch(slot: Slot): StartResult;
}

/** How a start stands when it has been begun. */
export type StartResult = 'ready' | 'pending' | 'failed' | 'declined';

const WAITING: RoundResult = { type: 'waiting' };
const DONE: RoundResult = { type: 'done' };

/**
 * Stops some children, then starts some, in order. While it is under way its supervisor handles only news of the children it waits for;
 * other news and all requests wait, as they do in OTP while a supervisor is inside `terminate_children` or `start_children`.
 */
export class Round {
  readonly purpose: RoundPurpose;
  /** How long its stops took, in ms. */
  stopsTookMs = 0;
  readonly #begunAtMs: number;
  readonly #owner: RoundOwner;
  readonly #plan: RoundPlan;
  readonly #leaving = new Set<Slot>();
  #asked = 0;
  #starting: readonly Slot[] | undefined;
  #started = 0;
  #haste: Haste | undefined;

  constructor(owner: RoundOwner, plan: RoundPlan) {
    this.#owner = owner;
    this.#plan = plan;
    this.purpose = plan.purpose;
    this.#begunAtMs = owner.environment.clock.now();
  }

  /** Whether news of this child are what the round waits for. */
  awaits(slot: Slot): boolean {
    return this.#leaving.has(slot) || this.#starting?.[this.#started] === slot;
  }

  /** Goes on as far as it can without waiting. Called at the beginning, and after news of a child it waits for. */
  advance(): RoundResult {
    return this.#advanceStops() ? this.#advanceStarts() : WAITING;
  }

  /** A child it waited for is gone, or will not be waited for any longer. */
  left(slot: Slot): void {
    this.#leaving.delete(slot);
  }

  /** The child that it waited for has started, or declined to. */
  arrived(): void {
    this.#started += 1;
  }

  /** Hastens the stops under way, and those still to come. */
  hurry(level: Haste): void {
    this.#haste = level;
    for (const slot of this.#leaving) slot.hurry(level, this.#leftMs());
    // All that is still to be asked is asked now: order was for the sake of an orderly end.
    if (level === 'kill') this.#advanceStops();
  }

  #advanceStops(): boolean {
    const { stop } = this.#plan;
    while (this.#asked < stop.length) {
      if (this.#leaving.size > 0 && !this.#plan.together && this.#haste !== 'kill') return false;
      // Safe: asked is below the length.
      const slot = stop[this.#asked] as Slot;
      const budgetMs = this.#budget(slot);
      this.#asked += 1;
      this.#ask(slot, budgetMs);
    }
    return this.#leaving.size === 0;
  }

  #ask(slot: Slot, budgetMs: number): void {
    if (!slot.alive) return;
    this.#leaving.add(slot);
    const { life } = slot;
    if (life?.end !== undefined) return this.#owner.takeEnd(slot, life);
    if (
      slot.status === 'survivor' &&
      this.purpose === 'end' &&
      this.#owner.environment.ending !== undefined
    ) {
      slot.asked = true;
      slot.reportSurvivor();
      return this.left(slot);
    }
    slot.stop(budgetMs);
    if (this.#haste !== undefined) slot.hurry(this.#haste, budgetMs);
  }

  #advanceStarts(): RoundResult {
    if (this.#starting === undefined) {
      if (this.#asked > 0) this.stopsTookMs = this.#owner.environment.clock.now() - this.#begunAtMs;
      this.#starting = this.#plan.start();
    }
    while (this.#started < this.#starting.length) {
      // Safe: started is below the length.
      const slot = this.#starting[this.#started] as Slot;
      if (slot.status === 'starting') return WAITING;
      if (slot.alive) {
        this.#started += 1;
        continue;
      }
      const outcome = this.#owner.launch(slot);
      if (outcome === 'pending') return WAITING;
      if (outcome === 'failed') return { type: 'failed', slot };
      this.#started += 1;
    }
    return DONE;
  }

  #leftMs(): number {
    return this.#plan.deadlineAtMs - this.#owner.environment.clock.now();
  }

  #budget(slot: Slot): number {
    const leftMs = this.#leftMs();
    if (leftMs === Number.POSITIVE_INFINITY || this.#plan.together) return leftMs;
    let stages = 0;
    for (const later of this.#plan.stop.slice(this.#asked)) if (later.alive) stages += stagesOf(later);
    return shareOf(leftMs, stagesOf(slot), stages);
  }
}

/** How many stops, one after another, it takes to stop this child. */
export function stagesOf(slot: Slot): number {
  return slot.life?.body?.stages?.() ?? 1;
}
