import type { FakeQueue } from './queue.js';

type EachMessage = (payload: { readonly message: string }) => Promise<void>;
type CrashListener = (event: {
  readonly payload: { readonly error: Error; readonly restart: boolean };
}) => void;

/**
 * KafkaJS's consumer, 2.2: `run()` resolves once it has started; `stop()` waits for the running handler; it has event names of its own and throws
 * for any other.
 */
export class KafkaConsumer {
  readonly events = { CRASH: 'consumer.crash' } as const;
  readonly calls: string[] = [];
  readonly #queue: FakeQueue;
  readonly #listeners: CrashListener[] = [];
  readonly #stopped = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(queue: FakeQueue) {
    this.#queue = queue;
  }

  on(event: string, listener: CrashListener): () => void {
    if (event !== this.events.CRASH) throw new Error(`Event name should be one of ${this.events.CRASH}`);
    this.#listeners.push(listener);
    return () => this.#listeners.splice(this.#listeners.indexOf(listener), 1);
  }

  async connect(): Promise<void> {
    this.calls.push('connect');
  }

  async subscribe({ topics }: { readonly topics: readonly string[] }): Promise<void> {
    this.calls.push(`subscribe ${topics.join()}`);
  }

  async run({ eachMessage }: { readonly eachMessage: EachMessage }): Promise<void> {
    this.calls.push('run');
    this.#loop = this.#work(eachMessage);
  }

  async stop(): Promise<void> {
    this.calls.push('stop');
    this.#stopped.abort();
    await this.#loop;
    this.calls.push('stopped');
  }

  async disconnect(): Promise<void> {
    await this.stop();
    this.calls.push('disconnected');
  }

  /** The consumer crashes; with `restart` it goes on by itself after a while. */
  crash(error: Error, restart: boolean): void {
    for (const listener of this.#listeners) listener({ payload: { error, restart } });
  }

  async #work(eachMessage: EachMessage): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const message = await this.#queue.take(this.#stopped.signal);
      if (message === undefined) return;
      await eachMessage({ message });
      this.#queue.ack(message);
    }
  }
}

/** Confluent's client in the style of KafkaJS, 1.10: `stop()` and `on()` are not implemented, and fatal errors are told to nobody. */
export class ConfluentConsumer {
  #connected = false;
  #wedged = false;
  readonly #queue: FakeQueue;
  readonly #stopped = new AbortController();

  constructor(queue: FakeQueue) {
    this.#queue = queue;
  }

  on(): never {
    throw new Error('not implemented');
  }

  stop(): never {
    throw new Error('not implemented');
  }

  async connect(): Promise<void> {
    if (this.#connected) throw new Error('connect() can only be called on a fresh consumer');
    this.#connected = true;
  }

  async run({ eachMessage }: { readonly eachMessage: EachMessage }): Promise<void> {
    void this.#work(eachMessage);
  }

  async disconnect(): Promise<void> {
    this.#stopped.abort();
  }

  /** A fatal error: it consumes no more, says nothing, and looks healthy. */
  dieSilently(): void {
    this.#wedged = true;
  }

  async #work(eachMessage: EachMessage): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      if (this.#wedged) return;
      const message = await this.#queue.take(this.#stopped.signal);
      if (message === undefined) return;
      await eachMessage({ message });
      this.#queue.ack(message);
    }
  }
}
