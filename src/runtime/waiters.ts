import { StartError, WrongStateError } from '../core/index.js';
import type { Slot } from './slot.js';

/** Who waits for something to come true. */
export interface Waiter {
  resolve(): void;
  reject(error: unknown): void;
}

/** Those who wait for a child: for the start or the end that they asked for, or until it is ready, whoever starts it. */
export class Waiters {
  readonly #slot: Slot;
  #starter: Waiter | undefined;
  #stoppers: Waiter[] = [];
  readonly #readiness = new Set<Waiter>();

  constructor(slot: Slot) {
    this.#slot = slot;
  }

  awaitStart(waiter: Waiter): void {
    this.#starter = waiter;
  }

  awaitStop(waiter: Waiter): void {
    this.#stoppers.push(waiter);
  }

  awaitReady(waiter: Waiter): void {
    this.#readiness.add(waiter);
  }

  /** Whoever waits until it is ready does so no longer. */
  leave(waiter: Waiter): void {
    this.#readiness.delete(waiter);
  }

  /** The start under way is over: the child is ready, or has declined to run. */
  started(): void {
    this.#starter?.resolve();
    this.#starter = undefined;
    if (this.#slot.status !== 'ready') this.staysDown();
    else this.#settleReadiness((waiter) => waiter.resolve());
  }

  startFailed(error: unknown): void {
    this.#starter?.reject(error);
    this.#starter = undefined;
  }

  /** It is gone, as asked. A start that somebody still waited for was ended by that. */
  stopped(): void {
    // Stopped by request it stays down; stopped with its group it may come back.
    if (this.#stoppers.length > 0) this.staysDown();
    for (const waiter of this.#stoppers.splice(0)) waiter.resolve();
    if (this.#starter !== undefined) this.startFailed(new StartError(this.#slot.path, { type: 'shutdown' }));
  }

  stopFailed(error: unknown): void {
    for (const waiter of this.#stoppers.splice(0)) waiter.reject(error);
  }

  /** It stays down, so nobody should wait for it any longer. */
  staysDown(): void {
    this.#settleReadiness((waiter) =>
      waiter.reject(new WrongStateError(this.#slot.path, 'whenReady', 'not_running')),
    );
  }

  #settleReadiness(settle: (waiter: Waiter) => void): void {
    this.#readiness.forEach(settle);
    this.#readiness.clear();
  }
}
