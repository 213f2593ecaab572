import {
  type CauseLimit,
  type ChildPath,
  type Exit,
  type ExitRecord,
  hasCause,
  isRecycling,
  longestDelay,
  nextDelay,
  RestartWindow,
  wasHealthy,
} from '../core/index.js';
import type { Slot } from './slot.js';

/** How many of the last failures are kept, to be told when the supervisor gives up. */
const ATTEMPTS_KEPT = 16;

/** What a supervisor tells when it gives up. */
export type GivingUp = Omit<Extract<Exit, { type: 'gave-up' }>, 'type'>;

/** The restarts of one supervisor: how many there were, what led to them, and how long the next one waits. */
export class Restarts {
  readonly #periodMs: number;
  readonly #random: () => number;
  readonly #window: RestartWindow;
  /** The last ones, and up to as many before them, so that not every failure moves them all. */
  #attempts: ExitRecord[] = [];

  constructor(limit: { readonly intensity: number; readonly periodMs: number }, random: () => number) {
    this.#periodMs = limit.periodMs;
    this.#random = random;
    this.#window = new RestartWindow(limit.intensity, limit.periodMs);
  }

  /** Remembers a life, or an attempt at one, that failed. */
  remember(slot: Slot, record: ExitRecord, readyForMs: number): void {
    if (wasHealthy(slot.backoff, readyForMs)) slot.failures = 0;
    this.#attempts.push(record);
    if (this.#attempts.length > 2 * ATTEMPTS_KEPT) this.#attempts = this.#attempts.slice(-ATTEMPTS_KEPT);
  }

  /** Counts the restart for an exit, unless it is recycled; false once there are more than the intensity allows. */
  countFor({ exit, atMs }: ExitRecord): boolean {
    return isRecycling(exit) || this.count(atMs);
  }

  /** Counts a restart for a failure at `atMs`; false once there are more than the intensity allows. */
  count(atMs: number): boolean {
    return this.#window.record(atMs);
  }

  /** Keeps the window from moving for the time that siblings took to stop. */
  standStill(ms: number): void {
    this.#window.standStill(ms);
  }

  /** How long the start after that end waits, in ms; counts a failure in a row, unless it is recycled. */
  nextDelay(slot: Slot, { exit }: ExitRecord): number {
    slot.restarts += 1;
    if (isRecycling(exit)) return 0;
    slot.failures += 1;
    slot.delayMs = hasCause(exit, slot.settings.slowDownOn)
      ? longestDelay(slot.backoff)
      : nextDelay(slot.backoff, slot.failures, slot.delayMs, this.#random);
    return slot.delayMs;
  }

  /** @param limit - the limit of the child's own that was reached, if it is not the intensity */
  givingUp(child: ChildPath, limit: CauseLimit | undefined): GivingUp {
    return {
      child,
      restarts: limit?.count ?? this.#window.count,
      periodMs: limit?.withinMs ?? this.#periodMs,
      limit,
      attempts: this.#attempts.slice(-ATTEMPTS_KEPT),
    };
  }
}
