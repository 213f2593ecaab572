import { EventEmitter } from 'node:events';
import type { FakeQueue } from './queue.js';

type Processor = (job: string) => Promise<unknown>;

/**
 * BullMQ's Worker, 6.7: runs by itself unless told otherwise; `run()` settles when the loop ends; `close()` waits for the active job, and called
 * again, with force or without, it returns the promise of the first call.
 */
export class BullWorker extends EventEmitter {
  readonly #stopped = new AbortController();
  readonly #queue: FakeQueue;
  readonly #process: Processor;
  #loop: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #paused = false;

  constructor(queue: FakeQueue, process: Processor, { autorun = true } = {}) {
    super();
    this.#queue = queue;
    this.#process = process;
    if (autorun) void this.run().catch((error) => this.emit('error', error));
  }

  run(): Promise<void> {
    this.#loop = this.#work();
    return this.#loop;
  }

  /** Waits for the active job, unless told not to. */
  async pause(doNotWaitActive = false): Promise<void> {
    this.#paused = true;
    this.#stopped.abort();
    if (!doNotWaitActive) await this.#loop;
  }

  close(force = false): Promise<void> {
    this.#closing ??= this.#close(force);
    return this.#closing;
  }

  async #close(force: boolean): Promise<void> {
    this.#stopped.abort();
    if (!force) await this.#loop;
    this.emit('closed');
  }

  async #work(): Promise<void> {
    while (!this.#paused && !this.#stopped.signal.aborted) {
      const job = await this.#queue.take(this.#stopped.signal);
      if (job === undefined) return;
      try {
        await this.#process(job);
        this.#queue.ack(job);
        this.emit('completed', job);
      } catch (error) {
        this.emit('failed', job, error);
      }
    }
  }
}
