import { refuse } from './checks.js';
import { makeCustom } from './kinds/make-custom.js';
import { makeFileLock } from './kinds/make-file-lock.js';
import { makeSharedMemory } from './kinds/make-memory.js';
import { makePidFile } from './kinds/make-pid-file.js';
import { makePosixSemaphore } from './kinds/make-posix-semaphore.js';
import { makeProcessGroup } from './kinds/make-process-group.js';
import { makeSemaphoreSet } from './kinds/make-semaphore-set.js';
import { makeTemporaryDirectory, makeTemporaryFile } from './kinds/make-temporary.js';
import { makeUnixSocket } from './kinds/make-unix-socket.js';
import { makeSharedFile } from './kinds/shared-file.js';
import type { Make } from './site.js';

/**
 * The owner's half of a kind. A request may have come by message, so a kind that is not in the table is refused in plain words.
 *
 * @throws InvalidSpecError if there is no such kind
 */
export function makeOf(kind: string): Make {
  const make = Object.hasOwn(MAKERS, kind) ? MAKERS[kind as keyof typeof MAKERS] : undefined;
  if (make === undefined) {
    return refuse('a resource', 'kind', kind, `one of ${Object.keys(MAKERS).join(', ')}`);
  }
  return make as Make;
}

const MAKERS = {
  mutex: makeSharedFile,
  'rw-lock': makeSharedFile,
  semaphore: makeSharedFile,
  'snapshot-cell': makeSharedFile,
  scoreboard: makeSharedFile,
  'file-lock': makeFileLock,
  'pid-file': makePidFile,
  'temporary-file': makeTemporaryFile,
  'temporary-directory': makeTemporaryDirectory,
  'unix-socket': makeUnixSocket,
  'process-group': makeProcessGroup,
  custom: makeCustom,
  'shared-memory': makeSharedMemory,
  'semaphore-set': makeSemaphoreSet,
  'posix-semaphore': makePosixSemaphore,
} as const satisfies Readonly<Record<string, Make<never>>>;
