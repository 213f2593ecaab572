import { styleText } from 'node:util';
import { openScreen, type Screen, type ScreenEvents } from './screen.js';
import { cutEnd, harmless } from './text.js';

/** Where a command prints: answers to stdout, complaints to stderr. */
export interface Terminal {
  /** Prints lines of an answer. */
  say(...lines: readonly string[]): void;
  /** Prints lines of a complaint. */
  complain(...lines: readonly string[]): void;
  /** The text in a style, where stdout shows any. */
  readonly paint: Paint;
  /** The same for stderr. */
  readonly paintComplaint: Paint;
  /**
   * Shows what is waited for on one line of stderr, in place of what it showed before; without a text that line is gone. Nothing where stderr is no
   * terminal.
   */
  progress(text?: string): void;
  /** Whether anybody sees that line. */
  readonly showsProgress: boolean;
  /** How many characters fit in a line of stdout; `Infinity` where it is no terminal: nobody wants a file of cut lines. */
  readonly columns: number;
  /** False once nobody reads stdout any more, so that a stream may end. */
  readonly isRead: boolean;
  /** Resolves when stdout takes more: a slow reader is waited for instead of piling up what it has not read. */
  flushed(): Promise<void>;
  /** Takes the whole screen until it is closed; undefined unless a person sits at stdin and stdout. */
  openScreen(events: ScreenEvents): Screen | undefined;
}

export type Paint = (style: Style, text: string) => string;

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** The standard streams. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** The terminal of this process. A reader that has gone (`treewarden doctor | head -1`) ends no work that is under way. */
export function terminalOf(streams: Streams): Terminal {
  for (const stream of [streams.stdout, streams.stderr]) stream.on('error', ignoreThatNobodyReads);
  return new ProcessTerminal(streams);
}

class ProcessTerminal implements Terminal {
  readonly #streams: Streams;
  #progress = '';
  // Handed about without their terminal.
  readonly paint = (style: Style, text: string): string => painted(this.#streams.stdout, style, text);
  readonly paintComplaint = (style: Style, text: string): string =>
    painted(this.#streams.stderr, style, text);

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  get columns(): number {
    const { stdout } = this.#streams;
    // A terminal of no width is one whose size nobody has told, as under script(1) or a test's pty.
    return stdout.isTTY === true && stdout.columns > 0 ? stdout.columns : Number.POSITIVE_INFINITY;
  }

  get showsProgress(): boolean {
    return this.#streams.stderr.isTTY === true;
  }

  get isRead(): boolean {
    return this.#streams.stdout.writable;
  }

  say(...lines: readonly string[]): void {
    this.#print(this.#streams.stdout, lines);
  }

  complain(...lines: readonly string[]): void {
    this.#print(this.#streams.stderr, lines);
  }

  progress(text = ''): void {
    const { stderr } = this.#streams;
    if (stderr.isTTY !== true || text === this.#progress) return;
    this.#progress = text;
    // The last cell stays empty: some terminals wrap when it is written.
    stderr.write(`\r${CLEAR_LINE}${cutEnd(harmless(text), (stderr.columns || 80) - 1)}`);
  }

  async flushed(): Promise<void> {
    const { stdout } = this.#streams;
    if (!stdout.writable || !stdout.writableNeedDrain) return;
    await new Promise<void>((resolve) => {
      for (const event of ['drain', 'close', 'error']) stdout.once(event, resolve);
    });
  }

  openScreen(events: ScreenEvents): Screen | undefined {
    const { stdin, stdout } = this.#streams;
    return stdin.isTTY === true && stdout.isTTY === true ? openScreen({ stdin, stdout }, events) : undefined;
  }

  #print(stream: NodeJS.WriteStream, lines: readonly string[]): void {
    if (lines.length === 0 || !stream.writable) return;
    const shown = this.#progress;
    this.progress();
    stream.write(`${lines.join('\n')}\n`);
    this.progress(shown);
  }
}

const CLEAR_LINE = '\u001b[2K';

function painted(stream: NodeJS.WriteStream, style: Style, text: string): string {
  // hasColors() knows NO_COLOR, FORCE_COLOR and TERM.
  return stream.isTTY === true && stream.hasColors() ? styleText(style, text) : text;
}

/** EIO is what a terminal says that has been closed. */
function ignoreThatNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
}
