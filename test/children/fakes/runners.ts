import { EventEmitter } from 'node:events';
import type { FakeQueue } from './queue.js';

/** pg-boss, 12: `stop()` is graceful by default and waits for the workers; errors of its maintenance are events. */
export class PgBoss extends EventEmitter {
  readonly stops: boolean[] = [];
  readonly #queue: FakeQueue;
  readonly #stopped = new AbortController();
  #loop: Promise<void> | undefined;

  constructor(queue: FakeQueue) {
    super();
    this.#queue = queue;
  }

  async start(): Promise<this> {
    return this;
  }

  async work(handler: (jobs: readonly string[]) => Promise<void>): Promise<string> {
    this.#loop = this.#work(handler);
    return 'worker-id';
  }

  async stop({ graceful = true } = {}): Promise<void> {
    this.stops.push(graceful);
    this.#stopped.abort();
    if (graceful) await this.#loop;
    this.emit('stopped');
  }

  async #work(handler: (jobs: readonly string[]) => Promise<void>): Promise<void> {
    for (;;) {
      const job = await this.#queue.take(this.#stopped.signal);
      if (job === undefined) return;
      await handler([job]);
      this.#queue.ack(job);
    }
  }
}

/** graphile-worker's Runner, 0.17: `promise` settles at the end; `stop()` waits, and throws if it has stopped already; `kill()` does not wait. */
export class GraphileRunner {
  readonly calls: string[] = [];
  readonly promise: Promise<void>;
  #resolve!: () => void;
  #reject!: (error: Error) => void;
  #stopped = false;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async stop(): Promise<void> {
    if (this.#stopped) throw new Error('Runner is already stopped');
    this.calls.push('stop');
    this.#stopped = true;
    await this.promise;
  }

  async kill(): Promise<void> {
    this.calls.push('kill');
    this.#stopped = true;
  }

  /** The jobs in hand are finished. */
  finish(): void {
    this.#resolve();
  }

  failFatally(error: Error): void {
    this.#stopped = true;
    this.#reject(error);
  }
}

/** Temporal's Worker, 1.24: `run()` settles after the drain; `shutdown()` returns at once, and throws if it is not running. */
export class TemporalWorker {
  #state: 'initialized' | 'running' | 'draining' | 'stopped' = 'initialized';
  readonly #end: Promise<void>;
  #resolve!: () => void;

  constructor() {
    this.#end = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  async run(): Promise<void> {
    this.#state = 'running';
    await this.#end;
    this.#state = 'stopped';
  }

  shutdown(): void {
    if (this.#state !== 'running') throw new Error(`Not running. Current state: ${this.#state}`);
    this.#state = 'draining';
  }

  /** The activities in hand are finished. */
  finish(): void {
    this.#resolve();
  }

  get state(): string {
    return this.#state;
  }
}

/** Pub/Sub's Subscription, 6: consumes while somebody listens to `message`; `close()` ends the stream at once. */
export class PubSubSubscription extends EventEmitter {
  #open = true;

  deliver(message: { ack(): void }): boolean {
    return this.#open && this.emit('message', message);
  }

  async close(): Promise<void> {
    this.#open = false;
    this.emit('close');
  }
}
