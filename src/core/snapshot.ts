import type { ChildStatus } from './child.js';
import type { StopStep, Survivor } from './events.js';
import type { ExitRecord } from './exit.js';
import type { StopObstacle } from './obstacle.js';
import type { ChildPath } from './path.js';
import type { RestartType, Strategy } from './spec.js';

/** A node of a tree at one moment, as plain data. */
export interface Snapshot {
  readonly id: string;
  readonly path: ChildPath;
  readonly kind: string;
  readonly status: ChildStatus;
  readonly restart: RestartType;
  /** The current incarnation, or the last one; 0 before the first. */
  readonly incarnation: number;
  /** Automatic restarts since the supervisor started. */
  readonly restarts: number;
  /** How long the incarnation has been ready, in ms. */
  readonly upMs?: number | undefined;
  readonly pid?: number | undefined;
  readonly threadId?: number | undefined;
  /** What runs: the command line, the module, or the function's name. */
  readonly command?: string | undefined;
  /** It was started to run once: its end is no reason for a restart. */
  readonly once?: true | undefined;
  /** Its processes are suspended. */
  readonly paused?: true | undefined;
  /** Jobs taken and not settled, where the kind counts them. */
  readonly inFlight?: number | undefined;
  readonly lastExit?: ExitRecord | undefined;
  readonly strategy?: Strategy | 'dynamic' | undefined;
  readonly children?: readonly Snapshot[] | undefined;
}

/** How long one child took to stop, by step, in ms. */
export interface ChildStopReport {
  readonly child: ChildPath;
  readonly kind: string;
  readonly steps: Readonly<Partial<Record<StopStep, number>>>;
  readonly tookMs: number;
  /** Why it had not ended when it was killed, process by process; absent where it had not to be killed. */
  readonly obstacles?: readonly StopObstacle[] | undefined;
  /** How it ended; absent for a survivor. */
  readonly exit?: ExitRecord | undefined;
}

/** How a stop went: slowest child first, and what outlived it. */
export interface StopReport {
  readonly tookMs: number;
  readonly graceMs: number;
  readonly children: readonly ChildStopReport[];
  readonly survivors: readonly Survivor[];
  /** Clean-up that failed on the way; the stop went on past it. */
  readonly failures: readonly { readonly subject: string; readonly message: string }[];
}
