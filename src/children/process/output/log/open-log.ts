import { closeSync } from 'node:fs';
import type { LogFileError } from '../../../../core/index.js';
import type { Clock, Timer } from '../../../../runtime/index.js';
import type { OutputOrigin } from '../../process-options.js';
import { CurrentFile } from './current-file.js';
import { makeDirectory } from './directory.js';
import { countLines, stampOf } from './line-format.js';
import { LineQueue } from './line-queue.js';
import { isFull, logError } from './log-failure.js';
import type { LogLayout } from './log-layout.js';
import { lockLog } from './log-lock.js';
import type { LogSettings } from './log-options.js';
import { ProgressMarks } from './progress-marks.js';
import { Rotation } from './rotation.js';

/** How long after a failure the next attempt is made, in ms. */
const RETRY_MS = 1000;
/** How much may wait to be written, in bytes: with `'block'` before a program is held up, with `'drop'` before lines are dropped. */
const QUEUE_BYTES = { block: 262_144, drop: 1_048_576 } as const;

/** What is told of a log that fails, by those who write to it. */
type Note = OutputOrigin['note'];

/**
 * A log that is open: lines go through a queue to its current file, which is rotated between them. One step is done at a time: the lines that wait,
 * or what somebody wishes to be done between two writes.
 */
export class OpenLog {
  readonly #layout: LogLayout;
  readonly #settings: LogSettings;
  readonly #clock: Clock;
  readonly #lock: number;
  readonly #rotation: Rotation;
  readonly #notes = new Set<Note>();
  readonly #queue = new LineQueue();
  readonly #marks = new ProgressMarks();
  readonly #wishes: (() => Promise<void>)[] = [];
  #file: CurrentFile | undefined;
  /** A line that a killed program has begun is ended before the first of ours. */
  #mends = true;
  #working = false;
  #work: Promise<void> = Promise.resolve();
  /** A spell in which nothing can be written. */
  #trouble: { readonly sinceMs: number; retryAtMs: number; readonly error: LogFileError } | undefined;
  /** What was dropped, and is not in the file's own account yet. */
  #dropped = { lines: 0, bytes: 0 };
  #rotateFromMs = 0;
  #wake: (() => void) | undefined;

