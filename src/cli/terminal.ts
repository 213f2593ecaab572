import { styleText } from 'node:util';

/** Where a command prints: answers to stdout, complaints to stderr. */
export interface Terminal {
  /** Prints lines of an answer. */
  say(...lines: readonly string[]): void;
  /** Prints lines of a complaint. */
  complain(...lines: readonly string[]): void;
  /** The text in a style, where stdout shows any. */
  paint(style: Style, text: string): string;
  /** How many characters fit in a line of stdout; `Infinity` where it is no terminal: nobody wants a file of cut lines. */
  readonly columns: number;
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** The terminal of this process. A reader that has gone (`treewarden doctor | head -1`) ends no work that is under way. */
export function terminalOf({ stdout, stderr }: Streams): Terminal {
  for (const stream of [stdout, stderr]) stream.on('error', ignoreAClosedPipe);
  // hasColors() knows NO_COLOR, FORCE_COLOR and TERM.
  const colourful = stdout.isTTY === true && stdout.hasColors();
  return {
    say: (...lines) => print(stdout, lines),
    complain: (...lines) => print(stderr, lines),
    paint: (style, text) => (colourful ? styleText(style, text) : text),
    columns: stdout.isTTY === true ? stdout.columns : Number.POSITIVE_INFINITY,
  };
}

/** The two standard streams. */
export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

function print(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0 && stream.writable) stream.write(`${lines.join('\n')}\n`);
}

function ignoreAClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}
