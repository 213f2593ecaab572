import type { Backoff } from './backoff.js';
import type { ExitRecord } from './exit.js';

/** *permanent*: always restarted; *transient*: only after an abnormal exit; *temporary*: never. */
export type RestartType = 'permanent' | 'transient' | 'temporary';

/** Who shares a failed child's fate. */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one';

/** Whether a supervisor ends by itself once significant children have finished. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant';

/**
 * How long a child that was asked to stop may take before it is killed, in ms; `'brutal_kill'` does not ask,
 * `'infinity'` never kills.
 */
export type Shutdown = number | 'brutal_kill' | 'infinity';

/** When a child counts as ready: see {@link ChildSettings.ready}. */
export type Readiness =
  | 'spawn'
  | 'explicit'
  | { readonly line: RegExp | string }
  | { readonly port: number; readonly host?: string }
  | {
      /** True once the child can serve. One that throws means not yet. */
      readonly probe: () => boolean | Promise<boolean>;
      /** The pause between two probes, in ms. */
      readonly everyMs?: number;
    };

/** In which order a supervisor's children are stopped: see {@link SupervisorSettings.stopOrder}. */
export type StopOrder = 'reverse' | 'together';

/** What a supervisor's parent is told when it gives up: see {@link SupervisorSettings.giveUpAs}. */
export type GiveUpAs = 'error' | 'shutdown';

/** How a program ended, as settings write it: its exit code, or the name of the signal that ended it. */
export type ExitCause = number | `SIG${string}`;

/** At most so many exits of certain causes within a time: see {@link ChildSettings.giveUpOn}. */
export interface CauseLimit {
  readonly on: readonly ExitCause[];
  /** This many are one too many; from 1. */
  readonly count: number;
  /** In ms, above 0. */
  readonly withinMs: number;
}

/** What is known when an incarnation has ended: see {@link ChildSettings.afterExit}. */
export interface AfterExit {
  /** How it ended. */
  readonly record: ExitRecord;
  /** Aborted when `afterExitMs` is over. */
  readonly signal: AbortSignal;
}

/** What {@link ChildSettings.afterExit} answers: most answer nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing is an answer, too.
export type AfterExitAnswer = 'stay-down' | undefined | void;

/** The policy of one child. Every kind takes the same. */
export interface ChildSettings {
  /**
   * When the child is started again after an exit.
   * @defaultValue `'permanent'`
   */
  readonly restart?: RestartType;
  /**
   * Whether the child's own final end can end its supervisor; needs `autoShutdown` there, and a
   * restart type other than permanent.
   * @defaultValue `false`
   */
  readonly significant?: boolean;
  /**
   * The stop step of the ladder: how long the child may take to end once it has drained and been asked to stop,
   * 0 to 2 147 483 647 ms, before it is killed.
   * @defaultValue `5000`, for supervisors `'infinity'`
   */
  readonly shutdown?: Shutdown;
  /**
   * The drain step: how long accepted work (critical sections, drain hooks, jobs in flight) may take to finish
   * before the stop step begins, in ms. A child with nothing to finish does not wait.
   * @defaultValue `20_000`
   */
  readonly drainMs?: number;
  /**
   * How long a start may take until ready, in ms; `Infinity` waits for ever.
   * @defaultValue `30_000`, for supervisors `Infinity`
   */
  readonly startTimeoutMs?: number;
  /**
   * The longest silence between heartbeats, in ms; longer is a fault and the child is restarted.
   * @defaultValue `Infinity`: heartbeats are not watched
   */
  readonly stallAfterMs?: number;
  /** The wait before a restart. Its supervisor's `backoff` where it has none. */
  readonly backoff?: Backoff;
  /**
   * When the child is ready: `'spawn'` as soon as it runs, `'explicit'` when it calls `ctx.ready()`, or once a line
   * of its stdout matches, a TCP port accepts, or a probe function returns true.
   * @defaultValue `'spawn'`
   */
  readonly ready?: Readiness;
  /**
   * What a restart does about an incarnation that outlived its kill (a task cannot be killed from outside):
   * `'wait'` until it is gone, so that there are never two, or `'replace'` it and let it be.
   * @defaultValue `'wait'`
   */
  readonly survivor?: 'wait' | 'replace';
  /**
   * Exits after which it is not started again, whatever its restart type: it stays down, and `child:kept-down` says so. Systemd's
   * `RestartPreventExitStatus`; it wins over `forceOn`.
   * @defaultValue `[78]`: EX_CONFIG of sysexits.h, by which a program says that trying again is of no use
   */
  readonly preventOn?: readonly ExitCause[];
  /**
   * Exits after which it is started again, whatever its restart type; code 0 is a program that completed. What was asked to end stays down.
   * Systemd's `RestartForceExitStatus`.
   * @defaultValue `[]`
   */
  readonly forceOn?: readonly ExitCause[];
  /**
   * Exits by which a program asks for a pause: its next start waits as long as its backoff ever would; 30 s for one that never waits.
   * @defaultValue `[75]`: EX_TEMPFAIL of sysexits.h
   */
  readonly slowDownOn?: readonly ExitCause[];
  /**
   * Gives up, as the intensity does, on too many exits of certain causes: three SIGSEGV within a minute are a broken program, three exits with
   * code 1 may be a busy database.
   * @defaultValue `[]`
   */
  readonly giveUpOn?: readonly CauseLimit[];
  /**
   * Called once when an incarnation has ended and nothing of it is left, however it ended; the next start, and a stop, wait for it. `'stay-down'`
   * keeps the child down as `preventOn` does. One that fails or takes longer than `afterExitMs` is noted, and passed over. The `finish` of runit and s6.
   */
  readonly afterExit?: (ended: AfterExit) => AfterExitAnswer | Promise<AfterExitAnswer>;
  /**
   * How long `afterExit` may take, in ms.
   * @defaultValue `5000`, as in s6
   */
  readonly afterExitMs?: number;
}

