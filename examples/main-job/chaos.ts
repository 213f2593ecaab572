// Chaos: a child of the tree that breaks other children at random.

import { setTimeout as wait } from 'node:timers/promises';
import type { ChildContext } from 'treewarden';
import type { Progress } from './progress.js';
import type { Fault } from './sabotage.js';

/** `kill` is SIGKILL, from outside; the other two are for the child to carry out. */
export type Strike = 'kill' | Fault;

export interface Victim {
  readonly id: string;
  readonly canSuffer: readonly Strike[];
  readonly isUp: () => boolean;
  readonly incarnation: () => number;
  /** False if the blow did not reach it. */
  readonly suffer: (strike: Strike) => boolean;
}

export interface ChaosPlan {
  /** How many strikes there are to be in the course of the work. */
  readonly strikes: number;
  readonly seed: number;
  readonly victims: readonly Victim[];
  readonly progress: () => Progress;
  readonly onStrike: (strike: Strike) => void;
}

const LOOK_EVERY_MS = 25;
/** A hang is the rarest, as it takes the longest to be noticed. */
const DECK: readonly Strike[] = ['kill', 'kill', 'throw', 'throw', 'hang'];

/** Strikes as often as planned, at random moments of the work, whatever its size; then it has done its job. */
export async function chaos(ctx: ChildContext, plan: ChaosPlan): Promise<void> {
  const random = randomFrom(plan.seed);
  const { total, done } = plan.progress();
  const moments = Array.from({ length: plan.strikes }, () => done + random() * (total - done));
  const struck = new Map<Victim, number>();
  for (const moment of moments.sort((a, b) => a - b)) {
    const choice = { victim: random(), strike: random() };
    for (let hit = false; !hit; ) {
      if (plan.progress().done >= total) return;
      hit = plan.progress().done >= moment && strike(plan, choice, struck);
      await wait(LOOK_EVERY_MS, undefined, { signal: ctx.signal });
    }
  }
}

/** Strikes one of those that are up and have not been struck in this life; false if nobody could be struck. */
function strike(
  plan: ChaosPlan,
  choice: { readonly victim: number; readonly strike: number },
  struck: Map<Victim, number>,
): boolean {
  const blow = pick(DECK, choice.strike);
  const unharmed = plan.victims.filter(
    (it) => it.isUp() && it.incarnation() !== struck.get(it) && it.canSuffer.includes(blow),
  );
  if (unharmed.length === 0) return false;
  const victim = pick(unharmed, choice.victim);
  if (!victim.suffer(blow)) return false;
  struck.set(victim, victim.incarnation());
  plan.onStrike(blow);
  return true;
}

/** @param from - not empty */
function pick<T>(from: readonly T[], at: number): T {
  // Safe: `at` is below 1.
  return from[Math.floor(at * from.length)] as T;
}

/** Random numbers from 0 to 1 that are the same for the same seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
