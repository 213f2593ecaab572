/** How many items wait for a reader that is slower than the tree, before the oldest are dropped. */
const UNREAD_KEPT = 4096;

/** What a stream has to tell and nobody has taken yet. It never grows beyond a bound, so no reader can hold up, or fill, the program. */
export class Feed {
  #items: unknown[] = [];
  #next = 0;
  #missed = 0;

  get isEmpty(): boolean {
    return this.#next === this.#items.length;
  }

  push(item: unknown): void {
    this.#items.push(item);
    if (this.#items.length - this.#next <= UNREAD_KEPT) return;
    this.#next += 1;
    this.#missed += 1;
    if (this.#next > UNREAD_KEPT) this.#forgetTaken();
  }

  /** The oldest item, and how many were dropped before it. */
  take(): { readonly item: unknown; readonly missed: number } | undefined {
    if (this.isEmpty) return undefined;
    const taken = { item: this.#items[this.#next], missed: this.#missed };
    this.#next += 1;
    this.#missed = 0;
    if (this.isEmpty) this.#forgetTaken();
    return taken;
  }

  /** Counts items as missed that were taken, and could not be told. */
  lose(items: number): void {
    this.#missed += items;
  }

  #forgetTaken(): void {
    this.#items = this.#items.slice(this.#next);
    this.#next = 0;
  }
}
