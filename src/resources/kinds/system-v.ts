import { randomInt } from 'node:crypto';
import { constants } from 'node:os';
import { CapabilityError } from '../../core/index.js';
import { type Native, SystemCallError, type SystemV } from '../backend/backend.js';
import { errnoOf } from '../inspect/failure.js';
import { freeMemory } from '../inspect/limits.js';

/** @throws CapabilityError where there is no native part, or the system has no System V */
export function requireSystemV(native: Native | undefined, subject: string): SystemV {
  if (native?.systemV !== undefined) return native.systemV;
  throw new CapabilityError(
    'system-v',
    subject,
    native === undefined
      ? 'install the optional package koffi.'
      : 'this system has no System V objects. Use a kind that needs none.',
  );
}

/**
 * More than there is would be granted: a memory file has no limit of its own, and the kernel ends some process, this one or another, when its
 * pages are taken.
 *
 * @throws SystemCallError, ENOMEM
 */
export function requireMemory(bytes: number): void {
  if (bytes > freeMemory()) throw new SystemCallError('posix_fallocate', 'ENOMEM', constants.errno.ENOMEM);
}

/** A key that in all likelihood nobody else has; if somebody has, nothing is made. */
export function randomKey(): number {
  return randomInt(1, 2 ** 31);
}

/** Removes what may be gone already. */
export function removeIfThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if (!GONE.includes(errnoOf(error) ?? '')) throw error;
  }
}

const GONE: readonly string[] = ['EINVAL', 'EIDRM'];
