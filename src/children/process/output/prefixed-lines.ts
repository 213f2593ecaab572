import type { OutputWriter } from '../process-options.js';
import { prefixed, WholeLines } from './whole-lines.js';

/** Passes whole lines on, each after a prefix. A block of them is written at once, so that no other line gets in between. */
export class PrefixedLines implements OutputWriter {
  readonly #to: OutputWriter;
  readonly #prefix: string;
  readonly #lines = new WholeLines();

  constructor(to: OutputWriter, prefix: string) {
    this.#to = to;
    this.#prefix = prefix;
  }

  write(chunk: Buffer): void | Promise<void> {
    return this.#passOn(this.#lines.add(chunk));
  }

  end(): void | Promise<void> {
    void this.#passOn(this.#lines.end());
    return this.#to.end();
  }

  #passOn(block: Buffer | undefined): void | Promise<void> {
    return block === undefined ? undefined : this.#to.write(prefixed(block, this.#prefix));
  }
}
