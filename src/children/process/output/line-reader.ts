import { StringDecoder } from 'node:string_decoder';
import { LONGEST_LINE } from './whole-lines.js';

/**
 * Makes strings of the lines of a stream, without their ends. Characters may be split between chunks; what is longer than a line may be comes in pieces.
 * The lines of a chunk are told together: one call for each of very many would cost more than to find them.
 */
export class LineReader {
  readonly #emit: (lines: readonly string[]) => void;
  readonly #decoder = new StringDecoder('utf8');
  /** The beginning of the next line. */
  #begun = '';

  constructor(emit: (lines: readonly string[]) => void) {
    this.#emit = emit;
  }

  add(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    const lines = text.split('\n');
    const hasReturns = this.#begun.endsWith('\r') || text.includes('\r');
    // The beginning is put before the first line only: before the whole text it would copy all of that. Safe: a split has one part at least.
    lines[0] = this.#begun + (lines[0] as string);
    this.#begun = lines.pop() as string;
    if (lines.length > 0) this.#emit(hasReturns ? lines.map(withoutReturn) : lines);
    if (this.#begun.length > LONGEST_LINE) this.#cut();
  }

  /** The stream is at its end: what is left is a line. */
  end(): void {
    const rest = this.#begun + this.#decoder.end();
    this.#begun = '';
    if (rest !== '') this.#emit([withoutReturn(rest)]);
  }

  #cut(): void {
    const pieces: string[] = [];
    while (this.#begun.length > LONGEST_LINE) {
      pieces.push(this.#begun.slice(0, LONGEST_LINE));
      this.#begun = this.#begun.slice(LONGEST_LINE);
    }
    this.#emit(pieces);
  }
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
