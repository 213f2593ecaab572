import { Fifo } from './fifo.js';
import type { News, Order, Request } from './messages.js';
import type { Actor, Scheduler } from './scheduler.js';

/** Who reads a mailbox. */
export interface MailboxReader {
  /** Whether a request may be handled now; orders and news always may. */
  readonly takesRequests: boolean;
  obey(order: Order): void;
  hear(news: News): void;
  serve(request: Request): void;
}

/**
 * A supervisor's queue, one message at a time: orders from above (a shutdown, a kill) first, then news of children, then requests
 * and retries. So a shutdown overtakes a restart that waits for its turn, and a child's end is known before anything is asked about it.
 */
export class Mailbox implements Actor {
  readonly #reader: MailboxReader;
  readonly #scheduler: Scheduler;
  readonly #orders = new Fifo<Order>();
  readonly #news = new Fifo<News>();
  readonly #requests = new Fifo<Request>();
  #deferred: News[] = [];
  #holds = 0;
  #awake = false;

  constructor(reader: MailboxReader, scheduler: Scheduler) {
    this.#reader = reader;
    this.#scheduler = scheduler;
  }

  putOrder(order: Order): void {
    this.#orders.put(order);
    this.#wake();
  }

  putNews(news: News): void {
    this.#news.put(news);
    this.#wake();
  }

  putRequest(request: Request): void {
    this.#requests.put(request);
    this.#wake();
  }

  turn(limit: number): number {
    let handled = 0;
    try {
      while (handled < limit && this.#handleNext()) handled += 1;
    } finally {
      // A message that fails (a fault of ours, or of a clock or chance that was given) is told by Node, and the next ones are still handled.
      this.#awake = false;
      this.#wakeIfPending();
    }
    return handled;
  }

  /** Everything that was asked for, held or not; it will not be handled. */
  takeRequests(): readonly Request[] {
    return this.#requests.takeAll();
  }

  /** Lets news wait until {@link Mailbox.recall}: they are about something that is not to be looked at now. */
  defer(news: News): void {
    this.#deferred.push(news);
  }

  /** Puts back the news that had to wait, before those that came later. Called when requests may be handled again, too. */
  recall(): void {
    if (this.#deferred.length > 0) this.#news.putFirst(this.#deferred);
    this.#deferred = [];
    this.#wakeIfPending();
  }

  /** Holds back requests until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
      this.#wakeIfPending();
    };
  }

  get #servesRequests(): boolean {
    return this.#holds === 0 && this.#reader.takesRequests;
  }

  #handleNext(): boolean {
    const order = this.#orders.take();
    if (order !== undefined) {
      this.#reader.obey(order);
      return true;
    }
    const news = this.#news.take();
    if (news !== undefined) {
      this.#reader.hear(news);
      return true;
    }
    const request = this.#servesRequests ? this.#requests.take() : undefined;
    if (request !== undefined) this.#reader.serve(request);
    return request !== undefined;
  }

  #wake(): void {
    if (this.#awake) return;
    this.#awake = true;
    this.#scheduler.wake(this);
  }

  #wakeIfPending(): void {
    const pending =
      !this.#orders.empty || !this.#news.empty || (!this.#requests.empty && this.#servesRequests);
    if (pending) this.#wake();
  }
}
