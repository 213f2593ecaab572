import type { Clock } from '../../runtime/index.js';
import { visiblePids } from '../inspect/processes.js';
import { readTarget, readText } from '../inspect/read.js';
import type { MarkedEntry } from './entry.js';
import { pause } from './groups.js';
import { readStat } from './identity.js';

/** The environment variable that says to whom a process belongs: `<mark>:<number>;`, once for each tree that it is in, the outermost first. */
export const MARK_VARIABLE = 'TREEWARDEN_MARK';

/** A living process that carries a mark. */
export interface Carrier {
  readonly pid: number;
  /** When it started: with this it is told from another that got its pid. */
  readonly startTicks: number;
  /** The process group that it is in. */
  readonly pgrp: number;
}

/**
 * The processes that carry a mark in their environment, this one excepted; zombies have none. Those of other users are missing unless we may look
 * into them. It reads one file per process of the machine.
 */
export function carriersOf(mark: string): readonly Carrier[] {
  return canSeeMarks() ? visiblePids().flatMap((pid) => carrier(pid, mark) ?? []) : [];
}

/** Whether there is a /proc that numbers processes as we do: after `unshare --pid` alone it is that of another namespace, and tells of strangers. */
export function canSeeMarks(): boolean {
  return readTarget('/proc/self') === String(process.pid);
}

/**
 * Ends the processes that carry a mark: SIGTERM, the grace, then SIGKILL, until several looks in a row have found none.
 *
 * @param isWaitedFor - whether a process group has a signal and a time of its own, which its members are left to
 * @returns those that SIGKILL has not ended within 5 s, which are in the hands of the kernel
 */
export async function endMarked(
  { mark, graceMs }: MarkedEntry,
  clock: Clock,
  isWaitedFor: (pgrp: number) => boolean,
): Promise<readonly Carrier[]> {
  const asked = new Set<string>();
  let limitMs = Number.POSITIVE_INFINITY;
  let waitMs = FIRST_WAIT_MS;
  for (let quiet = 0; ; waitMs = Math.min(waitMs * 2, 100)) {
    const found = carriersOf(mark);
    quiet = found.length === 0 ? quiet + 1 : 0;
    if (quiet === LOOKS) return [];
    if (quiet > 0) waitMs = BETWEEN_LOOKS_MS;
    const ours = found.filter(({ pgrp }) => !isWaitedFor(pgrp));
    if (ours.length > 0) limitMs = Math.min(limitMs, clock.now() + graceMs);
    if (clock.now() >= limitMs + KILLED_MS && ours.length > 0) return ours;
    for (const one of ours) {
      if (clock.now() >= limitMs) signalCarrier(one, 'SIGKILL');
      else if (!asked.has(nameOf(one))) {
        asked.add(nameOf(one));
        waitMs = FIRST_WAIT_MS;
        // One that was stopped acts on nothing but SIGKILL before it goes on.
        if (signalCarrier(one, 'SIGTERM')) signalCarrier(one, 'SIGCONT');
      }
    }
    await pause(clock, waitMs);
  }
}

/**
 * Kills the processes that carry a mark, where nothing can be awaited any more.
 * @returns those that were there at the last look
 */
export function killMarked(mark: string): readonly Carrier[] {
  let found: readonly Carrier[] = [];
  for (let look = 0; look < LOOKS; look++) {
    found = carriersOf(mark);
    for (const one of found) signalCarrier(one, 'SIGKILL');
  }
  return found;
}

/** Sends a signal to that very process; false where it has ended, or may not be sent one. */
export function signalCarrier(
  { pid, startTicks }: Pick<Carrier, 'pid' | 'startTicks'>,
  signal: NodeJS.Signals,
): boolean {
  if (readStat(pid)?.startTicks !== startTicks) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    // It has ended meanwhile, or runs as somebody else: whether it is there is looked at next.
    return false;
  }
}

/** What becomes another program has no environment for a moment: so many looks in a row have to find nobody. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 10;
const FIRST_WAIT_MS = 2;
const KILLED_MS = 5_000;

/** By its start before and after: what was read in between was its own environment, and not of another that got its pid. */
function carrier(pid: number, mark: string): Carrier | undefined {
  if (pid === process.pid) return undefined;
  const environment = readText(`/proc/${pid}/environ`);
  if (environment === undefined || !carries(environment, mark)) return undefined;
  const before = readStat(pid);
  if (before === undefined || before.state === 'Z' || before.state === 'X') return undefined;
  const again = readText(`/proc/${pid}/environ`);
  const after = readStat(pid);
  if (again === undefined || !carries(again, mark) || after?.startTicks !== before.startTicks)
    return undefined;
  return { pid, startTicks: before.startTicks, pgrp: before.pgrp };
}

function carries(environment: string, mark: string): boolean {
  // The first look is for most of them the only one.
  if (!environment.includes(`${mark}:`)) return false;
  return environment
    .split('\0')
    .some((one) => one.startsWith(`${MARK_VARIABLE}=`) && marksIn(one).includes(mark));
}

/** Of one entry of an environment, as in `TREEWARDEN_MARK=<mark>:1;<mark>:12;`. */
function marksIn(entry: string): readonly string[] {
  return entry
    .slice(MARK_VARIABLE.length + 1)
    .split(';')
    .flatMap((one) => (one.includes(':') ? one.slice(0, one.indexOf(':')) : []));
}

function nameOf({ pid, startTicks }: Carrier): string {
  return `${pid}-${startTicks}`;
}
