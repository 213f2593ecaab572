/** Random deaths over shared state, and what must still be true of it. */
export interface Storm {
  /** As it stands in the table, such as `mutex, pthread`. */
  readonly name: string;
  /** Not to be had on this machine. */
  readonly skip: boolean;
  run(options: StormOptions): Promise<StormReport>;
}

export interface StormOptions {
  readonly kills: number;
  /** The same seed chooses the same victims and pauses; when they happen is up to the machine. */
  readonly seed: number;
}

/** What a storm has seen. */
export interface StormReport {
  readonly kills: number;
  /** How many of them came in the middle of a use, where that is known. */
  readonly killedInside?: number;
  /** How often the shared state was used, in all. */
  readonly uses: number;
  /** How many were told of a predecessor's death. */
  readonly recoveries: number;
  /** The longest wait of anybody, in ms. */
  readonly longestWaitMs: number;
  /** Everything that must not be: lost updates, torn reads, deadlocks. Empty, or the storm has failed. */
  readonly faults: readonly string[];
}

/** Numbers from 0 to below 1, the same ones for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
