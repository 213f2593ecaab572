import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';

/** How long a module that exports no tree, and waits for nothing, is given until the one that it has begun to start is heard of, in ms. */
const BEGINNING_MS = 200;

/** Hears whether a module starts a tree by itself, by whichever copy of the library: such a tree must not be run a second time. */
export class OwnTree {
  #name: string | undefined;
  readonly #hear = (event: unknown): void => {
    const { supervisor, child } = event as { readonly supervisor?: string; readonly child?: string };
    this.#name ??= (supervisor ?? child)?.split('/')[0];
  };

  constructor() {
    subscribe(EVENTS, this.#hear);
  }

  /** The name of its root, if there is one by now. */
  get name(): string | undefined {
    return this.#name;
  }

  /** Waits for one that may have been begun without being waited for. */
  async begun(): Promise<string | undefined> {
    if (this.#name === undefined) await delay(BEGINNING_MS);
    return this.#name;
  }

  end(): void {
    unsubscribe(EVENTS, this.#hear);
  }
}

const EVENTS = 'treewarden:event';
