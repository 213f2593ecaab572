import { errorFacts } from '../../core/index.js';
import { isThenable } from '../../runtime/index.js';
import type { BodyHost } from '../in-process/in-process.js';

/** How a client is ended. */
export interface Ends {
  /** Ends it when it has finished what it does. */
  end(): unknown;
  /** Ends it at once; nothing, where there is no way. */
  readonly force?: (() => unknown) | undefined;
  /** Settles when it has ended by itself, where that can be seen. */
  readonly done: Promise<unknown> | undefined;
}

/** The end of one client: gracefully first, by force where that fails or takes too long. */
export class Closing {
  /** Settles once nothing is left of the client; rejects if no way of ending it has worked. */
  readonly closed: Promise<void>;
  readonly #host: BodyHost;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #underWay = 0;
  #graceful: Promise<void> | undefined;
  #forced: Promise<void> | undefined;

  constructor(host: BodyHost) {
    this.#host = host;
    this.closed = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Who waits for it is told; before anybody does, a failure is not a stray error.
    this.closed.catch(() => undefined);
  }

  /** Asks once, however often it is called. Resolves when that has come to an end, good or bad; never rejects. */
  gracefully(ends: Ends): Promise<void> {
    this.#graceful ??= this.#attempt(
      'closing it',
      () => endOf(ends),
      () => this.byForce(ends),
    );
    return this.#graceful;
  }

  /** Never rejects. */
  byForce({ force }: Ends): Promise<void> {
    if (force !== undefined) this.#forced ??= this.#attempt('closing it by force', force);
    return this.#forced ?? Promise.resolve();
  }

  /** It is known to be gone. */
  over(): void {
    this.#resolve();
  }

  async #attempt(what: string, close: () => unknown, otherwise?: () => unknown): Promise<void> {
    this.#underWay += 1;
    try {
      await close();
      this.#resolve();
    } catch (error) {
      this.#host.note(`${what} failed`, errorFacts(error));
      await otherwise?.();
      if (this.#underWay === 1) this.#reject(error);
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** A method that returns no promise has only asked; where it can be seen when the client ends, that is what counts. */
async function endOf({ end, done }: Ends): Promise<void> {
  const result = end();
  if (isThenable(result)) await result;
  else await done?.catch(() => undefined);
}
