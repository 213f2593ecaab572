import type { Timer } from '../../../../runtime/index.js';
import type { OutputOrigin, OutputSink, OutputWriter } from '../../process-options.js';
import { WholeLines } from '../whole-lines.js';
import { formatLines } from './line-format.js';
import { type LogLayout, layoutOf } from './log-layout.js';
import { checkLogOptions, type LogFileOptions, type LogSettings } from './log-options.js';
import { OpenLog } from './open-log.js';

/** How long a log stays open, and locked, when nobody writes to it any more: a restart finds it as it was. In ms. */
const LINGER_MS = 1000;

/** A log that programs write to: the sink of their `stdout` or `stderr`. */
export interface LogFile extends OutputSink {
  /** The file that is written. */
  readonly path: string;
  /**
   * Opens the path anew, for those who rename or remove the file themselves, such as logrotate. What came before is in the old file, and all that comes is in
   * the new one, once it resolves. Does nothing while nobody writes to it.
   * @throws LogFileError if the new one cannot be opened; writing is tried again all the same
   */
  reopen(): Promise<void>;
  /** Rotates now, unless the file is empty. Does nothing while nobody writes to it. */
  rotate(): Promise<void>;
}

/**
 * A log that is rotated by size, number and age, with timestamps, a choice of lines, and a processor. It may be shared by many children, and by stdout
 * and stderr of each: lines are never mixed. No line that was written is lost, whatever becomes of this program.
 *
 * It is opened when the first program that writes to it starts, and closed a second after the last has ended.
 *
 * @throws InvalidSpecError if an option is wrong. A log that cannot be opened, or that another program writes to, fails the start of
 * the child by a LogFileError.
 * @example
 * ```ts
 * command('mail', './mail.sh', [], { stdout: logFile({ directory: '/var/log/mail', timestamps: 'iso' }) })
 * ```
 */
export function logFile(options: LogFileOptions): LogFile {
  const settings = checkLogOptions(options);
  return new SharedLog(layoutOf(options), settings);
}

/**
 * Has every log of this program that is written at the moment opened anew; see {@link LogFile.reopen}.
 * @throws AggregateError of what could not be opened, once all others are
 * @example
 * ```ts
 * process.on('SIGUSR2', () => void reopenLogs().catch(report)); // SIGUSR1 starts Node's inspector
 * ```
 */
export async function reopenLogs(): Promise<void> {
  const outcomes = await Promise.allSettled([...openLogs()].map((log) => log.reopen()));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} logs could not be opened anew.`);
}

const OPEN_LOGS = Symbol.for('treewarden/logs/v1');

/** The logs that are open in this process, those of the package's other module format included. */
function openLogs(): Set<LogFile> {
  const shared = globalThis as { [OPEN_LOGS]?: Set<LogFile> };
  shared[OPEN_LOGS] ??= new Set();
  return shared[OPEN_LOGS];
}

class SharedLog implements LogFile {
  readonly path: string;
  readonly #layout: LogLayout;
  readonly #settings: LogSettings;
  #log: Promise<OpenLog> | undefined;
  #closing: Promise<void> = Promise.resolve();
  #writers = 0;
  #linger: Timer | undefined;

  constructor(layout: LogLayout, settings: LogSettings) {
    this.path = layout.current;
    this.#layout = layout;
    this.#settings = settings;
  }

  async open(origin: OutputOrigin): Promise<OutputWriter> {
    this.#linger?.cancel();
    this.#writers += 1;
    try {
      this.#log ??= this.#openFor(origin);
      const log = await this.#log;
      await stayInPlace(log);
      return new LogWriter(log, this.#settings, origin, () => this.#leave(log, origin));
    } catch (error) {
      this.#writers -= 1;
      this.#log = undefined;
      throw error;
    }
  }

  async reopen(): Promise<void> {
    await (await this.#log)?.reopen();
  }

  async rotate(): Promise<void> {
    await (await this.#log)?.rotate();
  }

  async #openFor({ clock }: OutputOrigin): Promise<OpenLog> {
    await this.#closing;
    const log = await OpenLog.open(this.#layout, this.#settings, clock);
    openLogs().add(this);
    return log;
  }

  #leave(log: OpenLog, origin: OutputOrigin): void {
    this.#writers -= 1;
    if (this.#writers === 0) this.#closeLater(log, origin);
  }

  #closeLater(log: OpenLog, origin: OutputOrigin): void {
    const close = (): void => {
      // A full disk or a processor may keep it busy for long, and the next program is not to wait for that.
      if (log.isBusy) return this.#closeLater(log, origin);
      openLogs().delete(this);
      this.#log = undefined;
      this.#closing = log
        .close()
        .catch((error: unknown) => origin.note('its log was not closed as it should be', error));
    };
    this.#linger = origin.clock.after(LINGER_MS, close, false);
  }
}

/** One that is still open from before may have been renamed when nobody wrote to it. */
async function stayInPlace(log: OpenLog): Promise<void> {
  try {
    await log.stayInPlace();
  } catch {
    // It is tried again with the first line, and told then.
  }
}

/** What one stream of one program writes to a log. */
class LogWriter implements OutputWriter {
  readonly #log: OpenLog;
  readonly #settings: LogSettings;
  readonly #leave: () => void;
  readonly #lines = new WholeLines();

  constructor(log: OpenLog, settings: LogSettings, { note }: OutputOrigin, leave: () => void) {
    this.#log = log;
    this.#settings = settings;
    const untell = log.tell(note);
    this.#leave = () => {
      untell();
      leave();
    };
  }

  write(chunk: Buffer): void | Promise<void> {
    return this.#append(this.#lines.add(chunk));
  }

  reopen(): Promise<void> {
    return this.#log.reopen();
  }

  async end(): Promise<void> {
    try {
      void this.#append(this.#lines.end());
      await this.#log.flushed();
    } finally {
      this.#leave();
    }
  }

  #append(block: Buffer | undefined): void | Promise<void> {
    const lines = block === undefined ? undefined : formatLines(block, this.#settings);
    if (lines !== undefined) return this.#log.append(lines);
  }
}
