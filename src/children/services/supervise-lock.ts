import { spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { readCommand } from '../process/proc.js';

/** What `flock` exits with where somebody else holds the lock. */
const HELD = 1;

/** What became of the wish to keep a service. */
export type Locking =
  /** Nobody else keeps it: an open file that is locked. Whoever inherits the descriptor holds the lock as well. */
  | { readonly is: 'ours'; readonly fd: number }
  | { readonly is: 'held'; readonly by: string }
  /** There can be no lock here. */
  | { readonly is: 'unlocked'; readonly why: string };

/**
 * Takes the lock by which `supervise` of daemontools, `runsv` and `s6-supervise` make sure that one of them keeps a service: `supervise/lock` in its
 * directory. Of s6 it heeds the lock but cannot take the same, which is of another kind.
 */
export async function lockService(dir: string): Promise<Locking> {
  const path = join(dir, 'supervise', 'lock');
  let fd: number;
  try {
    fd = openLock(path);
  } catch (error) {
    return { is: 'unlocked', why: (error as Error).message };
  }
  const status = await flock(fd);
  if (status === 0 && !isLockedBySection(fd)) return { is: 'ours', fd };
  const locking: Locking =
    status === 0 || status === HELD
      ? { is: 'held', by: holdersOf(path) }
      : { is: 'unlocked', why: 'the program flock of util-linux or busybox is needed' };
  closeSync(fd);
  return locking;
}

function openLock(path: string): number {
  makeFolder(dirname(path));
  return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK, 0o600);
}

/** Where the service itself cannot be written to, its makers have put a link in place of the folder. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const target = linkTarget(folder);
    if (target !== undefined) mkdirSync(resolve(dirname(folder), target), { mode: 0o700, recursive: true });
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // A folder as it should be.
    return undefined;
  }
}

/** The lock belongs to the open file, and so stays when flock(1) has ended. */
function flock(fd: number): Promise<number | null> {
  return new Promise((settle) => {
    const locking = spawn('flock', ['-n', '-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    locking.once('error', () => settle(null));
    locking.once('exit', settle);
  });
}

/** The way of s6, by fcntl(2), is another lock, which `flock` does not meet. */
function isLockedBySection(fd: number): boolean {
  try {
    const { ino } = fstatSync(fd);
    return new RegExp(`: (POSIX|OFDLCK) .*:${ino} `).test(readFileSync('/proc/locks', 'latin1'));
  } catch {
    // No /proc, so nothing can be seen.
    return false;
  }
}

/** Those who have the lock by one of their descriptors, as far as we may look. */
function holdersOf(path: string): string {
  const real = realpathSync(path);
  const pids = namesIn('/proc').filter((pid) => /^\d+$/.test(pid) && holds(pid, real));
  const named = pids.map((pid) => `${readCommand(Number(pid)) ?? 'a program'} (pid ${pid})`);
  return named.length === 0 ? 'another program' : named.join(', ');
}

function holds(pid: string, path: string): boolean {
  return namesIn(`/proc/${pid}/fd`).some((fd) => {
    if (linkTarget(`/proc/${pid}/fd/${fd}`) !== path) return false;
    try {
      return /^lock:/m.test(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'));
    } catch {
      // Closed meanwhile.
      return false;
    }
  });
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Ended meanwhile, or another user's.
    return [];
  }
}
