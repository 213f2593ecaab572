import { SharedStateError } from '../../core/index.js';

/**
 * Has `release` called within the `exit` event of this process, before the listeners that are there already: one of those that throws keeps
 * all after it from being called. What was added last is called first; one that throws does not stop the rest, and the guardian tries again
 * what it left.
 *
 * What belongs to process groups that live on is not for it: nothing can be awaited there, and the guardian ends the groups first.
 *
 * @returns what takes it away again; the last one takes the listener with it. Safe to call twice
 * @throws SharedStateError if another copy of the package has a list that this copy does not understand
 */
export function releaseAtExit(release: () => void): () => void {
  const releases = sharedReleases();
  // Two that give the same function are still two.
  const one = (): void => release();
  releases.add(one);
  return () => releases.remove(one);
}

const KEY = Symbol.for('treewarden/exit/1');
const VERSION = 1;

/**
 * What this process has to release at its exit: one listener, however many registries there are, and whichever of the package's module formats
 * they come from. Other copies of the package call these methods: to change what one means, change the number in `KEY`.
 */
class ExitReleases {
  readonly version: number = VERSION;
  readonly #releases = new Set<() => void>();
  readonly #listener = (): void => this.#releaseAll();

  add(release: () => void): void {
    if (this.#releases.size === 0) process.prependListener('exit', this.#listener);
    this.#releases.add(release);
  }

  remove(release: () => void): void {
    if (!this.#releases.delete(release) || this.#releases.size > 0) return;
    process.off('exit', this.#listener);
    const shared = globalThis as { [KEY]?: ExitReleases };
    if (shared[KEY] === this) delete shared[KEY];
  }

  #releaseAll(): void {
    for (const release of [...this.#releases].reverse()) {
      try {
        release();
      } catch {
        // There is nobody left to tell; it stays in the ledger, and the guardian is about to read that.
      }
    }
  }
}

function sharedReleases(): ExitReleases {
  const shared = globalThis as { [KEY]?: ExitReleases };
  shared[KEY] ??= new ExitReleases();
  if (shared[KEY].version !== VERSION)
    throw new SharedStateError('exit releases', VERSION, shared[KEY].version);
  return shared[KEY];
}
