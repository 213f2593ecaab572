import type { Clock, Timer } from '../../../runtime/index.js';
import type { ProcessTree } from './tree.js';

/** The longest pause between two looks at a tree that is about to end, in ms. */
const LONGEST_LOOK_MS = 64;
/** The same for one that may go on for long, but cannot be waited for otherwise. */
const LONGEST_IDLE_LOOK_MS = 1000;
/** From this pause on the look is a thorough one, in ms. */
const THOROUGH_FROM_MS = 4;

/** Sees a tree whose leader has ended to its end: looks again, less and less often, until nobody is left. */
export class TreeEnd {
  readonly #tree: ProcessTree;
  readonly #clock: Clock;
  readonly #onLeft: () => void;
  readonly #onEmpty: () => void;
  #timer: Timer | undefined;
  #over = false;
  /** Whether the looks keep this process running. */
  keepAlive = true;

  /**
   * @param onLeft - called at each look that finds somebody
   * @param onEmpty - called once, when nobody is left
   */
  constructor(tree: ProcessTree, clock: Clock, onLeft: () => void, onEmpty: () => void) {
    this.#tree = tree;
    this.#clock = clock;
    this.#onLeft = onLeft;
    this.#onEmpty = onEmpty;
  }

  /**
   * Looks from now on, until the tree is empty.
   * @param pace - `'idle'` for one that nobody has asked to end
   */
  follow(pace: 'soon' | 'idle' = 'soon'): void {
    this.#lookAfter(1, pace === 'soon' ? LONGEST_LOOK_MS : LONGEST_IDLE_LOOK_MS);
  }

  /** Looks at once; true where nobody is left. */
  look(thoroughly: boolean): boolean {
    if (!this.#over && this.#tree.isEmpty(thoroughly)) {
      this.cancel();
      this.#onEmpty();
    }
    return this.#over;
  }

  /** Looks no more. */
  cancel(): void {
    this.#over = true;
    this.#timer?.cancel();
  }

  #lookAfter(pauseMs: number, longestMs: number): void {
    this.#timer?.cancel();
    if (this.#over) return;
    this.#timer = this.#clock.after(
      pauseMs,
      () => {
        if (this.look(pauseMs >= THOROUGH_FROM_MS || this.#tree.groupIsEmpty)) return;
        this.#lookAfter(Math.min(pauseMs * 2, longestMs), longestMs);
        this.#onLeft();
      },
      this.keepAlive,
    );
  }
}
