/** The longest line that is kept whole, in bytes; the rest of a longer one counts as further lines. */
export const LONGEST_LINE = 65_536;

const NEWLINE = 10;
const ESCAPE = 0x1b;
const END_OF_LINE: Buffer = Buffer.from('\n');
/** How far back from a cut an escape sequence is looked for, in bytes. Those of colours are shorter. */
const LONGEST_ESCAPE = 32;

/**
 * Makes blocks of whole lines from chunks that end anywhere. Bytes stay as they are: only the line end after a piece of a line that is longer than
 * {@link LONGEST_LINE}, and after a last line without one, is added.
 */
export class WholeLines {
  #held: Buffer[] = [];
  #heldBytes = 0;

  /** The lines that end in this chunk, as one block that ends with a line end; undefined where none does. */
  add(chunk: Buffer): Buffer | undefined {
    const end = chunk.lastIndexOf(NEWLINE) + 1;
    const whole = end === 0 ? undefined : this.#complete(chunk.subarray(0, end));
    if (end < chunk.length) this.#hold(chunk.subarray(end));
    if (this.#heldBytes <= LONGEST_LINE) return whole;
    const pieces = cutLines(this.#release());
    this.#hold(pieces.pop() ?? Buffer.alloc(0));
    return joined(whole === undefined ? pieces : [whole, ...pieces]);
  }

  /** What is left, as a line; undefined where nothing is. */
  end(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : Buffer.concat([this.#release(), END_OF_LINE]);
  }

  #complete(block: Buffer): Buffer {
    const mayBeLong = this.#heldBytes + block.length > LONGEST_LINE;
    this.#hold(block);
    const whole = this.#release();
    return mayBeLong ? joined(cutLines(whole)) : whole;
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
  }

  #release(): Buffer {
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    return held.length === 1 && held[0] !== undefined ? held[0] : Buffer.concat(held);
  }
}

/** Puts a prefix before each line of a block. By latin1, which has a character for each byte and changes none. */
export function prefixed(block: Buffer, prefix: string): Buffer {
  const bytes = Buffer.from(prefix).toString('latin1');
  const text = block.toString('latin1', 0, block.length - 1);
  return Buffer.from(`${bytes}${text.split('\n').join(`\n${bytes}`)}\n`, 'latin1');
}

function joined(parts: readonly Buffer[]): Buffer {
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

/** The same bytes with a line end after every piece of a line that is too long; the last piece may have none. */
function cutLines(block: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  while (from < block.length) {
    const newline = block.indexOf(NEWLINE, from);
    const end = newline < 0 ? block.length : newline;
    if (end - from > LONGEST_LINE) {
      const cut = cutBefore(block, from + LONGEST_LINE);
      pieces.push(block.subarray(from, cut), END_OF_LINE);
      from = cut;
    } else {
      pieces.push(block.subarray(from, end + 1));
      from = end + 1;
    }
  }
  return pieces;
}

/** The last place, not behind this one, where neither a character nor an escape sequence, such as that of a colour, is torn apart. */
function cutBefore(block: Buffer, at: number): number {
  let cut = at;
  while (cut > at - 3 && isContinuation(block[cut])) cut -= 1;
  const begun = block.lastIndexOf(ESCAPE, cut - 1);
  const isOpen = begun > cut - LONGEST_ESCAPE && !/[@-Z\\-~]/.test(block.toString('latin1', begun + 1, cut));
  return isOpen ? begun : cut;
}

/** Whether it is a byte of a UTF-8 character other than its first. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
