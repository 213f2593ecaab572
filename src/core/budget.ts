import type { Ladder } from './child.js';
import type { Shutdown } from './spec.js';

const LEAST_KILL_WAIT_MS = 500;

/** The part of a budget kept back for the kill and what follows it: a tenth, at most a second. */
export function killReserveMs(budgetMs: number): number {
  return Math.min(1000, budgetMs / 10);
}

/**
 * The share of `leftMs` for the next of several stages that run one after another: in proportion to how many stages of its own it
 * has. Recomputed at each stage, so what one leaves unused goes to the rest, and the last is never left with nothing.
 */
export function shareOf(leftMs: number, ownStages: number, stagesLeft: number): number {
  if (leftMs === Number.POSITIVE_INFINITY) return leftMs;
  return Math.max(0, leftMs) * (ownStages / Math.max(ownStages, stagesLeft));
}

/** What a child's stop may take, in ms: its own settings, cut to what is left of the tree's budget. */
export function ladderWithin(
  settings: { readonly drainMs: number; readonly shutdown: Shutdown },
  killWaitMs: number,
  budgetMs: number,
): Ladder {
  const { drainMs, shutdown } = settings;
  if (shutdown === 'brutal_kill' || budgetMs === Number.POSITIVE_INFINITY)
    return { drainMs, shutdown, killWaitMs };
  const reserveMs = killReserveMs(budgetMs);
  const usable = Math.max(0, budgetMs - reserveMs);
  const stopMs = shutdown === 'infinity' ? usable : Math.min(shutdown, usable);
  // The stop step keeps its time as far as possible: without it, work that has drained could not close what it used.
  const keptForStop = shutdown === 'infinity' ? usable / 2 : Math.min(shutdown, usable / 2);
  const drained = Math.min(drainMs, usable - keptForStop);
  const stopLeft = Math.min(stopMs, usable - drained);
  return { drainMs: drained, shutdown: stopLeft, killWaitMs: waitWithin(killWaitMs, reserveMs) };
}

/** The kernel takes a moment to end even a killed process on a busy machine, so there is a least wait. A supervisor's, endless, stays so. */
function waitWithin(killWaitMs: number, reserveMs: number): number {
  return killWaitMs === Number.POSITIVE_INFINITY
    ? killWaitMs
    : Math.min(killWaitMs, Math.max(reserveMs, LEAST_KILL_WAIT_MS));
}

/** How far a drain step may be extended, in ms from its beginning: to twice its length, and never into what the stop step was left. */
export function longestDrain(ladder: Ladder, budgetMs: number): number {
  const doubled = ladder.drainMs * 2;
  if (budgetMs === Number.POSITIVE_INFINITY || typeof ladder.shutdown !== 'number') return doubled;
  return Math.max(ladder.drainMs, Math.min(doubled, budgetMs - killReserveMs(budgetMs) - ladder.shutdown));
}
