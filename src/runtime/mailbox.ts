/**
 * A supervisor's queue: news of children first, then requests and retries. (A kill and a shutdown overtake both; they are
 * states of the supervisor rather than messages, since asking twice means no more than asking once.)
 */
export class Mailbox<News, Request> {
  readonly #news = new Fifo<News>();
  readonly #requests = new Fifo<Request>();

  putNews(news: News): void {
    this.#news.put(news);
  }

  putRequest(request: Request): void {
    this.#requests.put(request);
  }

  takeNews(): News | undefined {
    return this.#news.take();
  }

  takeRequest(): Request | undefined {
    return this.#requests.take();
  }

  /** Whether anything waits; requests count only where they may be handled. */
  holds(requestsToo: boolean): boolean {
    return !this.#news.empty || (requestsToo && !this.#requests.empty);
  }

  /** Puts back news that had to wait, before those that came later. */
  putBack(news: readonly News[]): void {
    this.#news.putFirst(news);
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
    this.#items = [...items, ...this.#items.slice(this.#front)];
    this.#front = 0;
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
    if (this.#front === this.#items.length) this.#items = this.#items.length > 64 ? [] : clear(this.#items);
    else if (this.#front * 2 > this.#items.length) this.#items = this.#items.slice(this.#front);
    else return;
    this.#front = 0;
  }
}

function clear<T>(items: T[]): T[] {
  items.length = 0;
  return items;
}
