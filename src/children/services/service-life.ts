import { join } from 'node:path';
import type { IncarnationFacts, IncarnationHost } from '../../runtime/index.js';
import { ProcessIncarnation, type ProcessLaunch } from '../process/process.js';
import type { Spawned } from '../process/spawned.js';
import type { Program, Service } from './service.js';
import type { ServiceDirectoryOptions } from './service-directory.js';

type Each = NonNullable<ServiceDirectoryOptions['each']>;

/** One life of a program that a directory describes; its files are read for each anew. */
class ProgramLife extends ProcessIncarnation {
  readonly #program: Program;

  constructor(host: IncarnationHost, program: Program, launch: ProcessLaunch) {
    super(host, launch);
    this.#program = program;
  }

  /** Its directory tells it from the others, which are all called by the same name. */
  override facts(): IncarnationFacts {
    const facts = super.facts();
    return facts.command === './run' ? { ...facts, command: join(this.#program.dir, 'run') } : facts;
  }

  protected override onSpawned(child: Spawned): void {
    const { pid } = child;
    if (pid === undefined) return;
    this.#program.lastEnd = undefined;
    child.once('exit', (code, signal) => {
      this.#program.lastEnd = { pid, code, signal };
    });
    const { notificationFd } = this.#program.files;
    const announcement = notificationFd === undefined ? undefined : child.stdio[notificationFd];
    announcement?.on('data', (chunk: Buffer) => {
      if (chunk.includes('\n')) this.host.ready();
    });
  }
}

/** One life of a service. */
export class ServiceLife extends ProgramLife {
  readonly #service: Service;

  constructor(host: IncarnationHost, service: Service, each: Each) {
    super(host, service.program, {
      ...each,
      ...launchOf(host, service.program),
      ...(service.pipe === undefined ? {} : { stdout: service.pipe.sink }),
    });
    this.#service = service;
  }

  override begin(): this {
    this.#service.begins();
    return super.begin();
  }
}

/** One life of a logger. It ends last: when its service leaves, it reads what that has written to the end. */
export class LoggerLife extends ProgramLife {
  readonly #service: Service;
  readonly #isLeaving: () => boolean;

  constructor(
    host: IncarnationHost,
    service: Service,
    logger: Program,
    { each, isLeaving }: { readonly each: Each; readonly isLeaving: () => boolean },
  ) {
    const { stdout, stderr } = each;
    super(host, logger, {
      ...(stdout === undefined ? {} : { stdout }),
      ...(stderr === undefined ? {} : { stderr }),
      ...launchOf(host, logger),
      ...(service.pipe === undefined ? {} : { stdin: service.pipe.source }),
    });
    this.#service = service;
    this.#isLeaving = isLeaving;
  }

  /** Asked to stop alone, what is in the pipe waits for the next one. */
  override drain(withinMs: number): void {
    if (!this.#isLeaving() || this.ended || this.child === undefined) return super.drain(withinMs);
    this.markAsked();
    this.#service.whenIdle(() => this.#service.pipe?.end());
  }
}

function launchOf(host: IncarnationHost, { dir, files, lockFd }: Program): ProcessLaunch {
  const { envDir, downSignal } = files;
  const announced = host.settings.ready === 'explicit' ? files.notificationFd : undefined;
  const lockAt = files.lockFd === announced ? undefined : files.lockFd;
  return {
    file: './run',
    args: [],
    cwd: dir,
    ...(envDir === undefined ? {} : { envDir }),
    ...(downSignal === undefined ? {} : { stopSignal: downSignal }),
    descriptors: {
      ...(announced === undefined ? {} : { [announced]: 'pipe' as const }),
      ...(lockFd === undefined ? {} : { [lockAt ?? (announced ?? 2) + 1]: lockFd }),
    },
  };
}
