/**
 * What must be undone when something ends: closed once, last in first out, to the end even if a part fails.
 * What is added to a closed scope is undone at once, so nothing that is acquired during the close is forgotten.
 */
export class Scope {
  #releases: (() => unknown)[] | undefined = [];
  #closing: Promise<readonly unknown[]> | undefined;

  /** Whether {@link close} has been called. */
  get closed(): boolean {
    return this.#releases === undefined;
  }

  /** Adds what is to be undone at the close. Returns a function that takes it back out without running it. */
  defer(release: () => unknown): () => void {
    if (this.#releases === undefined) {
      const late = undo(release);
      this.#closing = Promise.all([this.#closing, late]).then(([failures, failure]) => [
        ...(failures ?? []),
        ...failure,
      ]);
      return () => undefined;
    }
    this.#releases.push(release);
    return () => {
      const at = this.#releases?.lastIndexOf(release) ?? -1;
      if (at >= 0) this.#releases?.splice(at, 1);
    };
  }

  /** Undoes everything, last added first. Safe to call twice. Resolves to the failures; never rejects. */
  close(): Promise<readonly unknown[]> {
    if (this.#releases !== undefined) {
      const releases = this.#releases;
      this.#releases = undefined;
      this.#closing = undoAll(releases);
    }
    // Safe: closing was set when the releases were taken.
    return this.#closing as Promise<readonly unknown[]>;
  }
}

async function undoAll(releases: readonly (() => unknown)[]): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (const release of releases.toReversed()) failures.push(...(await undo(release)));
  return failures;
}

async function undo(release: () => unknown): Promise<readonly unknown[]> {
  try {
    await release();
    return [];
  } catch (error) {
    return [error];
  }
}
