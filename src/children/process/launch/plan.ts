import type { IOType } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { SpawnError } from '../../../core/index.js';
import { HAS_GROUPS } from '../owned/process-group.js';
import type { ProcessLaunch } from '../process-launch.js';
import type { SpawnPlan } from '../spawned.js';
import { ControlGroup } from './cgroup.js';
import { type Chain, chainOf, needsChain, plainIds } from './chain.js';
import { readEnvDir } from './env-dir.js';

/** What a program is started with beside its own options. */
export interface Seat {
  /** The child's path, for errors. */
  readonly child: string;
  /** Its stdout and stderr. */
  readonly output: readonly [IOType | number, IOType | number];
  /** What it inherits further, from descriptor 3 on, or 4 if it has a channel: descriptors of ours by number, and pipes. */
  readonly inherited: readonly (IOType | number)[];
  /** Laid over its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How the operating system is to be asked for a program, and what is to be done about it then. */
export interface LaunchPlan extends SpawnPlan {
  /** The descriptor on which a launcher says how far it has come; undefined where the program is started without one. */
  readonly statusFd: number | undefined;
  /** Whether what is spawned waits for the program, which has a pid namespace and so a process of its own. */
  readonly isNamespaced: boolean;
  readonly cgroup: ControlGroup | undefined;
  /** Gives back what was opened for the start alone. To be called once the process is spawned, or could not be. */
  settle(): void;
}

/**
 * Plans the start of a program: as it is, or by a chain of wrappers where an option needs more than Node's `spawn` can do.
 *
 * @throws SpawnError for a user, group, directory or file that is not there, CapabilityError for what this machine cannot do
 */
export function planSpawn(launch: ProcessLaunch, seat: Seat): LaunchPlan {
  const { file, args, cwd, channel, isolate = {} } = launch;
  const env = attempt(launch, seat, 'envDir', () => environment(launch, seat));
  const stdin = attempt(launch, seat, 'stdin', () => openStdin(launch));
  const stdio = [
    stdin,
    ...seat.output,
    ...(channel === undefined ? [] : (['ipc'] as const)),
    ...seat.inherited,
  ];
  const chained = needsChain(launch);
  let cgroup: ControlGroup | undefined;
  const settle = (): void => {
    if (typeof stdin === 'number') closeSync(stdin);
  };
  try {
    if (isolate.cgroup) cgroup = new ControlGroup(`The isolate of "${seat.child}"`);
    const chain = attempt(launch, seat, 'uid, gid or groups', (): Chain => {
      const around = { child: seat.child, env, statusFd: stdio.length, cgroup: cgroup?.path };
      return chained ? chainOf(launch, around) : { command: [file, ...args], ...plainIds(launch) };
    });
    const [first = file, ...rest] = chain.command;
    return {
      file: first,
      args: rest,
      options: {
        ...(cwd === undefined ? {} : { cwd }),
        env,
        stdio: chained ? [...stdio, 'pipe'] : stdio,
        ...(chain.uid === undefined ? {} : { uid: chain.uid }),
        ...(chain.gid === undefined ? {} : { gid: chain.gid }),
        ...(channel === undefined ? {} : { serialization: channel }),
        // A session and group of its own: a Ctrl-C in the terminal does not reach it past us, and the whole group can be signalled.
        detached: HAS_GROUPS,
        windowsHide: true,
      },
      statusFd: chained ? stdio.length : undefined,
      isNamespaced: isolate.pid === true,
      cgroup,
      settle,
    };
  } catch (error) {
    cgroup?.remove();
    settle();
    throw error;
  }
}

function environment(
  { env, envDir }: ProcessLaunch,
  seat: Seat,
): Readonly<Record<string, string | undefined>> {
  const fromFiles = envDir === undefined ? {} : readEnvDir(envDir);
  return { ...process.env, ...fromFiles, ...env, ...seat.env };
}

function openStdin({ stdin = 'ignore' }: ProcessLaunch): IOType | number {
  if (stdin === 'ignore' || stdin === 'inherit') return stdin;
  return typeof stdin === 'object' && 'file' in stdin ? openSync(stdin.file, AT_ONCE) : 'pipe';
}

/**
 * For reading, without waiting: a pipe by name that nobody writes to yet would hold this process up, and a terminal would become its own. Node has the
 * program's own reads wait all the same.
 */
const AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** What a file or a name says of itself is told of the child whose start fails by it. */
function attempt<T>(launch: ProcessLaunch, seat: Seat, option: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'CapabilityError') throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = message.endsWith('.') ? message : `${message}.`;
    throw new SpawnError(seat.child, launch.file, code, `of its ${option}: ${why}`, { cause: error });
  }
}
