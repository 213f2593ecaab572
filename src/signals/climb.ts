import type { SignalAction } from './table.js';

/** How far a stop by signal has got: 0 not begun, 1 drains, 2 cuts the drain short, 3 ends at once. */
export type StopLevel = 0 | 1 | 2 | 3;

/** The level, and when it was reached, in monotonic ms. */
export interface Climb {
  readonly level: StopLevel;
  readonly atMs: number;
}

/**
 * Signals that arrive this close together, in ms, are one wish. One Ctrl-C arrives twice where a wrapper forwards what the terminal has
 * sent to the whole group already; a service manager may send SIGTERM and SIGHUP in one go. People are slower than that.
 */
export const SAME_WISH_MS = 150;

export const GROUND: Climb = { level: 0, atMs: Number.NEGATIVE_INFINITY };

const FIRST_LEVEL = { ignore: 0, drain: 1, stop: 2, kill: 3 } as const satisfies Record<
  SignalAction,
  StopLevel
>;

/**
 * The level after one more signal: the next one, or the signal's own where that is higher. The same state for a repetition.
 * The window opens at the last signal that counted, not at the last one seen, so that a held key cannot keep it open.
 */
export function climb(state: Climb, action: SignalAction, nowMs: number): Climb {
  const own = FIRST_LEVEL[action];
  if (own === 0 || (own <= state.level && nowMs - state.atMs < SAME_WISH_MS)) return state;
  const next = Math.min(3, Math.max(own, state.level + 1)) as StopLevel;
  return { level: next, atMs: nowMs };
}
