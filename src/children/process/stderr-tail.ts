import { StringDecoder } from 'node:string_decoder';

const KEPT_CHARACTERS = 8192;
const KEPT_LINES = 20;

/** The last words of a program: what it wrote last, up to 8192 characters, of which the last 20 lines are shown. */
export class StderrTail {
  readonly #decoder = new StringDecoder('utf8');
  #text = '';

  add(chunk: Buffer): void {
    this.#text = (this.#text + this.#decoder.write(chunk)).slice(-KEPT_CHARACTERS);
  }

  /** The last lines, oldest first; blank ones at the end are left out. */
  get lines(): readonly string[] {
    const text = this.#text.trimEnd();
    return text === '' ? [] : text.split(/\r?\n/).slice(-KEPT_LINES);
  }

  /** V8's own words for having run out of memory, if that is what it wrote. */
  get outOfMemory(): string | undefined {
    return /^.*heap out of memory.*$/m.exec(this.#text)?.[0].trim();
  }
}
