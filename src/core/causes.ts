import { describeExit, type Exit } from './exit.js';
import { RestartWindow } from './intensity.js';
import type { CauseLimit, ChildSettings, ExitCause } from './spec.js';
import { judgeExit } from './strategy.js';

/**
 * The exit as settings name it; nothing for an end that is no program's own doing. What we killed has no cause, but a SIGKILL from outside is one.
 */
export function causeOf(exit: Exit): ExitCause | undefined {
  switch (exit.type) {
    case 'completed':
      return 0;
    case 'code':
      return exit.code;
    case 'signal':
    case 'out-of-memory':
      return exit.signal as ExitCause | undefined;
    default:
      return undefined;
  }
}

/** Whether an exit that nobody asked for is a reason to start the child again, by its restart type or by its cause. */
export function callsForRestart(
  { restart, forceOn }: Required<Pick<ChildSettings, 'restart' | 'forceOn'>>,
  exit: Exit,
): boolean {
  return judgeExit(restart, exit) === 'restart' || hasCause(exit, forceOn);
}

/** What keeps a child down besides the cause of its exit. */
export interface Circumstances {
  /** It was started to run once. */
  readonly once: boolean;
  /** Its `afterExit` said so. */
  readonly staysDown: boolean;
}

/** Why a child whose exit calls for a restart stays down all the same; nothing, if it does not. `preventOn` wins over `forceOn`. */
export function whyKeptDown(
  { preventOn }: Required<Pick<ChildSettings, 'preventOn'>>,
  exit: Exit,
  { once, staysDown }: Circumstances,
): string | undefined {
  if (hasCause(exit, preventOn)) return `${describeExit(exit)}, which is in its preventOn`;
  if (staysDown) return 'its afterExit said so';
  return once ? 'it was started to run once' : undefined;
}

/** Whether the exit is by one of these causes. */
export function hasCause(exit: Exit, causes: readonly ExitCause[]): boolean {
  const cause = causeOf(exit);
  return cause !== undefined && causes.includes(cause);
}

/** The exits of one child, as its limits count them: each in a sliding window of its own. */
export class CauseCounts {
  readonly #counts: readonly { readonly limit: CauseLimit; readonly window: RestartWindow }[];

  constructor(limits: readonly CauseLimit[]) {
    this.#counts = limits.map((limit) => ({
      limit,
      window: new RestartWindow(limit.count - 1, limit.withinMs),
    }));
  }

  /** Counts an exit; the limit that it reaches, if it does. */
  record(exit: Exit, atMs: number): CauseLimit | undefined {
    const reached = this.#counts.filter(
      ({ limit, window }) => hasCause(exit, limit.on) && !window.record(atMs),
    );
    return reached[0]?.limit;
  }
}
