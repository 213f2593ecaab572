import type { GuardianState } from '../guard/guardian.js';

/**
 * What a registry tells of itself while it works: how its guardian is. Unless that is `'watching'`, what this process leaves if it is killed
 * stays until the next start in this scope, or `treewarden reclaim`.
 */
export interface RegistryEvent {
  readonly type: 'guardian:changed';
  readonly state: GuardianState;
  /** On the registry's clock. */
  readonly atMs: number;
}

/** Is called at once, and synchronously; what it throws disturbs nobody. */
export type RegistryListener = (event: RegistryEvent) => void;

/** Those who want to be told. One that throws disturbs neither the registry nor the others. */
export class RegistryListeners {
  readonly #listeners: Set<{ readonly listener: RegistryListener }> = new Set();

  /** Adds one; returns what removes it. */
  add(listener: RegistryListener): () => void {
    const added = { listener };
    this.#listeners.add(added);
    return () => {
      this.#listeners.delete(added);
    };
  }

  tell(event: RegistryEvent): void {
    for (const { listener } of [...this.#listeners]) {
      try {
        listener(event);
      } catch {
        // A registry has nobody to report to; its work is to release.
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
