/** First in, first out, in constant time: an array that is read from a moving front. */
export class Fifo<T> {
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
