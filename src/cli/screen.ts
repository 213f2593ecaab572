import { cutEnd } from './text.js';

/** The whole screen of a terminal, taken until it is closed. */
export interface Screen {
  readonly columns: number;
  readonly rows: number;
  /** Shows these lines in place of what was there; what does not fit is cut. */
  show(lines: readonly string[]): void;
  /** Gives the screen back as it was. Safe to call twice. */
  close(): void;
}

/** What the person at a screen does. */
export interface ScreenEvents {
  /** A key, as the terminal sends it: `q`, `\u0003` for Ctrl-C. */
  key(key: string): void;
  /** It has another size now, or is shown again after a suspension. */
  resized(): void;
}

interface ScreenStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

/**
 * Takes the screen: the alternate one, without a cursor, and each key at once. It is given back on every way out: by `close`, at the process's exit
 * however that comes about, and before a signal ends or suspends it.
 */
export function openScreen(streams: ScreenStreams, events: ScreenEvents): Screen {
  return new AlternateScreen(streams, events);
}

/** What ends a program by default, and Ctrl-Z. In the raw mode that a screen is in these come from elsewhere than its keys. */
const ENDING: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
const SUSPEND_KEY = '\u001a';
const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_TO_END_OF_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

class AlternateScreen implements Screen {
  readonly #streams: ScreenStreams;
  readonly #events: ScreenEvents;
  readonly #undo: (() => void)[] = [];
  #taken = false;

  constructor(streams: ScreenStreams, events: ScreenEvents) {
    this.#streams = streams;
    this.#events = events;
    this.#listen();
    this.#take();
  }

  get columns(): number {
    return this.#streams.stdout.columns || 80;
  }

  get rows(): number {
    return this.#streams.stdout.rows || 24;
  }

  show(lines: readonly string[]): void {
    if (!this.#taken) return;
    const shown = lines.slice(0, this.rows).map((line) => fitted(line, this.columns) + CLEAR_TO_END_OF_LINE);
    // One write, and each line over the old one: a screen that is cleared first flickers.
    this.#streams.stdout.write(HOME + shown.join('\r\n') + CLEAR_BELOW);
  }

  close(): void {
    for (const undo of this.#undo.splice(0)) undo();
    this.#giveBack();
    this.#streams.stdin.pause();
  }

  #listen(): void {
    const { stdin, stdout } = this.#streams;
    const onExit = (): void => this.#giveBack();
    const onEnd = (signal: NodeJS.Signals): void => {
      this.close();
      process.kill(process.pid, signal);
    };
    const onContinue = (): void => {
      this.#take();
      this.#events.resized();
    };
    // The whole group is suspended, as by the terminal itself: npx, above us, is part of what the shell waits for.
    const onKey = (key: string): void => {
      if (key === SUSPEND_KEY) process.kill(0, 'SIGTSTP');
      else this.#events.key(key);
    };
    const onSuspend = (): void => {
      this.#giveBack();
      process.kill(process.pid, 'SIGSTOP');
    };
    const onResize = (): void => this.#events.resized();
    process.on('exit', onExit).on('SIGCONT', onContinue).on('SIGTSTP', onSuspend);
    for (const signal of ENDING) process.on(signal, onEnd);
    stdin.setEncoding('utf8').on('data', onKey);
    stdout.on('resize', onResize);
    this.#undo.push(() => {
      process.off('exit', onExit).off('SIGCONT', onContinue).off('SIGTSTP', onSuspend);
      for (const signal of ENDING) process.off(signal, onEnd);
      stdin.off('data', onKey);
      stdout.off('resize', onResize);
    });
  }

  #take(): void {
    if (this.#taken) return;
    this.#taken = true;
    this.#streams.stdin.setRawMode(true);
    this.#streams.stdout.write(ENTER);
  }

  #giveBack(): void {
    if (!this.#taken) return;
    this.#taken = false;
    this.#streams.stdin.setRawMode(false);
    this.#streams.stdout.write(LEAVE);
  }
}

/** A painted line is cut by whoever painted it; what is too long all the same loses its colours with its end. */
function fitted(line: string, columns: number): string {
  return cutEnd(line, columns);
}
