/** What became of a question so far. */
export type Answer = 'well' | { readonly failure: string };

/**
 * Asks something that takes its time, once for each look, and never again before the last answer is in: until then each further look is a failure, and the answer
 * to it, coming late, counts for nothing.
 */
export class RepeatedQuestion {
  readonly #ask: () => boolean | Promise<boolean>;
  readonly #answered: (answer: Answer) => void;
  readonly #failure: string;
  #open = false;
  #late = false;

  /** @param failure - what a "no" is called */
  constructor(ask: () => boolean | Promise<boolean>, failure: string, answered: (answer: Answer) => void) {
    this.#ask = ask;
    this.#failure = failure;
    this.#answered = answered;
  }

  look(): void {
    if (!this.#open) return void this.#askNow();
    this.#late = true;
    this.#answered({ failure: `${this.#failure}: no answer in time` });
  }

  /** What is still being asked counts for nothing. */
  forget(): void {
    this.#late = this.#open;
  }

  async #askNow(): Promise<void> {
    this.#open = true;
    this.#late = false;
    const answer = await this.#answer();
    this.#open = false;
    if (!this.#late) this.#answered(answer);
  }

  async #answer(): Promise<Answer> {
    try {
      return (await this.#ask()) ? 'well' : { failure: this.#failure };
    } catch (error) {
      return { failure: `${this.#failure}: ${error instanceof Error ? error.message : String(error)}` };
    }
  }
}
