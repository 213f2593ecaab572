import { type FileHandle, open, stat } from 'node:fs/promises';
import { LogFileError } from '../../../../core/index.js';
import { machineTime } from '../../../../runtime/index.js';

const NEWLINE = 10;

/** The file of a log that is written at present, with all that was in it already. */
export class CurrentFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #madeAtMs: number;
  readonly #inode: number;
  #size: number;
  #endsLine: boolean;

  private constructor(path: string, handle: FileHandle, facts: Facts) {
    this.#path = path;
    this.#handle = handle;
    this.#madeAtMs = facts.madeAtMs;
    this.#inode = facts.inode;
    this.#size = facts.size;
    this.#endsLine = facts.endsLine;
  }

  /** Opens it for appending; made if it is missing. */
  static async open(path: string, mode: number): Promise<CurrentFile> {
    const handle = await open(path, 'a+', mode);
    try {
      return new CurrentFile(path, handle, await factsOf(path, handle));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the next byte begins a line; not so after a write that was cut short. */
  get endsLine(): boolean {
    return this.#endsLine;
  }

  /** How long ago it was made, in ms, by the wall clock. */
  get ageMs(): number {
    return machineTime.epochMs() - this.#madeAtMs;
  }

  /** Appends as much as there is room for; returns how many bytes that was. */
  async append(parts: readonly Buffer[]): Promise<number> {
    const { bytesWritten } = await this.#handle.writev(parts);
    this.#size += bytesWritten;
    const last = byteAt(parts, bytesWritten - 1);
    if (last !== undefined) this.#endsLine = last === NEWLINE;
    return bytesWritten;
  }

  /** Whether it is still what its path leads to: somebody else may have renamed it. */
  async isInPlace(): Promise<boolean> {
    const there = await stat(this.#path).catch(() => undefined);
    return there?.ino === this.#inode;
  }

  /** Has the disk write it. */
  async sync(): Promise<void> {
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

interface Facts {
  readonly madeAtMs: number;
  readonly inode: number;
  readonly size: number;
  readonly endsLine: boolean;
}

async function factsOf(path: string, handle: FileHandle): Promise<Facts> {
  const { size, ino, birthtimeMs, mtimeMs, isFile } = await handle.stat().then((stats) => ({
    ...stats,
    isFile: stats.isFile(),
  }));
  if (!isFile) throw new LogFileError(path, 'open', undefined, 'it is no regular file. Choose another path.');
  const { buffer } = size === 0 ? { buffer: [NEWLINE] } : await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  // Some file systems do not know when a file was made.
  return { madeAtMs: birthtimeMs || mtimeMs, inode: ino, size, endsLine: buffer[0] === NEWLINE };
}

function byteAt(parts: readonly Buffer[], index: number): number | undefined {
  let before = 0;
  for (const part of parts) {
    if (index < before + part.length) return part[index - before];
    before += part.length;
  }
  return undefined;
}
