import type { Clock } from '../../runtime/index.js';
import { visiblePids } from '../inspect/processes.js';
import { readText } from '../inspect/read.js';
import type { GroupEntry } from './entry.js';
import { readStat, type Stat } from './identity.js';

/** A process group as a ledger has it. */
export interface RecordedGroup {
  readonly pid: number;
  /** When its leader started. */
  readonly startTicks: number;
  /** When its owner is last known to have lived, in seconds since 1970. */
  readonly ownerSeenAtS: number;
}

/**
 * Whether a group is the one that was written down and has a living member; zombies are none. While it has any, the kernel gives its number to
 * nobody else: so a leader that has ended leaves a group that is still ours, unless the number came to another meanwhile. A member that was
 * there while the owner lived rules that out.
 */
export function groupLife(group: RecordedGroup): 'alive' | 'gone' | 'foreign' {
  if (!reaches(group.pid)) return 'gone';
  const leader = readStat(group.pid);
  if (leader !== undefined && leader.startTicks !== group.startTicks) return 'foreign';
  if (leader !== undefined && !isDead(leader)) return 'alive';
  const members = living(group.pid);
  if (members.length === 0) return 'gone';
  if (leader !== undefined || members.some((member) => startedAtS(member) <= group.ownerSeenAtS))
    return 'alive';
  return 'foreign';
}

/**
 * Ends a group that is alive: its leader is told to finish its work if it can be, then its first signal if it has one, its grace, then SIGKILL.
 * @returns whether it has ended; what SIGKILL does not end within 5 s is in the hands of the kernel
 */
export async function endGroup(entry: GroupEntry, group: RecordedGroup, clock: Clock): Promise<boolean> {
  const { pid, drain } = entry;
  const endMs = clock.now() + entry.graceMs;
  if (drain !== undefined && signal(pid, drain.signal)) {
    const drainedMs = Math.min(clock.now() + drain.ms, endMs);
    if (await hasEnded(group, drainedMs, clock, () => !signal(pid, 0))) return true;
  }
  if (entry.signal !== undefined) signal(-pid, entry.signal);
  if (await hasEnded(group, endMs, clock)) return true;
  signal(-pid, 'SIGKILL');
  return hasEnded(group, clock.now() + KILLED_MS, clock);
}

const KILLED_MS = 5_000;

/** Waits for it, up to a time or until there is no more use in that. */
async function hasEnded(
  group: RecordedGroup,
  untilMs: number,
  clock: Clock,
  isFutile: () => boolean = () => false,
): Promise<boolean> {
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 100)) {
    if (groupLife(group) !== 'alive') return true;
    const leftMs = untilMs - clock.now();
    if (leftMs <= 0 || isFutile()) return false;
    await pause(clock, Math.min(waitMs, leftMs));
  }
}

/** Resolves after a while of the given clock. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve);
  });
}

function living(pgrp: number): readonly Stat[] {
  return visiblePids()
    .map((pid) => readStat(pid))
    .filter((stat): stat is Stat => stat?.pgrp === pgrp && !isDead(stat));
}

function isDead({ state }: Stat): boolean {
  return state === 'Z' || state === 'X';
}

/** In seconds since 1970, to be compared with what the kernel stamps on files. */
function startedAtS({ startTicks }: Stat): number {
  const bootedAtS = Number(
    /^btime (\d+)$/m.exec(readText('/proc/stat') ?? '')?.[1] ?? Number.POSITIVE_INFINITY,
  );
  return bootedAtS + startTicks / TICKS_PER_S;
}

/** What user programs are shown on every Linux, whatever the kernel's own tick is. */
const TICKS_PER_S = 100;

function reaches(pgrp: number): boolean {
  try {
    process.kill(-pgrp, 0);
    return true;
  } catch (error) {
    // EPERM: there are members, but they run as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** To a process, or a group by its negative number; the number is nobody else's while the group lives. False where it has ended, or cannot be reached. */
function signal(target: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, name);
  } catch {
    return false;
  }
}
