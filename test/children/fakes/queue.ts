/** The broker's side of all fakes: messages wait in order, and a taker that finds none waits for the next. */
export class FakeQueue {
  readonly #waiting: string[] = [];
  readonly #takers: ((message: string | undefined) => void)[] = [];
  readonly acked: string[] = [];

  put(...messages: readonly string[]): void {
    for (const message of messages) {
      const taker = this.#takers.shift();
      if (taker === undefined) this.#waiting.push(message);
      else taker(message);
    }
  }

  /** Resolves to the next message, or to nothing when the taker is sent away. */
  take(signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(undefined);
      const message = this.#waiting.shift();
      if (message !== undefined) return resolve(message);
      this.#takers.push(resolve);
      signal.addEventListener('abort', () => {
        const at = this.#takers.indexOf(resolve);
        if (at >= 0) this.#takers.splice(at, 1);
        resolve(undefined);
      });
      return undefined;
    });
  }

  ack(message: string): void {
    this.acked.push(message);
  }

  /** What nobody has taken yet. */
  get backlog(): number {
    return this.#waiting.length;
  }
}

/** A promise that a test settles. */
export class Gate {
  readonly passed: Promise<void>;
  open!: () => void;

  constructor() {
    this.passed = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
