import type { ChildPath, Snapshot, StopObstacle, StopReport, SupervisionEvent } from '../core/index.js';
import type { OutputLine, Usage } from '../runtime/index.js';

/**
 * A running tree, steered from another process: what {@link connect} gives, and what the program `treewarden` is made of. Each call resolves once the
 * thing is done, not when it was asked for. Paths are those of {@link Snapshot}, with or without the root's id in front; a path that is left out is the root.
 *
 * Every call may fail with a {@link ControlError}, whose `failure` says why: `'unknown-child'` for a path that leads nowhere, `'tree-stopped'` when the
 * tree ends first, `'connection-lost'` when its program dies. An `abortSignal` that fires ends the wait with its reason; what has begun goes on.
 */
export interface ControlClient extends AsyncDisposable {
  /** What the server says of itself. */
  readonly server: ServerFacts;
  /** The tree, or the branch below a path, at this moment. */
  status(path?: ChildPath, options?: StatusOptions): Promise<TreeStatus>;
  /**
   * Starts what is down, a pending restart at once, and resolves once it is ready; what runs is left alone.
   *
   * @throws ControlError `'start-failed'` if it does not start
   */
  up(path: ChildPath, options?: UpOptions): Promise<TreeStatus>;
  /**
   * Stops it, and resolves once it is gone with all that belonged to it. It stays down.
   *
   * @throws ControlError `'survivor'` if it outlives its kill
   */
  down(path: ChildPath, options?: WaitOptions): Promise<DownReport>;
  /** Stops it if it runs, and starts it; resolves once it is ready. @throws ControlError `'survivor'` or `'start-failed'` */
  restart(path: ChildPath, options?: WaitOptions): Promise<TreeStatus>;
  /** Has it read its settings anew. @throws ControlError `'not-supported'` where it has no reload signal */
  reload(path: ChildPath): Promise<void>;
  /** Suspends all its processes. @throws ControlError `'not-supported'` where it has none */
  pause(path: ChildPath): Promise<void>;
  /** Lets them go on. @throws ControlError `'not-supported'` where it has none */
  continue(path: ChildPath): Promise<void>;
  /** Sends it an operating-system signal. @throws ControlError `'not-supported'` where it has no process */
  signal(path: ChildPath, signal: NodeJS.Signals): Promise<void>;
  /**
   * Resolves once it is ready, or down: at once if it is already. What is down and has a restart ahead of it is not down.
   *
   * @throws ControlError `'timed-out'`, or `'wrong-state'` if readiness is waited for of what stays down
   */
  wait(path: ChildPath, until: 'ready' | 'down', options?: TimedWaitOptions): Promise<TreeStatus>;
  /** Why it has not ended: what stands in the way at this moment. */
  explain(path: ChildPath): Promise<readonly StopObstacle[]>;
  /**
   * The last lines that it and all below it have written and, with `follow`, all further ones, through restarts, until the loop is left or the tree has
   * ended. A reader that falls behind loses the oldest lines, and is told how many by {@link LoggedLine.missed}.
   *
   * @throws ControlError `'not-supported'` where its output is not captured
   */
  logs(path?: ChildPath, options?: LogOptions): AsyncIterable<LoggedLine>;
  /** What happens from now on, here and below, until the loop is left or the tree has ended. */
  events(path?: ChildPath, options?: WaitOptions): AsyncIterable<ToldEvent>;
  /** Has log files that are rotated from outside opened anew: of one child, of a branch, of all. Resolves to how many children have some, once the old files are written no more. */
  reopenLogs(path?: ChildPath): Promise<number>;
  /** Stops the whole tree, and resolves to how that went when it has ended. */
  stop(options?: StopTreeOptions): Promise<StopReport>;
  /** Ends the connection; whoever still waits is told `'cancelled'`. Safe to call twice. */
  close(): Promise<void>;
}

/** How long an answer is waited for. */
export interface WaitOptions {
  /** Ends the wait with its reason; what has begun goes on. */
  readonly abortSignal?: AbortSignal | undefined;
}

export interface StatusOptions extends WaitOptions {
  /** Also what its processes use, which takes a look at each of them. @defaultValue `false` */
  readonly usage?: boolean | undefined;
}

export interface UpOptions extends WaitOptions {
  /** Its end will be no reason for a restart. @defaultValue `false` */
  readonly once?: boolean | undefined;
}

export interface TimedWaitOptions extends WaitOptions {
  /** In ms, from 0, which is a look at how it is now. @defaultValue no limit */
  readonly timeoutMs?: number | undefined;
}

export interface LogOptions extends WaitOptions {
  /** How many of the last lines of each child, 0 to 10 000. @defaultValue `10` */
  readonly lines?: number | undefined;
  /** Whether to go on with what is written from now on. @defaultValue `false` */
  readonly follow?: boolean | undefined;
}

export interface StopTreeOptions extends WaitOptions {
  /** The budget for the whole stop, in ms from 1. @defaultValue the tree's own */
  readonly graceMs?: number | undefined;
}

/** Whom one is connected to. */
export interface ServerFacts {
  /** The version of the protocol. */
  readonly protocol: number;
  /** That of treewarden. */
  readonly version: string;
  readonly pid: number;
  /** The id of the root. */
  readonly tree: string;
  /** The moment of this answer as the tree counts, in ms: `atMs - nowMs + epochMs` is when something happened by the wall clock. */
  readonly nowMs: number;
  /** The same moment in ms since 1970. */
  readonly epochMs: number;
}

/** A snapshot with what its processes use, where that was asked for and can be said. */
export interface TreeStatus extends Omit<Snapshot, 'children'> {
  readonly usage?: Usage | undefined;
  readonly children?: readonly TreeStatus[] | undefined;
}

/** How a child went down. */
export interface DownReport {
  readonly child: ChildPath;
  readonly tookMs: number;
  /** Why it, or something below it, had to be killed, where it had to be. */
  readonly obstacles: readonly StopObstacle[];
}

/** What a reader that fell behind has missed just before this. */
export interface Missed {
  /** How many were dropped for want of room; absent where none were. */
  readonly missed?: number | undefined;
}

/** A line, and whose. */
export interface LoggedLine extends OutputLine, Missed {
  readonly child: ChildPath;
  readonly incarnation: number;
}

/** An event as it comes over the wire: the same, less what cannot be written as JSON. */
export type ToldEvent = SupervisionEvent & Missed;
