import { type Exit, isNormal } from './exit.js';
import type { AutoShutdown, RestartType, Strategy } from './spec.js';

/** What follows from an exit: start again, stay down with the spec kept, or stay down and be forgotten. */
export type Verdict = 'restart' | 'keep' | 'drop';

/** OTP's table of restart types (`supervisor:do_restart/3`). */
export function judgeExit(restart: RestartType, exit: Exit): Verdict {
  switch (restart) {
    case 'permanent':
      return 'restart';
    case 'transient':
      return isNormal(exit) ? 'keep' : 'restart';
    case 'temporary':
      return 'drop';
  }
}

/** The first position, in start order, of those who share the fate of the child at `index`; they reach to the last. */
export function groupStart(strategy: Exclude<Strategy, 'one_for_one'>, index: number): number {
  return strategy === 'one_for_all' ? 0 : index;
}

/**
 * Whether an end is the one that was asked for. OTP reports every other one as a `shutdown_error`: a permanent child
 * that stops with `normal` included (`supervisor:shutdown/1`).
 */
export function isExpectedStop(restart: RestartType, brutally: boolean, exit: Exit): boolean {
  if (brutally ? exit.type === 'killed' : exit.type === 'shutdown' && exit.detail === undefined) return true;
  return restart !== 'permanent' && isNormal(exit);
}

/** A significant child's final end, as seen by auto-shutdown. */
export interface SignificantEnd {
  readonly autoShutdown: AutoShutdown;
  readonly significant: boolean;
  /** Whether another significant child is up, or waiting to be restarted. */
  readonly othersLeft: () => boolean;
}

/** Whether a child that ended by itself, for good, ends its supervisor (`supervisor:do_auto_shutdown/2`). */
export function endsSupervisor({ autoShutdown, significant, othersLeft }: SignificantEnd): boolean {
  if (!significant) return false;
  switch (autoShutdown) {
    case 'never':
      return false;
    case 'any_significant':
      return true;
    case 'all_significant':
      return !othersLeft();
  }
}
