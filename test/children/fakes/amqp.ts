import { EventEmitter } from 'node:events';
import type { FakeQueue } from './queue.js';

type OnMessage = (message: string | null) => void;

/** amqplib's connection and channel, 2.3, in one: messages are pushed, and closing waits for nobody: what is not acked is redelivered. */
export class AmqpConnection extends EventEmitter {
  readonly calls: string[] = [];
  readonly #queue: FakeQueue;
  readonly #unacked = new Set<string>();
  #cancelled = new AbortController();
  #onMessage: OnMessage | undefined;
  #open = true;

  constructor(queue: FakeQueue) {
    super();
    this.#queue = queue;
  }

  async consume(onMessage: OnMessage): Promise<{ readonly consumerTag: string }> {
    this.#onMessage = onMessage;
    void this.#deliver(onMessage);
    return { consumerTag: 'tag' };
  }

  async cancel(consumerTag: string): Promise<void> {
    this.calls.push(`cancel ${consumerTag}`);
    this.#cancelled.abort();
  }

  ack(message: string): void {
    if (!this.#open) throw new Error('Channel closed');
    this.#unacked.delete(message);
    this.#queue.ack(message);
  }

  async close(): Promise<void> {
    this.calls.push('close');
    this.#cancelled.abort();
    this.#open = false;
    this.#queue.put(...this.#unacked);
    this.emit('close');
  }

  /** The broker deletes the queue: the consumer is told by a message that is none. */
  cancelByBroker(): void {
    this.#cancelled.abort();
    this.#onMessage?.(null);
  }

  /** The socket breaks: `error`, then `close`. */
  breakDown(error: Error): void {
    this.#cancelled.abort();
    this.emit('error', error);
    this.emit('close', error);
  }

  async #deliver(onMessage: OnMessage): Promise<void> {
    for (;;) {
      const message = await this.#queue.take(this.#cancelled.signal);
      if (message === undefined) return;
      this.#unacked.add(message);
      onMessage(message);
    }
  }
}
