import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogFileError } from '../../../core/index.js';
import type { OutputSink, OutputWriter } from '../process-options.js';

/**
 * The pipe between a program and its logger, held open here as svscan does: what one side has written waits for the other while that is being
 * restarted, and no line is lost. The program writes to it, and the logger reads from it, without a detour.
 */
export interface LogPipe {
  /** For the program: `stdout: pipe.sink`, and `stderr` if that is to be logged too. */
  readonly sink: OutputSink;
  /** For the logger: `stdin: pipe.source`. */
  readonly source: { readonly file: string };
  /** No more will be written: once the programs have ended too, the logger reads what is left and comes to an end of file. Safe to call twice. */
  end(): void;
  /** Closes both ends here; no logger can be started after that. What nobody has read by then is lost, unless a logger still runs. Safe to call twice. */
  close(): void;
}

/**
 * Makes a pipe without a name. Needs Linux, where a descriptor can be opened once more by its path, and `mkfifo(1)`.
 * @throws LogFileError if it could not be made
 */
export async function logPipe(): Promise<LogPipe> {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-pipe-'));
  try {
    const path = join(folder, 'pipe');
    await makeFifo(path);
    return openEnds(path);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new LogFileError(folder, 'pipe', code, `${message}.`, { cause });
  } finally {
    // The ends that are open keep the pipe; the name was only needed to open them.
    rmSync(folder, { recursive: true, force: true });
  }
}

function makeFifo(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const making = spawn('mkfifo', ['-m', '600', path], { stdio: 'ignore' });
    making.once('error', reject);
    making.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`mkfifo ended with status ${code}`)),
    );
  });
}

/** Two ends, of which neither is the other's: a logger that also held a writing end would never come to an end of file. */
function openEnds(path: string): LogPipe {
  // Neither end alone can be opened without waiting for the other.
  const both = openSync(path, constants.O_RDWR);
  try {
    return new HeldPipe(openSync(path, constants.O_RDONLY), openSync(path, constants.O_WRONLY));
  } finally {
    closeSync(both);
  }
}

class HeldPipe implements LogPipe {
  readonly sink: OutputSink;
  readonly source: { readonly file: string };
  #reading: number | undefined;
  #writing: number | undefined;

  constructor(reading: number, writing: number) {
    this.#reading = reading;
    this.#writing = writing;
    this.source = sourceOf(`/proc/${process.pid}/fd/${reading}`, () => this.#writing !== undefined);
    this.sink = { open: () => new PipeWriter(writing) };
  }

  end(): void {
    if (this.#writing !== undefined) closeSync(this.#writing);
    this.#writing = undefined;
  }

  close(): void {
    this.end();
    if (this.#reading !== undefined) closeSync(this.#reading);
    this.#reading = undefined;
  }
}

/** A path is opened as soon as it is asked for, and to open a pipe without writers would block this process: one is lent for that moment. */
function sourceOf(path: string, hasWriter: () => boolean): LogPipe['source'] {
  return {
    get file() {
      if (!hasWriter()) {
        const lent = openSync(path, constants.O_RDWR);
        queueMicrotask(() => closeSync(lent));
      }
      return path;
    },
  };
}

/** The program writes for itself; only a program whose lines are awaited has to be read here, and passed on. */
class PipeWriter implements OutputWriter {
  readonly fd: number;
  #socket: Socket | undefined;

  constructor(fd: number) {
    this.fd = fd;
  }

  write(chunk: Buffer): Promise<void> {
    // Opened anew, as to wait without blocking is a property of what was opened, which the program would share.
    this.#socket ??= new Socket({
      fd: openSync(`/proc/${process.pid}/fd/${this.fd}`, constants.O_WRONLY | constants.O_NONBLOCK),
      readable: false,
    }).on('error', () => undefined);
    return new Promise((resolve, reject) => {
      this.#socket?.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  end(): Promise<void> | undefined {
    const socket = this.#socket;
    return socket && new Promise((resolve) => socket.once('close', () => resolve()).end());
  }
}
