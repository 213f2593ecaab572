import type {
  ChildDefaults,
  ChildPath,
  ChildSettings,
  ErrorFacts,
  Exit,
  Snapshot,
  StopObstacle,
} from '../core/index.js';
import type { Clock } from './clock.js';
import type { Logger } from './logger.js';
import type { ResourceProvider } from './resources.js';
import type { Scope } from './scope.js';

/** What a driver may leave out of its incarnation's description. */
export interface IncarnationFacts {
  readonly pid?: number | undefined;
  readonly threadId?: number | undefined;
  /** What runs: the command line, the module, or the function's name. */
  readonly command?: string | undefined;
  /** Jobs taken and not settled. */
  readonly inFlight?: number | undefined;
}

/**
 * Knows how to start, drain, stop and kill one kind of child. It decides nothing: it carries out, and tells what happened.
 *
 * A driver is stateless and shared by all incarnations of its spec; everything that belongs to one life is in the
 * {@link Incarnation} that `start` returns.
 */
export interface ChildDriver {
  /**
   * Begins an incarnation. Never throws for what is the child's fault: such a start ends by `host.exited`, which may be called
   * before `start` returns, as may `host.ready`.
   */
  start(host: IncarnationHost): Incarnation;
  /**
   * How long the supervisor waits for the end after `kill`, in ms, before it calls the child a survivor.
   * @defaultValue 5000
   */
  readonly killWaitMs?: number;
  /** What its kind's settings default to, where they differ from a worker's. */
  readonly defaults?: ResolvedSettings;
}

/** What an incarnation may tell its supervisor. News after `exited` is dropped. */
export interface IncarnationHost {
  readonly id: string;
  readonly path: ChildPath;
  /** Counted from 1. */
  readonly incarnation: number;
  readonly settings: ResolvedSettings;
  readonly clock: Clock;
  readonly log: Logger;
  /** Services that the tree's owner registered under tokens of their own, such as resources or a container. */
  readonly services: Services;
  /** Closed once the whole tree has ended: for what a kind keeps for all its children. */
  readonly tree?: Scope | undefined;
  /** Where the tree's children get their resources from, if it was given anything. */
  readonly resources?: ResourceProvider | undefined;
  /** It can serve. */
  ready(): void;
  /** It declines to run: no failure, its spec is kept and it stays down. Only before `ready`. */
  ignored(): void;
  /**
   * It is gone, with everything that belonged to it; the last thing it says. Before `ready` it is a failed start.
   * @param stderr - its last lines on stderr, oldest first
   */
  exited(exit: Exit, stderr?: readonly string[]): void;
  /** A fault was noticed while it is still there: it is asked to stop, then killed, and `exit` is how it counts. */
  fault(exit: Exit): void;
  /** It has finished what it had accepted: the drain step is over. */
  drained(): void;
  /** Asks for more time in the drain step: `ms` from now, within the cap. Returns what is granted, in ms. */
  extend(ms: number): number;
  /** It shows that it is alive. */
  heartbeat(): void;
  /** Something that changes nothing but should be seen. */
  note(note: string, error?: ErrorFacts): void;
  /** Something that an incarnation which has ended left behind has failed. May be said after `exited`. */
  strayError(error: ErrorFacts): void;
}

/** What a child's processes use, together. */
export interface Usage {
  /** How many processes there are; zombies are none. */
  readonly processes: number;
  /** Their resident memory, in bytes; what they share is counted once for each. */
  readonly rssBytes: number;
  /** The time they have run on processors, in ms, since each of them started. */
  readonly cpuMs: number;
}

/** One line that a program wrote, without its end. */
export interface OutputLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  /** Monotonic time of its arrival, in ms. */
  readonly atMs: number;
}

