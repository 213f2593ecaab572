import type { Readable } from 'node:stream';
import type { OutputWriter } from '../process-options.js';
import { KeptOutput } from './kept-output.js';
import { LineReader } from './line-reader.js';

/** What is done with one stream of a program. */
export interface Capture {
  /** Whether its last lines are kept. */
  readonly keeps: boolean;
  /** Where it goes. */
  readonly writer: OutputWriter | undefined;
  /** The writer has failed, and is given nothing more; called once. */
  onFailure(error: unknown): void;
}

/** Lines that somebody follows, as they come in together. */
export type OnLines = (texts: readonly string[]) => void;

/** Reads one stream of a program: keeps its last lines, hands it to its writer, and reads lines for who follows it. */
export class CapturedStream {
  readonly kept: KeptOutput | undefined;
  readonly #from: Readable;
  readonly #onFailure: (error: unknown) => void;
  readonly #writer: OutputWriter | undefined;
  #failed = false;
  /** How many writes hold it up. */
  #holds = 0;
  #mayHold = true;
  #reader: LineReader | undefined;

  /** @param stamp - the order and the time of a chunk that has come in */
  constructor(
    from: Readable,
    { keeps, writer, onFailure }: Capture,
    stamp: () => { readonly order: number; readonly atMs: number },
  ) {
    this.kept = keeps ? new KeptOutput() : undefined;
    this.#from = from;
    this.#writer = writer;
    this.#onFailure = onFailure;
    from.on('data', (chunk: Buffer) => {
      if (this.kept !== undefined) {
        const { order, atMs } = stamp();
        this.kept.add(chunk, order, atMs);
      }
      this.#reader?.add(chunk);
      this.#write(chunk);
    });
    // A broken pipe is an event of the stream, not of the process, and would end this one.
    from.on('error', () => undefined);
  }

  /** Tells every line from now on, that under way included; undefined ends it. */
  follow(onLines: OnLines | undefined): void {
    this.#reader = onLines === undefined ? undefined : new LineReader(onLines);
    const begun = this.kept?.begun;
    if (begun !== undefined && begun.length > 0) this.#reader?.add(begun);
  }

  /** Is not held up any more: reads what is left. */
  letFlow(): void {
    this.#mayHold = false;
    this.#from.resume();
  }

  /** Nothing more is read; resolves once the writer has done its part. One that has failed is ended too: others may wait for what it holds. */
  finish(): void | Promise<void> {
    this.#from.destroy();
    this.#reader?.end();
    this.#reader = undefined;
    return this.#settle((writer) => writer.end());
  }

  #write(chunk: Buffer): void {
    if (this.#failed) return;
    const writing = this.#settle((writer) => writer.write(chunk));
    if (writing === undefined || !this.#mayHold) return;
    this.#holds += 1;
    this.#from.pause();
    void writing.then(() => {
      this.#holds -= 1;
      if (this.#holds === 0) this.#from.resume();
    });
  }

  /** A writer that fails must neither end this process nor hold the program up. */
  #settle(step: (writer: OutputWriter) => void | Promise<void>): void | Promise<void> {
    if (this.#writer === undefined) return;
    try {
      return step(this.#writer)?.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#onFailure(error);
  }
}
