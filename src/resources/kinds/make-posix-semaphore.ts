import { chmodSync, linkSync, lstatSync, unlinkSync } from 'node:fs';
import type { NamedSemaphores } from '../backend/backend.js';
import { type FreshFile, randomName, removeFreshFile } from '../files/fresh-file.js';
import { type Attempt, resourceFailure } from '../inspect/failure.js';
import { usersOfFile } from '../inspect/holders.js';
import { orNothing } from '../inspect/read.js';
import type { Claim, Make, Site } from '../site.js';
import {
  checkedSemaphore,
  type PosixSemaphoreFacts,
  type PosixSemaphoreRequest,
  requireSemaphores,
  semaphorePath,
  semaphoreSubject,
} from './posix-semaphore.js';

/** The owner's half of a POSIX named semaphore: makes it after the ledger has been told, and removes it. */
export const makePosixSemaphore: Make<PosixSemaphoreRequest> = async (asked, site) => {
  const request = checkedSemaphore(asked);
  const { name, attach } = request;
  const native = await site.native(semaphoreSubject(name));
  const semaphores = requireSemaphores(native, semaphoreSubject(name));
  const made = attach ? undefined : make(request, site, semaphores);
  const facts: PosixSemaphoreFacts = {
    file: made === undefined ? undefined : { dev: made.dev, ino: made.ino },
    native: native.name,
  };
  const release = (): void => {
    if (made !== undefined) removeFreshFile(made);
  };
  const users = (): readonly string[] => (made === undefined ? [] : usersOfFile(made));
  return { name, facts, release, releaseSync: release, users } satisfies Claim;
};

/** libc makes it under a random name, so that its inode is known before it has the name by which others find it. */
function make(
  { name, permits = 0, mode }: PosixSemaphoreRequest,
  site: Site,
  semaphores: NamedSemaphores,
): FreshFile {
  const random = randomName().slice(1);
  const first = semaphorePath(random);
  const path = semaphorePath(name);
  const written = site.ledger.want({ type: 'file', paths: [first, path], onDisk: false });
  try {
    semaphores.create(`/${random}`, permits, mode).close();
    // libc applied the umask, but who asks for a mode means it.
    chmodSync(first, mode);
    const { dev, ino } = lstatSync(first);
    written.have({ type: 'file', dev, ino });
    linkSync(first, path);
    unlinkSync(first);
    return { path, dev, ino, written };
  } catch (error) {
    orNothing(() => unlinkSync(first));
    written.drop();
    const target = { type: 'file', path, dir: '/dev/shm' } as const;
    const attempt: Attempt = { subject: semaphoreSubject(name), operation: 'create', target };
    throw resourceFailure(error, attempt, site.stateDir);
  }
}
