/** How much of a stream of bytes has been taken in, how much of that is done with, and who waits for that. */
export class ProgressMarks {
  #taken = 0;
  #done = 0;
  readonly #waiting: { readonly mark: number; readonly resolve: () => void }[] = [];

  take(bytes: number): void {
    this.#taken += bytes;
  }

  finish(bytes: number): void {
    this.#done += bytes;
    // Marks only rise.
    while (this.#waiting[0] !== undefined && this.#waiting[0].mark <= this.#done)
      this.#waiting.shift()?.resolve();
  }

  /** Resolves once at most this many of the bytes that have been taken in by now are open; at once, without a promise, where that holds. */
  untilOpen(bytes: number): void | Promise<void> {
    const mark = this.#taken - bytes;
    if (mark <= this.#done) return;
    return new Promise((resolve) => {
      this.#waiting.push({ mark, resolve });
      this.#waiting.sort((one, other) => one.mark - other.mark);
    });
  }
}
