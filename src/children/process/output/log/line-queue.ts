const NEWLINE = 10;

/** Lines that wait to be written. */
export class LineQueue {
  readonly #parts: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a block of whole lines. */
  add(block: Buffer): void {
    this.#parts.push(block);
    this.#bytes += block.length;
  }

  /**
   * The whole lines at its head that fit into `room` bytes; empty where not even one does.
   * @param atLeastOne - takes a first line that does not fit all the same
   */
  head(room: number, atLeastOne: boolean): readonly Buffer[] {
    const fitting: Buffer[] = [];
    let left = room;
    for (const part of this.#parts) {
      if (part.length > left) {
        const end = lastLineEnd(part, left) || (atLeastOne && fitting.length === 0 ? firstLineEnd(part) : 0);
        if (end > 0) fitting.push(part.subarray(0, end));
        break;
      }
      fitting.push(part);
      left -= part.length;
      // More than the operating system takes at once would not be written anyway.
      if (fitting.length === 1024) break;
    }
    return fitting;
  }

  /** Takes out bytes at its head. */
  remove(bytes: number): void {
    let left = bytes;
    let whole = 0;
    for (const part of this.#parts) {
      if (part.length > left) break;
      left -= part.length;
      whole += 1;
    }
    this.#parts.splice(0, whole);
    if (left > 0) this.#parts[0] = this.#parts[0]?.subarray(left) ?? Buffer.alloc(0);
    this.#bytes -= bytes;
  }

  /** Takes out all, as one block. */
  empty(): Buffer {
    this.#bytes = 0;
    return Buffer.concat(this.#parts.splice(0));
  }
}

function firstLineEnd(block: Buffer): number {
  return block.indexOf(NEWLINE) + 1 || block.length;
}

/** Where the last line ends that is within this many bytes; 0 where none is. */
function lastLineEnd(block: Buffer, within: number): number {
  return within <= 0 ? 0 : block.lastIndexOf(NEWLINE, within - 1) + 1;
}
