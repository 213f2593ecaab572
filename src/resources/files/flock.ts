import { spawn } from 'node:child_process';
import { CapabilityError } from '../../core/index.js';
import type { Native } from '../backend/backend.js';
import { type Attempt, attempted } from '../inspect/failure.js';

/**
 * Takes the `flock` of an open file for its descriptor, exclusively and without waiting; false where another has it. Closing the descriptor
 * gives it up. Without libc the program `flock` takes it on a copy of the descriptor, which is the same open file.
 *
 * @throws CapabilityError where there is neither
 * @throws ResourceError if the file system has no locks
 */
export async function takeFlock(fd: number, native: Native | undefined, attempt: Attempt): Promise<boolean> {
  if (native === undefined) return takeByProgram(fd, attempt.subject);
  return attempted(attempt, () => native.flock(fd, 'exclusive'));
}

/**
 * Makes sure that a file can be locked, before it is made for that.
 * @throws CapabilityError where there is neither libc nor the program `flock`
 */
export async function checkFlock(native: Native | undefined, subject: string): Promise<void> {
  if (native !== undefined) return;
  // Whatever it answers: that it starts is enough.
  await exitOf(['--version'], 'ignore').catch((cause: Error) => {
    throw missing(subject, cause.message);
  });
}

async function takeByProgram(fd: number, subject: string): Promise<boolean> {
  const code = await exitOf(['-x', '-n', '3'], fd).catch((cause: Error) => {
    throw missing(subject, cause.message);
  });
  // util-linux and busybox alike: 1 is "another has it".
  if (code === 0 || code === 1) return code === 0;
  throw missing(subject, `the program flock ended with ${code}`);
}

/** Rejects where it is not there, or where this program may start none. */
function exitOf(options: readonly string[], third: number | 'ignore'): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', options, { stdio: ['ignore', 'ignore', 'ignore', third] });
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function missing(subject: string, why: string): CapabilityError {
  return new CapabilityError(
    'file-locks',
    subject,
    `${why}. Install the optional package koffi, or the program flock of util-linux or busybox.`,
  );
}
