/**
 * A supervisor's queue, one message at a time: orders from above (a shutdown, a kill) first, then news of children, then requests
 * and retries. So a shutdown overtakes a restart that waits for its turn, and a child's end is known before anything is asked about it.
 */
export class Mailbox<Order, News, Request> {
  readonly #orders = new Fifo<Order>();
  readonly #news = new Fifo<News>();
  readonly #requests = new Fifo<Request>();
  #deferred: News[] = [];
  #holds = 0;

  putOrder(order: Order): void {
    this.#orders.put(order);
  }

  putNews(news: News): void {
    this.#news.put(news);
  }

  putRequest(request: Request): void {
    this.#requests.put(request);
  }

  takeOrder(): Order | undefined {
    return this.#orders.take();
  }

  takeNews(): News | undefined {
    return this.#news.take();
  }

  /** The next request, unless requests are held. */
  takeRequest(): Request | undefined {
    return this.#holds > 0 ? undefined : this.#requests.take();
  }

  /** Everything that was asked for, for good; held or not. */
  drainRequests(): readonly Request[] {
    return this.#requests.takeAll();
  }

  /** Whether there is something to handle now. */
  holdsWork(requestsToo: boolean): boolean {
    return (
      !this.#orders.empty || !this.#news.empty || (requestsToo && this.#holds === 0 && !this.#requests.empty)
    );
  }

  /** Lets news wait until {@link Mailbox.recall}: they are about something that is not to be looked at now. */
  defer(news: News): void {
    this.#deferred.push(news);
  }

  /** Puts back the news that had to wait, before those that came later. */
  recall(): void {
    if (this.#deferred.length === 0) return;
    this.#news.putFirst(this.#deferred);
    this.#deferred = [];
  }

  /** Holds back requests until the returned function is called. */
  hold(): () => void {
    this.#holds += 1;
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }
}

/** First in, first out, in constant time: an array that is read from a moving front. */
class Fifo<T> {
  #items: T[] = [];
  #front = 0;

  get empty(): boolean {
    return this.#front === this.#items.length;
  }

  put(item: T): void {
    this.#items.push(item);
  }

  putFirst(items: readonly T[]): void {
    this.#items = [...items, ...this.takeAll()];
  }

  takeAll(): readonly T[] {
    const all = this.#items.slice(this.#front);
    this.#items = [];
    this.#front = 0;
    return all;
  }

  take(): T | undefined {
    if (this.empty) return undefined;
    const item = this.#items[this.#front];
    // Safe: the place is behind the front now; clearing it lets the message be collected.
    this.#items[this.#front] = undefined as T;
    this.#front += 1;
    if (this.#front >= 1024 || this.#front === this.#items.length) this.#compact();
    return item;
  }

  #compact(): void {
    if (this.#front === this.#items.length) this.#empty();
    else if (this.#front * 2 > this.#items.length) this.#items = this.#items.slice(this.#front);
    else return;
    this.#front = 0;
  }

  /** A short array is kept for what comes next; a long one, left from a storm, is let go. */
  #empty(): void {
    if (this.#items.length > 64) this.#items = [];
    else this.#items.length = 0;
  }
}