/** The output of one incarnation. */
export interface ChildOutput {
  /** The last lines of both streams in the order of their arrival, as far as they are kept; `count` at most. */
  tail(count: number): readonly OutputLine[];
  /** Hears every further line until the returned function is called. A listener that throws is not called again. */
  follow(listener: (line: OutputLine) => void): () => void;
  /** Which streams are not captured, and in words where they go instead, such as by a pipe to a logger. */
  readonly elsewhere?: Readonly<Partial<Record<OutputLine['stream'], string>>>;
  /**
   * Has the log files that it goes to opened anew, after they were rotated from outside: resolves once the old ones are written no more, and rejects with what
   * could not be opened; undefined where there are none.
   */
  reopen?(): Promise<void> | undefined;
}

/** What the supervisor may ask of an incarnation. Each is asked at most once, in this order, and none may throw. */
export interface Incarnation {
  /** Take no new work, finish what was accepted, then say `drained`. At most `withinMs`. */
  drain(withinMs: number): void;
  /** End. `withinMs` is what is left until the kill, `Infinity` without a limit. */
  stop(withinMs: number): void;
  /** End at once, by force. What cannot be forced is asked for a last time. */
  kill(): void;
  /** Climb the ladder of a stop under way, in all that is below: leave the drain, or be killed. For supervisors. */
  hurry?(level: Haste): void;
  /** Facts for snapshots and reports. */
  facts?(): IncarnationFacts;
  /** What a supervisor adds to its snapshot. */
  branch?(): Pick<Snapshot, 'strategy' | 'children'>;
  /** How many stages, one after another, its stop has; 1 for a worker. */
  stages?(): number;
  /** Sends an operating-system signal; false where the kind has no process. */
  signal?(signal: NodeJS.Signals): boolean;
  /** Asks it to read its settings anew, by its `reloadSignal`; false where it has none or has ended. */
  reload?(): boolean;
  /** Suspends all its processes, or lets them go on; false where the kind has none. */
  pause?(on: boolean): boolean;
  /**
   * What stands in the way of its end at this moment, worst first; empty where nothing is seen. Synchronous and cheap: asked in the middle of a
   * stop, before the kill, and of what outlived it.
   */
  explain?(): readonly StopObstacle[];
  /** What it uses at this moment, all its processes together; undefined where the kind or the platform cannot say. Asked only when somebody looks. */
  usage?(): Usage | undefined;
  /** What it writes, where that is captured. */
  output?(): ChildOutput | undefined;
  /** Calls a function that the child exposes. */
  call?(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown>;
  /** Calls without an answer; false if it could not be sent. */
  cast?(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): boolean;
}

/** How a stop under way is hastened: `'stop'` leaves the drain step, `'kill'` ends all at once. */
export type Haste = 'stop' | 'kill';

/** What may be moved to a thread instead of copied. */
export type Transferable = import('node:worker_threads').TransferListItem;

/** How a call is made. */
export interface CallOptions {
  /** How long to wait for the answer, in ms. @defaultValue `30_000` */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Moved instead of copied; for threads only. */
  readonly transfer?: readonly Transferable[];
}

/** A child's settings with every default filled in. */
export type ResolvedSettings = ChildDefaults & Pick<ChildSettings, 'afterExit'>;

/** Values by token, handed down the tree. */
export interface Services {
  /** The value under a token, if there is one. */
  get<T>(token: symbol): T | undefined;
}

/** A child spec: the policy, and the driver that carries it out. The kinds' functions make them. */
export interface ChildSpec<Id extends string = string> extends ChildSettings {
  readonly id: Id;
  /** `'task'`, `'thread'`, `'fork'`, `'command'`, `'consumer'`, `'supervisor'`, `'dynamic'`, or one of your own. */
  readonly kind: string;
  readonly driver: ChildDriver;
  /** Type-level only: the functions that the child exposes. */
  readonly exposes?: unknown;
}

/** Whether a value can drive a child. */
export function isDriver(value: unknown): value is ChildDriver {
  return typeof value === 'object' && value !== null && typeof (value as ChildDriver).start === 'function';
}
