/**
 * First in, first out, in constant time: an array between a moving front and a moving back. It is kept when it has run empty, so that a
 * steady flow of messages allocates nothing.
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #front = 0;
  #back = 0;

  get empty(): boolean {
    return this.#front === this.#back;
  }

  put(item: T): void {
    this.#items[this.#back] = item;
    this.#back += 1;
  }

  putFirst(items: readonly T[]): void {
    this.#replace([...items, ...this.takeAll()]);
  }

  takeAll(): readonly T[] {
    // Safe: between front and back there are items only.
    const all = this.#items.slice(this.#front, this.#back) as T[];
    this.#replace([]);
    return all;
  }

  take(): T | undefined {
    if (this.#front === this.#back) return undefined;
    const item = this.#items[this.#front];
    // Behind the front now; cleared, the message can be collected.
    this.#items[this.#front] = undefined;
    this.#front += 1;
    if (this.#front === this.#back) this.#rewind();
    else if (this.#front >= 1024 && this.#front * 2 > this.#back) this.#replace([...this.takeAll()]);
    return item;
  }

  /** A short array is used again; a long one, left from a storm, is let go. */
  #rewind(): void {
    if (this.#items.length > 1024) this.#items = [];
    this.#front = 0;
    this.#back = 0;
  }

  #replace(items: T[]): void {
    this.#items = items;
    this.#front = 0;
    this.#back = items.length;
  }
}
