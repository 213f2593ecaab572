import { EventEmitter } from 'node:events';
import type { FakeQueue } from './queue.js';

/** sqs-consumer, 14 and 15: `start()` and `stop()` return at once; when it has really stopped it emits `stopped`. */
export class SqsConsumer extends EventEmitter {
  readonly #queue: FakeQueue;
  readonly #handle: (message: string) => Promise<void>;
  #polling = new AbortController();

  constructor(queue: FakeQueue, handle: (message: string) => Promise<void>) {
    super();
    this.#queue = queue;
    this.#handle = handle;
  }

  start(): void {
    this.#polling = new AbortController();
    void this.#poll(this.#polling.signal);
  }

  stop(): void {
    this.#polling.abort();
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (;;) {
      const message = await this.#queue.take(signal);
      if (message === undefined) break;
      try {
        await this.#handle(message);
        this.#queue.ack(message);
      } catch (error) {
        this.emit('processing_error', error);
      }
    }
    this.emit('stopped');
  }
}
