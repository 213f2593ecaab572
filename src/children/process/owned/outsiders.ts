import { existsSync } from 'node:fs';
import type { Clock } from '../../../runtime/index.js';
import { readStat } from '../proc.js';
import { pidCount } from './census.js';

/** More processes than any machine makes. */
const FASTEST_BIRTHS_PER_MS = 100;

/** For how long, in ms, the kernel cannot have given out all numbers and come round to one that it has given out before. */
export function roundMs(): number {
  return pidCount() / FASTEST_BIRTHS_PER_MS;
}

/**
 * Whether a number, given out after the leader of a tree was born, is nobody's any more, or that of somebody who does not descend from the leader: whose
 * parent is older than that. Whoever has lost its parent has been given an older one too, but then it is one of those that we descend from.
 *
 * What was found is kept until the kernel may have come round: of many trees that end together, each number is looked at once. Only for who knows that
 * it cannot have come round since the leader was born.
 *
 * @param isChild - whether the leader is a child of this process; else its parent may have been given a child of its making
 */
export function isOutside(leader: number, pid: number, clock: Clock, isChild: boolean): boolean {
  const known = knownBy(clock);
  const parent = known.get(pid) ?? parentOf(pid);
  if (parent !== GONE && (!isChild || parent >= leader || ancestors().has(parent))) return false;
  known.set(pid, parent);
  return true;
}

/** Whether it takes no look at all to know that. */
export function isKnown(pid: number, clock: Clock): boolean {
  return knownBy(clock).has(pid);
}

/** It has been reaped. */
export function isGone(pid: number, clock: Clock): void {
  knownBy(clock).set(pid, GONE);
}

/** Instead of a parent. What has one out of our sight shows 0. */
const GONE = -1;

/** The parents of those who do not descend from us. */
let parents:
  | { readonly clock: Clock; readonly sinceMs: number; readonly of: Map<number, number> }
  | undefined;

function knownBy(clock: Clock): Map<number, number> {
  const now = clock.now();
  if (parents?.clock !== clock || now - parents.sinceMs > Math.min(roundMs(), KEPT_MS))
    parents = { clock, sinceMs: now, of: new Map() };
  return parents.of;
}

/** Bounds what is kept. */
const KEPT_MS = 1000;

function parentOf(pid: number): number {
  if (!existsSync(`/proc/${pid}`)) return GONE;
  return readStat(pid)?.parent ?? GONE;
}

/** This process, and all that it descends from: to one of these the kernel gives whom we have started, when its own parent has ended. */
function ancestors(): ReadonlySet<number> {
  if (above === undefined) {
    above = new Set([0, 1]);
    for (let pid = process.pid; !above.has(pid); pid = readStat(pid)?.parent ?? 0) above.add(pid);
  }
  return above;
}

/** Looked for once: when one of them ends, its children go to another one. */
let above: Set<number> | undefined;
