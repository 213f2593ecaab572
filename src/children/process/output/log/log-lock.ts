import { spawn } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { LogFileError } from '../../../../core/index.js';
import { logError } from './log-failure.js';

/** What `flock` exits with where somebody else holds the lock. */
const HELD = 1;

/**
 * Locks a log against a second writer, another process's multilog included, as long as the returned descriptor is open. The kernel unlocks it however this
 * process ends. Where the machine has no `flock` program there is no lock: writers do not overwrite each other then, but count bytes for themselves.
 *
 * @throws LogFileError if somebody else writes there
 */
export async function lockLog(log: string, lock: string, mode: number): Promise<number> {
  const fd = openForLock(log, lock, mode);
  try {
    // The lock belongs to the open file that both processes share, and so stays when flock(1) has ended.
    if ((await flock(fd)) === HELD) throw heldError(log, lock);
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openForLock(log: string, lock: string, mode: number): number {
  try {
    return openSync(lock, 'a', mode);
  } catch (error) {
    throw logError(log, 'lock', error);
  }
}

function flock(fd: number): Promise<number | null> {
  return new Promise((resolve) => {
    const locking = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
    locking.once('error', () => resolve(null));
    locking.once('exit', resolve);
  });
}

function heldError(log: string, lock: string): LogFileError {
  const pid = readFileSync(lock, 'utf8').trim();
  const holder = pid === '' ? 'another program' : `the process ${pid}`;
  return new LogFileError(
    log,
    'lock',
    undefined,
    `${holder} writes there. Give each program a log of its own, and within one program the same logFile() to all that share one.`,
  );
}
