import { refuse } from '../checks.js';
import type { Make } from '../site.js';
import { makeCustom } from './make-custom.js';
import { makeFileLock } from './make-file-lock.js';
import { makeSharedMemory } from './make-memory.js';
import { makePidFile } from './make-pid-file.js';
import { makePosixSemaphore } from './make-posix-semaphore.js';
import { makeProcessGroup } from './make-process-group.js';
import { makeSemaphoreSet } from './make-semaphore-set.js';
import { makeTemporaryDirectory, makeTemporaryFile } from './make-temporary.js';
import { makeUnixSocket } from './make-unix-socket.js';
import { makeInstanceLock, makeMarkedProcesses, makeProgramGroup } from './process-makers.js';
import { makeSharedFile } from './shared-file.js';

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
  'marked-processes': makeMarkedProcesses,
  'instance-lock': makeInstanceLock,
  'program-group': makeProgramGroup,
  'shared-memory': makeSharedMemory,
  'semaphore-set': makeSemaphoreSet,
  'posix-semaphore': makePosixSemaphore,
} as const satisfies Readonly<Record<string, Make<never>>>;
