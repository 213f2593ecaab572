import type { FakeQueue } from './queue.js';

/**
 * ConsumerMessages of @nats-io/jetstream, 3.4: an async iterable whose iterator waits for the next message deaf to `return()`; `close()` ends it.
 * With a callback it cannot be iterated, and `closed()` tells of the end.
 */
export class ConsumerMessages implements AsyncIterable<string> {
  readonly #queue: FakeQueue;
  readonly #callback: ((message: string) => void) | undefined;
  readonly #ended = new AbortController();
  readonly #closed: Promise<Error | undefined>;
  #resolveClosed!: (error: Error | undefined) => void;

  constructor(queue: FakeQueue, callback?: (message: string) => void) {
    this.#queue = queue;
    this.#callback = callback;
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string> {
    if (this.#callback !== undefined)
      throw new Error('iterator cannot be used when a callback is registered');
    for (;;) {
      const message = await this.#queue.take(this.#ended.signal);
      if (message === undefined) return;
      yield message;
    }
  }

  async close(): Promise<void> {
    this.#ended.abort();
    this.#resolveClosed(undefined);
  }

  closed(): Promise<Error | undefined> {
    return this.#closed;
  }

  /** The server deletes the consumer: the client goes on polling, and says so only in its status. */
  deleteOnServer(): void {
    this.#queue.take = () => new Promise(() => undefined);
  }
}
