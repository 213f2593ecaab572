import { rename, unlink } from 'node:fs/promises';
import { machineTime } from '../../../../runtime/index.js';
import { logError } from './log-failure.js';
import { type LogLayout, type RotatedFile, rotatedFiles } from './log-layout.js';
import type { LogSettings } from './log-options.js';

/** The files of a log that are written no more: gives them their names, removes the oldest, and has them processed. */
export class Rotation {
  readonly #layout: LogLayout;
  readonly #settings: LogSettings;
  readonly #onFailure: (error: unknown) => void;
  #newestNs = 0n;
  /** One step after another; it never fails. */
  #keeping: Promise<void> = Promise.resolve();
  #steps = 0;

  constructor(layout: LogLayout, settings: LogSettings, onFailure: (error: unknown) => void) {
    this.#layout = layout;
    this.#settings = settings;
    this.#onFailure = onFailure;
  }

  /** Goes on where a program that was killed has left off. */
  async recover(): Promise<void> {
    const files = await rotatedFiles(this.#layout);
    this.#newestNs = files.at(-1)?.epochNs ?? 0n;
    for (const { path } of files.filter(({ stage }) => stage === 't')) await unlink(path);
    this.#keep();
  }

  /** Puts the current file aside: a rename, so that every line is in one file or the other at every moment. */
  async putAside(): Promise<void> {
    const nowNs = BigInt(machineTime.epochMs()) * 1_000_000n;
    // Names must be new, also when the wall clock was set back.
    this.#newestNs = nowNs > this.#newestNs ? nowNs : this.#newestNs + 1n;
    const stage = this.#settings.processor === undefined ? 's' : 'u';
    await rename(this.#layout.current, this.#layout.rotated(this.#newestNs, stage));
    this.#keep();
  }

  /** Whether anything that was put aside is not done with. */
  get isBusy(): boolean {
    return this.#steps > 0;
  }

  /** Resolves once all that was put aside is done with. */
  settled(): Promise<void> {
    return this.#keeping;
  }

  #keep(): void {
    this.#steps += 1;
    this.#keeping = this.#keeping
      .then(() => this.#prune())
      .then(() => this.#process())
      .catch((error: unknown) => this.#onFailure(error))
      .finally(() => {
        this.#steps -= 1;
      });
  }

  async #prune(): Promise<void> {
    const files = await rotatedFiles(this.#layout);
    const kept = files.filter(({ stage }) => stage !== 't');
    // The current one counts too.
    for (const { path } of kept.slice(0, Math.max(0, kept.length - this.#settings.files + 1))) {
      await unlink(path);
    }
  }

  async #process(): Promise<void> {
    const { processor, mode } = this.#settings;
    if (processor === undefined) return;
    const files = await rotatedFiles(this.#layout);
    for (const file of files.filter(({ stage }) => stage === 'u')) {
      if (await this.#isDone(file, files)) continue;
      const { processFile } = await import('./processor.js');
      await processFile(file.path, this.#layout.rotated(file.epochNs, 't'), processor, mode);
      await rename(this.#layout.rotated(file.epochNs, 't'), this.#layout.rotated(file.epochNs, 's'));
      await unlink(file.path);
    }
  }

  /** Whether its result is there already: a program was killed before it could remove what that was made from. */
  async #isDone({ path, epochNs }: RotatedFile, files: readonly RotatedFile[]): Promise<boolean> {
    if (!files.some((other) => other.stage === 's' && other.epochNs === epochNs)) return false;
    await unlink(path).catch((error: unknown) => {
      throw logError(path, 'process', error);
    });
    return true;
  }
}
