import { DrainingError } from '../../core/index.js';
import { type ContextOwner, IncarnationContext } from '../../runtime/index.js';
import type { ConsumerContext } from '../consumer/consumer-hooks.js';

/** A consumer's context: a child's, with an account of its jobs. */
export class JobContext extends IncarnationContext implements ConsumerContext {
  readonly #onSign: () => void;
  #progress = 0;
  #inFlight = 0;
  #counts = false;
  #refuses = false;
  #idle: (() => void) | undefined;

  /** @param onSign - called whenever the child shows that it is at work */
  constructor(owner: ContextOwner, onSign: () => void) {
    super(owner);
    this.#onSign = onSign;
  }

  /** Grows with every sign of progress. */
  get progress(): number {
    return this.#progress;
  }

  /** Jobs taken and not settled; nothing, where it does not tell of its jobs. */
  get inFlight(): number | undefined {
    return this.#counts ? this.#inFlight : undefined;
  }

  // Who looks at the signal means to go on until it aborts.
  override get signal(): AbortSignal {
    this.#onSign();
    return super.signal;
  }

  override heartbeat(): void {
    this.progressed();
    super.heartbeat();
  }

  progressed(): void {
    this.#progress += 1;
    this.#onSign();
  }

  async job<T>(work: () => T | PromiseLike<T>): Promise<T> {
    if (this.#refuses) throw new DrainingError(this.path);
    this.#counts = true;
    this.#inFlight += 1;
    this.heartbeat();
    try {
      return await work();
    } finally {
      this.#inFlight -= 1;
      this.heartbeat();
      if (this.#inFlight === 0) this.#idle?.();
    }
  }

  /** Takes no job from now on. */
  refuseJobs(): void {
    this.#refuses = true;
  }

  /** Waits for no job from now on. Returns how many are given up. */
  giveUpJobs(): number {
    this.refuseJobs();
    this.#idle?.();
    const left = this.#inFlight;
    this.#inFlight = 0;
    return left;
  }

  /** Resolves once no job is in flight. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }
}
