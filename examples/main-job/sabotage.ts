// How a consumer obeys chaos: at its weak point, when a job is done but not yet recorded, it breaks as it was ordered to.

import { once } from 'node:events';

export type Fault = 'throw' | 'hang';

/** Hangs as a busy loop or a deadlock does: the whole process or thread, and nothing but force ends it. */
export function blockForever(): never {
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** Hangs as a lost answer does: only this child, and it ends when it is asked to. */
export async function waitInVain(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

export class Sabotage {
  readonly #hang: (signal: AbortSignal) => Promise<never> | never;
  #ordered: Fault | undefined;

  constructor(hang: (signal: AbortSignal) => Promise<never> | never) {
    this.#hang = hang;
  }

  /** The next job that comes to the weak point, and all that are with it, will suffer. */
  order(fault: Fault): true {
    this.#ordered = fault;
    return true;
  }

  /** A new life begins unharmed. */
  recover(): void {
    this.#ordered = undefined;
  }

  async weakPoint(signal: AbortSignal): Promise<void> {
    if (this.#ordered === 'throw') throw new Error('chaos: thrown between the work and its record');
    if (this.#ordered === 'hang') await this.#hang(signal);
  }
}
