import type { IOType } from 'node:child_process';
import { HAS_GROUPS } from '../owned/process-group.js';
import type { ProcessLaunch } from '../process.js';
import type { SpawnPlan } from '../spawned.js';

/** What a program is started with beside its own options. */
export interface Seat {
  /** Its stdout and stderr. */
  readonly output: readonly [IOType | number, IOType | number];
  /** What it inherits further, from descriptor 3 on, or 4 if it has a channel: descriptors of ours by number, and pipes. */
  readonly inherited: readonly (IOType | number)[];
  /** Laid over its environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** How the operating system is to be asked for a program. */
export function planSpawn(launch: ProcessLaunch, seat: Seat): SpawnPlan {
  const { file, args, cwd, env, stdin = 'ignore', channel } = launch;
  return {
    file,
    args,
    options: {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env, ...seat.env },
      stdio: [
        stdin === 'ignore' || stdin === 'inherit' ? stdin : 'pipe',
        ...seat.output,
        ...(channel === undefined ? [] : (['ipc'] as const)),
        ...seat.inherited,
      ],
      ...(channel === undefined ? {} : { serialization: channel }),
      // A session and group of its own: a Ctrl-C in the terminal does not reach it past us, and the whole group can be signalled.
      detached: HAS_GROUPS,
      windowsHide: true,
    },
  };
}
