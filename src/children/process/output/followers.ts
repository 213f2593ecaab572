import type { OutputLine } from '../../../runtime/index.js';

type Listener = (line: OutputLine) => void;

/** One who follows; each time apart, so that a listener that is given twice hears twice. */
interface Follower {
  readonly listener: Listener;
  isHere: boolean;
}

/** Those who follow the lines of a program as they come in. */
export class Followers {
  readonly #onFailure: (error: unknown) => void;
  /** Replaced and never changed, so that who leaves while lines are told costs those who stay none. */
  #here: readonly Follower[] = [];

  /** @param onFailure - a listener has thrown, and hears no more */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get areAny(): boolean {
    return this.#here.length > 0;
  }

  /** Adds one, and returns what takes it away again. */
  add(listener: Listener): () => void {
    const follower = { listener, isHere: true };
    this.#here = [...this.#here, follower];
    return () => this.#remove(follower);
  }

  /** Tells everybody of lines that came in together. */
  tell(stream: OutputLine['stream'], texts: readonly string[], atMs: number): void {
    for (const text of texts) {
      const line = { stream, text, atMs };
      for (const follower of this.#here) if (follower.isHere) this.#tellOne(follower, line);
    }
  }

  #tellOne(follower: Follower, line: OutputLine): void {
    try {
      follower.listener(line);
    } catch (error) {
      this.#remove(follower);
      this.#onFailure(error);
    }
  }

  #remove(follower: Follower): void {
    follower.isHere = false;
    this.#here = this.#here.filter((one) => one !== follower);
  }
}
