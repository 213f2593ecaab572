import { LineReader } from './line-reader.js';

/** How much of a stream is kept, in bytes, and how many lines of it are shown. */
const KEPT_BYTES = 65_536;
const KEPT_LINES = 1000;
/** Up to this size the chunks of a line are joined, so that a program that writes byte by byte is kept as lines too. */
const JOINED_BYTES = 4096;
const NEWLINE = 10;

/** A line that is kept, and its place among those of the other stream. */
export interface KeptLine {
  readonly order: number;
  readonly atMs: number;
  readonly text: string;
}

interface Kept {
  readonly order: number;
  readonly atMs: number;
  readonly chunk: Buffer;
}

/** The last of what came in on a stream, as it came in: strings are only made for who asks. */
export class KeptOutput {
  readonly #kept: Kept[] = [];
  /** Where the kept ones begin; what is before goes once it is as many. */
  #first = 0;
  #bytes = 0;

  /** @param order - rises with each chunk of either stream */
  add(chunk: Buffer, order: number, atMs: number): void {
    const fitting = chunk.length > KEPT_BYTES ? chunk.subarray(-KEPT_BYTES) : chunk;
    const whole = this.#joined(fitting);
    this.#bytes += fitting.length;
    // A line that goes on is apart from those before it: it will be whole at another time.
    const end = whole.lastIndexOf(NEWLINE) + 1;
    if (end > 0) this.#kept.push({ order, atMs, chunk: whole.subarray(0, end) });
    if (end < whole.length) this.#kept.push({ order, atMs, chunk: whole.subarray(end) });
    this.#forgetOldest();
  }

  /** Its lines, oldest first; the last one may have no end yet. The first is what is left of one. */
  lines(): readonly KeptLine[] {
    const lines: KeptLine[] = [];
    let { order, atMs } = { order: 0, atMs: 0 };
    const reader = new LineReader((texts) => {
      for (const text of texts) lines.push({ order, atMs, text });
    });
    for (const kept of this.#kept.slice(this.#first)) {
      ({ order, atMs } = kept);
      reader.add(kept.chunk);
    }
    reader.end();
    return lines.slice(-KEPT_LINES);
  }

  /** The beginning of a line that has no end yet. */
  get begun(): Buffer {
    const all = Buffer.concat(this.#kept.slice(this.#first).map(({ chunk }) => chunk));
    return all.subarray(all.lastIndexOf(NEWLINE) + 1);
  }

  /** With the beginning of its first line, where that is short enough to be copied. */
  #joined(chunk: Buffer): Buffer {
    const last = this.#kept.at(-1)?.chunk;
    const isBegun = last !== undefined && last[last.length - 1] !== NEWLINE;
    if (!isBegun || last.length + chunk.length > JOINED_BYTES) return chunk;
    this.#kept.pop();
    return Buffer.concat([last, chunk]);
  }

  #forgetOldest(): void {
    const kept = this.#kept;
    while (this.#bytes > KEPT_BYTES || kept.length - this.#first > KEPT_LINES) {
      this.#bytes -= kept[this.#first]?.chunk.length ?? 0;
      this.#first += 1;
    }
    // One by one would move all the others each time.
    if (this.#first > KEPT_LINES) this.#first -= kept.splice(0, this.#first).length;
  }
}
