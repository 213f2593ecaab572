/** What a registry tells of itself while it works. */
export type RegistryEvent =
  /** The guardian watches: from here on everything is released even if this process is killed. */
  | { readonly type: 'guardian:started'; readonly pid: number; readonly atMs: number }
  /** It was ended by somebody, and another one takes its place. Nothing was released by that. */
  | { readonly type: 'guardian:lost'; readonly pid: number; readonly atMs: number }
  /** There is none, and why: what a killed process leaves stays until the next start in this scope, or `treewarden reclaim`. */
  | { readonly type: 'guardian:degraded'; readonly reason: string; readonly atMs: number };

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
