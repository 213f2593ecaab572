import { closeSync } from 'node:fs';
import { type LogPipe, logPipe } from '../process/output/log-pipe.js';
import type { Listed } from './listing.js';
import { ServiceFiles } from './service-files.js';
import { lockService } from './supervise-lock.js';

/** How a program ended, as the kernel tells it. */
export interface RawEnd {
  readonly pid: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A directory with a `run`: a service, or the logger of one. */
export class Program {
  readonly id: string;
  /** As its own scripts know it. */
  readonly name: string;
  readonly dir: string;
  readonly files: ServiceFiles;
  /** How its last process ended; nothing while it runs, and before the first. */
  lastEnd: RawEnd | undefined;
  /** Its `finish` has said that it is not to be started again. */
  staysDown = false;
  #lockFd: number | undefined;

  constructor(id: string, name: string, dir: string) {
    this.id = id;
    this.name = name;
    this.dir = dir;
    this.files = new ServiceFiles(dir);
  }

  /** Held as long as this is kept, whether or not it runs. */
  get lockFd(): number | undefined {
    return this.#lockFd;
  }

  /** @returns who keeps it already; nothing if it is ours now. `note` hears that there can be no lock. */
  async lock(note: (note: string) => void): Promise<string | undefined> {
    const locking = await lockService(this.dir);
    if (locking.is === 'held') return locking.by;
    if (locking.is === 'ours') this.#lockFd = locking.fd;
    else note(`${this.dir} is kept without a lock, so that nothing hinders a second copy: ${locking.why}`);
    return undefined;
  }

  unlock(): void {
    if (this.#lockFd !== undefined) closeSync(this.#lockFd);
    this.#lockFd = undefined;
  }
}

/** A service that is kept, with its logger if it has one, and what the two have in common. */
export class Service {
  readonly identity: string;
  readonly program: Program;
  readonly logger: Program | undefined;
  /** Its directory is gone: it is stopped, and forgotten. */
  isRemoved = false;
  leaving: Promise<void> | undefined;
  #pipe: LogPipe | undefined;
  #isRunning = false;
  #waiting: (() => void)[] = [];

  constructor({ name, dir, identity, logDir }: Listed) {
    this.identity = identity;
    this.program = new Program(name, name, dir);
    this.logger = logDir === undefined ? undefined : new Program(`${name}-log`, 'log', logDir);
  }

  get name(): string {
    return this.program.name;
  }

  /** The ids that it takes, the logger's first: what is started first is asked to stop last. */
  get programs(): readonly Program[] {
    return this.logger === undefined ? [this.program] : [this.logger, this.program];
  }

  /** From the service to its logger. */
  get pipe(): LogPipe | undefined {
    return this.#pipe;
  }

  /** Gets what it needs to be kept. @returns who keeps it already; nothing of it is left then */
  async open(note: (note: string) => void): Promise<string | undefined> {
    try {
      for (const program of this.programs) {
        const holder = await program.lock(note);
        if (holder === undefined) continue;
        this.close();
        return holder;
      }
      if (this.logger !== undefined) this.#pipe = await logPipe();
      return undefined;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Lets go of all that it has. Safe to call twice. */
  close(): void {
    for (const program of this.programs) program.unlock();
    this.#pipe?.close();
    this.#pipe = undefined;
  }

  /** Its program is being started. */
  begins(): void {
    this.#isRunning = true;
  }

  /** Its program has ended, and its `finish` too. */
  ends(): void {
    this.#isRunning = false;
    for (const run of this.#waiting.splice(0)) run();
  }

  /** Calls back once its program does not run: at once, where it does not. */
  whenIdle(run: () => void): void {
    if (this.#isRunning) this.#waiting.push(run);
    else run();
  }
}
