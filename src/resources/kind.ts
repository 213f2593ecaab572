import { ReleasedError } from '../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../runtime/index.js';
import { standaloneProvider } from './registry/standalone.js';

/** Makes a kind from its two ends that travel: what is asked for, and what is done with what was granted. */
export function kindOf<L extends Lease>(
  request: ResourceRequest,
  attach: (granted: Granted) => L | Promise<L>,
): ResourceKind<L> {
  return { request, attach, standalone: standaloneProvider };
}

/** What all leases have in common: they are released once, in a certain order, past failures. */
export abstract class BaseLease implements Lease {
  abstract readonly kind: string;
  readonly name: string;
  readonly #granted: Granted;
  #subject: string | undefined;
  #releasing: Promise<void> | undefined;

  constructor(granted: Granted) {
    this.name = granted.name;
    this.#granted = granted;
  }

  get released(): boolean {
    return this.#releasing !== undefined;
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  async #release(): Promise<void> {
    try {
      await this.detach();
    } finally {
      await this.#granted.giveBack();
    }
  }

  /** As `release`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** As it stands in messages. */
  protected get subject(): string {
    this.#subject ??= `${this.kind} "${this.name}"`;
    return this.#subject;
  }

  /** @throws ReleasedError once it is released */
  protected checkHeld(): void {
    if (this.released) throw new ReleasedError(this.subject);
  }

  /** Lets go of it in this process: unmaps, unlocks, closes. What it throws is what `release` rejects with. */
  protected abstract detach(): Promise<void> | void;
}