/** The policy of a supervisor over its children. */
export interface SupervisorSettings {
  /** @defaultValue `'one_for_one'` */
  readonly strategy?: Strategy;
  /**
   * How many restarts are allowed within `periodMs`; one more and the supervisor gives up. A whole number from 0,
   * or `Infinity`.
   * @defaultValue `1`, as in OTP
   */
  readonly intensity?: number;
  /**
   * The length of the restart window, in ms, above 0.
   * @defaultValue `5000`, as in OTP
   */
  readonly periodMs?: number;
  /** @defaultValue `'never'` */
  readonly autoShutdown?: AutoShutdown;
  /** The wait before a restart, for children without a backoff of their own. */
  readonly backoff?: Backoff;
  /**
   * What giving up looks like to the parent: `'error'` is an abnormal exit that carries the history, `'shutdown'` is
   * OTP's way, which cannot be told from finishing.
   * @defaultValue `'error'`
   */
  readonly giveUpAs?: GiveUpAs;
  /**
   * `'reverse'`: strictly one after another, last started first. `'together'`: all are asked at once, last started first.
   * @defaultValue `'together'` for one_for_one and dynamic supervisors, whose children are independent; else `'reverse'`
   */
  readonly stopOrder?: StopOrder;
}

/** The longest delay that a Node timer takes, in ms. */
export const LONGEST_TIMER_MS = 2_147_483_647;

/** The settings that have a default for every child. */
export type ChildDefaults = Required<Omit<ChildSettings, 'backoff' | 'afterExit'>>;

export const CHILD_DEFAULTS: ChildDefaults = {
  restart: 'permanent',
  significant: false,
  shutdown: 5000,
  drainMs: 20_000,
  startTimeoutMs: 30_000,
  stallAfterMs: Number.POSITIVE_INFINITY,
  ready: 'spawn',
  survivor: 'wait',
  preventOn: [78],
  forceOn: [],
  slowDownOn: [75],
  giveUpOn: [],
  afterExitMs: 5000,
};

/** A supervisor takes as long as its children do, to start and to stop. */
export const SUPERVISOR_CHILD_DEFAULTS: ChildDefaults = {
  ...CHILD_DEFAULTS,
  shutdown: 'infinity',
  startTimeoutMs: Number.POSITIVE_INFINITY,
};

export const SUPERVISOR_DEFAULTS: Required<Omit<SupervisorSettings, 'backoff' | 'stopOrder'>> = {
  strategy: 'one_for_one',
  intensity: 1,
  periodMs: 5000,
  autoShutdown: 'never',
  giveUpAs: 'error',
};
