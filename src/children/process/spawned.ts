import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { IncarnationHost } from '../../runtime/index.js';

/** A process to be started, as the operating system is to be asked for it: every wish of its options is in the command line or here. */
export interface SpawnPlan {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: SpawnOptions;
}

/**
 * A process that was started, or could not be: as much of Node's `ChildProcess` as an incarnation needs. Whoever starts it elsewhere, on request, makes one
 * with the same events: `error` (and no `exit`, if it could not be started), `exit`, `close`.
 */
export type Spawned = Pick<
  ChildProcess,
  'pid' | 'stdin' | 'stdout' | 'stderr' | 'stdio' | 'connected' | 'channel' | 'kill' | 'unref' | 'disconnect'
> &
  Pick<NodeJS.EventEmitter, 'on' | 'once' | 'off' | 'removeAllListeners'> & {
    readonly send?: ChildProcess['send'];
    /** It is started elsewhere: until `spawn` is emitted, or `error` instead, it has neither a pid nor streams, and nothing has happened to it. */
    readonly startsLater?: boolean;
    /** When it began, in clock ticks since boot, where another process than this one keeps its number from being given away. */
    readonly startTicks?: number | undefined;
  };

/** For whom a process is started. */
export type SpawnedFor = Pick<IncarnationHost, 'path' | 'note'>;

/** Starts processes. */
export interface Spawner {
  /** Throws what the operating system refuses at once, and reports the rest by the `error` event, as Node's `spawn` does. */
  spawn(plan: SpawnPlan, child: SpawnedFor): Spawned;
}

/** The service by which the spawner of a tree is found; without one, this process starts its children itself. */
export const SPAWNER: unique symbol = Symbol.for('treewarden/spawner');

export const ownSpawner: Spawner = {
  spawn: ({ file, args, options }) => spawn(file, args, options),
};
