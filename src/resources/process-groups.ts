import { readdirSync, readFileSync } from 'node:fs';

/** Whether a process group has a member that runs; zombies do not count, since nobody may ever reap them. */
export function groupLives(pid: number): boolean {
  return reaches(pid, 0) && hasLivingMember(pid);
}

/** Kills every member at once. */
export function endGroupNow(pid: number): void {
  reaches(pid, 'SIGKILL');
}

/** Sends a signal to every member; false where there is none. */
export function reaches(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    // EPERM: there are members, but they run as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function hasLivingMember(group: number): boolean {
  try {
    return readdirSync('/proc').some((name) => /^\d+$/.test(name) && isLivingMember(name, group));
  } catch {
    // No /proc here: the kernel's answer to signal 0 stands.
    return true;
  }
}

function isLivingMember(pid: string, group: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold spaces and parentheses of its own; the fields begin after the last one.
    const [state = '', , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(pgrp) === group && !['Z', 'X', 'x'].includes(state);
  } catch {
    // It ended between the listing and the reading.
    return false;
  }
}