  private constructor(layout: LogLayout, settings: LogSettings, clock: Clock, lock: number) {
    this.#layout = layout;
    this.#settings = settings;
    this.#clock = clock;
    this.#lock = lock;
    this.#rotation = new Rotation(layout, settings, (error) =>
      this.#note('what was rotated could not be kept as it should be', this.#failure('rotate', error)),
    );
  }

  /**
   * Makes its directory, locks it, and goes on with its current file.
   * @throws LogFileError
   */
  static async open(layout: LogLayout, settings: LogSettings, clock: Clock): Promise<OpenLog> {
    const { directory, current, lock } = layout;
    let log: OpenLog | undefined;
    try {
      await makeDirectory(directory);
      log = new OpenLog(layout, settings, clock, await lockLog(current, lock, settings.mode));
      await log.#openFile();
      await log.#rotation.recover();
      return log;
    } catch (error) {
      if (log !== undefined) await log.#release().catch(() => undefined);
      throw logError(current, 'open', error);
    }
  }

  /** Tells of its failures here too, until the returned function is called. */
  tell(note: Note): () => void {
    this.#notes.add(note);
    return () => this.#notes.delete(note);
  }

  /** Whether anything waits to be done, also with what was rotated. */
  get isBusy(): boolean {
    return this.#working || this.#rotation.isBusy;
  }

  /** Takes whole lines. A promise asks to be given no more until it is settled. */
  append(block: Buffer): void | Promise<void> {
    const { whenFull } = this.#settings;
    this.#marks.take(block.length);
    if (whenFull === 'drop' && this.#mustDrop()) return this.#drop(block);
    this.#queue.add(block);
    this.#start();
    if (whenFull === 'block' && this.#queue.bytes > QUEUE_BYTES.block) {
      return this.#marks.untilOpen(QUEUE_BYTES.block / 2);
    }
  }

  /** Resolves once all that was taken is written, or dropped. */
  flushed(): void | Promise<void> {
    return this.#marks.untilOpen(0);
  }

  /** Opens the path anew: somebody has renamed or removed the file. */
  reopen(): Promise<void> {
    return this.#between(() => this.#letGo());
  }

  /** Opens the path anew if the file was renamed or removed, without having been told. */
  stayInPlace(): Promise<void> {
    return this.#between(async () => {
      if ((await this.#file?.isInPlace()) === false) await this.#letGo();
    });
  }

  /** Rotates now, unless the file is empty. */
  rotate(): Promise<void> {
    return this.#between(async () => {
      const file = await this.#openFile();
      if (file.size > 0) await this.#rotate(file);
    });
  }

  /** Writes what waits, and closes it. */
  async close(): Promise<void> {
    await this.#work;
    await this.#rotation.settled();
    await this.#release();
  }

  #between(wish: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#wishes.push(async () => {
        try {
          await wish();
          await this.#openFile();
          resolve();
        } catch (error) {
          reject(this.#failure('open', error));
        }
      });
      this.#wake?.();
      this.#start();
    });
  }

  #start(): void {
    if (this.#working) return;
    this.#working = true;
    this.#work = this.#workOff();
  }

  async #workOff(): Promise<void> {
    while (this.#queue.bytes > 0 || this.#wishes.length > 0) {
      const wish = this.#wishes.shift();
      try {
        await (wish === undefined ? this.#write() : wish());
      } catch (error) {
        await this.#onFailure(this.#failure('write', error));
      }
    }
    // In the same turn in which nothing was left: what comes next starts anew.
    this.#working = false;
  }

  async #write(): Promise<void> {
    const file = await this.#openFile();
    await this.#mend(file);
    if (this.#dropped.lines > 0) await this.#writeLoss(file, this.#dropped);
    const lines = this.#nextLines(file);
    if (lines.length === 0) return this.#rotate(file);
    const written = await file.append(lines);
    this.#queue.remove(written);
    this.#endTrouble();
    this.#marks.finish(written);
  }

  /** What fits into the file; nothing where it is to be rotated first. */
  #nextLines(file: CurrentFile): readonly Buffer[] {
    const { limitBytes, maxAgeMs } = this.#settings;
    if (this.#clock.now() < this.#rotateFromMs) return this.#queue.head(Number.POSITIVE_INFINITY, true);
    // A line that was begun is ended first, wherever the limit is.
    const mustGoOn = file.size === 0 || !file.endsLine;
    if (!mustGoOn && file.ageMs >= maxAgeMs) return [];
    return this.#queue.head(limitBytes - file.size, mustGoOn);
  }

  async #openFile(): Promise<CurrentFile> {
    this.#file ??= await CurrentFile.open(this.#layout.current, this.#settings.mode);
    return this.#file;
  }

  async #mend(file: CurrentFile): Promise<void> {
    if (this.#mends && !file.endsLine) await file.append([Buffer.from('\n')]);
    this.#mends = false;
  }

  async #writeLoss(file: CurrentFile, { lines, bytes }: { lines: number; bytes: number }): Promise<void> {
    const { timestamps } = this.#settings;
    const stamp = timestamps === 'none' ? '' : `${stampOf(timestamps)} `;
    const why = this.#trouble?.error.errno ?? 'lines came faster than they could be written';
    const text = `${file.endsLine ? '' : '\n'}${stamp}[treewarden: ${lines} lines (${bytes} bytes) were dropped here: ${why}]\n`;
    const notice = Buffer.from(text);
    // What is cut short is told again once there is room for the rest.
    if ((await file.append([notice])) < notice.length) return;
    this.#dropped = { lines: this.#dropped.lines - lines, bytes: this.#dropped.bytes - bytes };
    this.#note(`${lines} lines (${bytes} bytes) were dropped, as its log could not be written`);
  }

  async #rotate(file: CurrentFile): Promise<void> {
    try {
      await file.sync();
      // Where there is no lock, another program may have rotated it by now.
      if (await file.isInPlace()) await this.#rotation.putAside();
      await this.#letGo();
    } catch (error) {
      this.#rotateFromMs = this.#clock.now() + RETRY_MS;
      this.#note('its log could not be rotated, and grows on', this.#failure('rotate', error));
    }
  }

  async #release(): Promise<void> {
    try {
      await this.#letGo();
    } finally {
      closeSync(this.#lock);
    }
  }

  async #letGo(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #onFailure(error: LogFileError): Promise<void> {
    const nowMs = this.#clock.now();
    const blocks = this.#settings.whenFull === 'block';
    if (this.#trouble === undefined) {
      const consequence = blocks ? 'its lines wait, and so may the program' : 'its lines are dropped';
      this.#note(`its log cannot be written: ${consequence}, until it can`, error);
    }
    this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? nowMs, retryAtMs: nowMs + RETRY_MS, error };
    // The same file will have room some day; after any other failure a new one may do.
    if (!isFull(error)) await this.#letGo().catch(() => undefined);
    if (blocks) await this.#pause();
    else this.#drop(this.#queue.empty());
  }

  #endTrouble(): void {
    if (this.#trouble === undefined) return;
    const forMs = Math.round(this.#clock.now() - this.#trouble.sinceMs);
    this.#trouble = undefined;
    this.#note(`its log is written again, after ${forMs} ms`);
  }

  /** Until it is worth another try. Keeps no program running that has nothing else to do. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      const wake = (): void => {
        timer?.cancel();
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      timer = this.#clock.after(RETRY_MS, wake, false);
    });
  }

  #mustDrop(): boolean {
    const isInTrouble = this.#trouble !== undefined && this.#clock.now() < this.#trouble.retryAtMs;
    return isInTrouble || this.#queue.bytes > QUEUE_BYTES.drop;
  }

  #drop(block: Buffer): void {
    const { lines, bytes } = this.#dropped;
    this.#dropped = { lines: lines + countLines(block), bytes: bytes + block.length };
    this.#marks.finish(block.length);
  }

  #note(note: string, error?: LogFileError): void {
    for (const tell of this.#notes) tell(note, error);
  }

  #failure(operation: LogFileError['operation'], error: unknown): LogFileError {
    return logError(this.#layout.current, operation, error);
  }
}
