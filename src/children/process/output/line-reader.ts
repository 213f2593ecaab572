import { StringDecoder } from 'node:string_decoder';
import { LONGEST_LINE } from './whole-lines.js';

const RETURN = 13;

/** Makes strings of the lines of a stream, without their ends. Characters may be split between chunks; what is longer than a line may be comes in pieces. */
export class LineReader {
  readonly #emit: (line: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  /** The beginning of the next line. */
  #begun = '';

  constructor(emit: (line: string) => void) {
    this.#emit = emit;
  }

  add(chunk: Buffer): void {
    const text = this.#decoder.write(chunk);
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      // The beginning is put before the first line only: before the whole text it would copy all of that.
      if (from === 0 && this.#begun !== '') this.#tell(this.#begun + text.slice(0, end));
      else this.#tell(text.slice(from, end));
      from = end + 1;
    }
    const rest = text.slice(from);
    this.#begun = from === 0 ? this.#begun + rest : rest;
    if (this.#begun.length > LONGEST_LINE) this.#cut();
  }

  /** The stream is at its end: what is left is a line. */
  end(): void {
    const rest = this.#begun + this.#decoder.end();
    this.#begun = '';
    if (rest !== '') this.#tell(rest);
  }

  #tell(line: string): void {
    this.#emit(line.charCodeAt(line.length - 1) === RETURN ? line.slice(0, -1) : line);
  }

  #cut(): void {
    while (this.#begun.length > LONGEST_LINE) {
      this.#emit(this.#begun.slice(0, LONGEST_LINE));
      this.#begun = this.#begun.slice(LONGEST_LINE);
    }
  }
}
