/** A lock, held. Disposing of it releases it. */
export interface Hold extends Disposable {
  /**
   * Whether an earlier holder died, or its scope ended, while it held the lock for writing: what the lock guards may be half changed. True
   * for every later holder too, until one of them says {@link repaired}.
   */
  readonly ownerDied: boolean;
  readonly released: boolean;
  /**
   * Says that what the lock guards is good again. Until then each next holder is told anew, so it does not matter whether a repair fails, or
   * its maker dies. Without effect where nobody had died.
   * @throws LockStateError once released, or if it is held for reading only
   */
  repaired(): void;
  /** Lets go at once. Safe to call twice. */
  release(): void;
}
