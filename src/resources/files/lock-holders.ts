import { readStat, startTicks } from '../guard/identity.js';
import { visiblePids } from '../inspect/processes.js';
import { readNames, readTarget, readText } from '../inspect/read.js';

/** A process that holds the `flock` of a file. */
export interface LockHolder {
  readonly pid: number;
  /** When it started: with this it is told from another that got its pid. */
  readonly startTicks: number;
}

/**
 * The processes that hold the `flock` of a file of that name by an open descriptor, whoever took it: a child that inherited the descriptor holds
 * it as much. One that has the file open without the lock is none. A file that was removed under its holders counts as well.
 *
 * Processes of other users are missing unless we may look into them. It looks at every descriptor of every process: some ms on a busy machine.
 *
 * @param path - without symbolic links, as the kernel names it
 */
export function lockHoldersOf(path: string): readonly LockHolder[] {
  return holdersOf([path, `${path}${REMOVED}`]);
}

/** Those of them that hold a file which was removed under them, so that another may have its name. */
export function holdersOfRemoved(path: string): readonly LockHolder[] {
  return holdersOf([`${path}${REMOVED}`]);
}

/** How the kernel names a file that has no name any more. @see proc(5) */
const REMOVED = ' (deleted)';

function holdersOf(names: readonly string[]): readonly LockHolder[] {
  return visiblePids().flatMap((pid) => {
    const ticks = startTicks(pid);
    if (ticks === undefined || !holdsLock(pid, names)) return [];
    const stat = readStat(pid);
    return stat?.startTicks === ticks && stat.state !== 'Z' ? [{ pid, startTicks: ticks }] : [];
  });
}

function holdsLock(pid: number, names: readonly string[]): boolean {
  return readNames(`/proc/${pid}/fd`).some((fd) => {
    const target = readTarget(`/proc/${pid}/fd/${fd}`);
    if (target === undefined || !names.includes(target)) return false;
    // Only the descriptor by which it is held lists it, and every copy of that one does.
    return /^lock:.*\bFLOCK\b/m.test(readText(`/proc/${pid}/fdinfo/${fd}`) ?? '');
  });
}
