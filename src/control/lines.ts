const LINE_END = 0x0a;

/**
 * Cuts what arrives into lines, which are taken one at a time. Bytes rather than text, as a piece may end within a character; and every byte is looked
 * at once, however small the pieces are.
 */
export class Lines {
  readonly #longest: number;
  #pieces: Buffer[] = [];
  #complete: string[] = [];
  #next = 0;
  #bytes = 0;
  #isTooLong = false;

  /** @param longestBytes - from which length on a line is too long */
  constructor(longestBytes: number) {
    this.#longest = longestBytes;
  }

  /** A line was longer than allowed; what followed it is dropped. */
  get isTooLong(): boolean {
    return this.#isTooLong && this.#next === this.#complete.length;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (
      let end = chunk.indexOf(LINE_END);
      end >= 0 && !this.#isTooLong;
      end = chunk.indexOf(LINE_END, from)
    ) {
      this.#add(chunk.subarray(from, end));
      if (!this.#isTooLong) this.#complete.push(Buffer.concat(this.#pieces).toString('utf8'));
      this.#forgetPieces();
      from = end + 1;
    }
    if (!this.#isTooLong) this.#add(chunk.subarray(from));
  }

  /** The next complete line, without its end. */
  take(): string | undefined {
    const line = this.#complete[this.#next];
    if (line === undefined) return undefined;
    this.#next += 1;
    if (this.#next === this.#complete.length) {
      this.#complete = [];
      this.#next = 0;
    }
    return line;
  }

  #add(piece: Buffer): void {
    this.#bytes += piece.length;
    this.#isTooLong = this.#bytes > this.#longest;
    if (this.#isTooLong) this.#forgetPieces();
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #forgetPieces(): void {
    this.#pieces = [];
    this.#bytes = 0;
  }
}
