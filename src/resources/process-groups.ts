import { groupLife } from './guard/groups.js';
import { readStat } from './guard/identity.js';

/** A process group of ours, told from a later one of the same number by when its leader started. */
export interface OwnGroup {
  readonly pid: number;
  /** In clock ticks since boot; 0 where it cannot be known. */
  readonly startTicks: number;
}

/** Whether it has a member that runs; zombies do not count, since nobody may ever reap them. */
export function groupLives({ pid, startTicks }: OwnGroup): boolean {
  const known = startTicks === 0 ? (readStat(pid)?.startTicks ?? 0) : startTicks;
  // While we live, whatever is in the group of a leader that has ended came from that one.
  return groupLife({ pid, startTicks: known, ownerSeenAtS: Number.POSITIVE_INFINITY }) === 'alive';
}

/** The group that a process is in; nothing where there is no such process, or no /proc. */
export function groupOf(pid: number): number | undefined {
  return readStat(pid)?.pgrp;
}

/** Sends a signal to every member; false where there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: there are members, but they run as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
