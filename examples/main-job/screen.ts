// Where the view is shown: redrawn in place on a terminal, a line a second anywhere else.

import type { WriteStream } from 'node:tty';
import { logLine, render, type Scene } from './view.js';

const CLEAR_BELOW = '\u001b[J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const LOG_EVERY_MS = 1000;
const NEWS_LINES = 4;

export interface Screen {
  /** Shows how things stand now. */
  show(scene: Scene, nowMs: number): void;
  /** Shows, for a while, that something happened. */
  news(line: string): void;
  /** Says lines that stay. */
  say(...lines: readonly string[]): void;
  /** Leaves standing what is shown; what is said from now on comes below it. */
  close(): void;
}

/** A stream as far as it matters here. */
type Stream = Pick<WriteStream, 'write'> & Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'rows'>>;

export function screenOn(stream: Stream, env: NodeJS.ProcessEnv): Screen {
  const isTerminal = stream.isTTY === true && env['TERM'] !== 'dumb';
  // https://no-color.org: any value but the empty one.
  return isTerminal ? new TerminalScreen(stream, (env['NO_COLOR'] ?? '') === '') : new LogScreen(stream);
}

class TerminalScreen implements Screen {
  readonly #stream: Stream;
  readonly #colour: boolean;
  #lines: readonly string[] = [];
  #news: readonly string[] = [];

  constructor(stream: Stream, colour: boolean) {
    this.#stream = stream;
    this.#colour = colour;
    stream.write(HIDE_CURSOR);
  }

  show(scene: Scene): void {
    const { columns = 80, rows = 24 } = this.#stream;
    // A line in the last column would wrap, and a line below the last row would scroll; both break the redraw.
    const lines = render(scene, this.#news, { columns: columns - 1, colour: this.#colour }).slice(
      0,
      rows - 1,
    );
    this.#redraw([], lines);
  }

  news(line: string): void {
    this.#news = [...this.#news, line].slice(-NEWS_LINES);
  }

  say(...lines: readonly string[]): void {
    this.#redraw(lines, this.#lines);
  }

  close(): void {
    this.#stream.write(SHOW_CURSOR);
    this.#lines = [];
  }

  #redraw(above: readonly string[], lines: readonly string[]): void {
    const up = this.#lines.length === 0 ? '' : `\u001b[${this.#lines.length}A\r`;
    this.#stream.write(`${up}${CLEAR_BELOW}${text([...above, ...lines])}`);
    this.#lines = lines;
  }
}

class LogScreen implements Screen {
  readonly #stream: Stream;
  #nextAtMs = 0;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  show(scene: Scene, nowMs: number): void {
    if (nowMs < this.#nextAtMs) return;
    this.#nextAtMs = nowMs + LOG_EVERY_MS;
    this.say(logLine(scene));
  }

  news(line: string): void {
    this.say(line);
  }

  say(...lines: readonly string[]): void {
    this.#stream.write(text(lines));
  }

  close(): void {
    this.#nextAtMs = 0;
  }
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
