import { randomBytes } from 'node:crypto';
import { closeSync, constants, fchmodSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Native } from '../backend/backend.js';
import { makeFreshFile, randomName, removeFreshFile } from '../files/fresh-file.js';
import { reserve } from '../files/reserve.js';
import { type Attempt, attempted, errnoOf, existsFailure, keyText } from '../inspect/failure.js';
import { usersOfFile } from '../inspect/holders.js';
import type { Claim, Make, Site } from '../site.js';
import { makeKeyed, makePrivate } from './make-segment.js';
import {
  checkedRequest,
  type MemoryPlace,
  type SharedMemoryFacts,
  type SharedMemoryRequest,
} from './shared-memory.js';
import { requireMemory, requireSystemV } from './system-v.js';

/** The owner's half of shared memory: makes it, with its pages reserved, after the ledger has been told. */
export const makeSharedMemory: Make<SharedMemoryRequest> = async (asked, site) => {
  const request = checkedRequest(asked);
  const native = await site.nativeIfAny();
  const { place, name, release, users } = request.attach
    ? borrowed(request, site)
    : await made(request, site, native);
  const facts: SharedMemoryFacts = {
    bytes: request.bytes,
    readOnly: request.readOnly,
    native: native?.name ?? 'files',
    ...place,
  };
  return { name: request.name ?? name, facts, release, releaseSync: release, users } satisfies Claim;
};

/** Memory that is there, and how it is let go. */
export interface MadeMemory {
  readonly place: MemoryPlace;
  /** What it is called if it was given no name. */
  readonly name: string;
  /** Synchronous, for it must also run while the process exits. Safe to call twice. */
  readonly release: () => void;
  /** Who uses it at present. */
  readonly users: () => readonly string[];
}

/** What somebody else has made is found by the user's half, and is theirs to remove. */
function borrowed({ backing, name = '', key = 0, fd }: SharedMemoryRequest, site: Site): MadeMemory {
  const release = (): void => undefined;
  const users = (): readonly string[] => [];
  if (fd !== undefined)
    return { place: { backing: 'inherited', fd }, name: `descriptor ${fd}`, release, users };
  if (backing === 'system-v') return { place: { backing, key }, name: keyText(key), release, users };
  return { place: { backing: 'posix', path: join(site.memoryDir, name) }, name, release, users };
}

async function made(
  request: SharedMemoryRequest,
  site: Site,
  native: Native | undefined,
): Promise<MadeMemory> {
  if (request.backing === 'posix') return makeNamed(request, site, native);
  if (request.backing === 'anonymous') return makeAnonymous(request, site, native);
  const systemV = requireSystemV(await site.native(subjectOf(request)), subjectOf(request));
  return request.key === undefined
    ? makePrivate(request, site, systemV)
    : makeKeyed(request, request.key, site, systemV);
}

function makeNamed(request: SharedMemoryRequest, site: Site, native: Native | undefined): MadeMemory {
  const { name = randomName().slice(1), mode } = request;
  const bytes = request.bytes ?? 0;
  const path = join(site.memoryDir, name);
  const target = { type: 'file', path, dir: site.memoryDir, bytes } as const;
  const attempt: Attempt = { subject: subjectOf(request), operation: 'create', target };
  const file = attempted(
    attempt,
    () =>
      makeFreshFile({
        ledger: site.ledger,
        path,
        mode,
        fill: (fd) => {
          // The umask has been applied, but who asks for a mode means it.
          fchmodSync(fd, mode);
          allocate(native, fd, bytes);
        },
      }),
    site.stateDir,
  );
  if (file === undefined) throw existsFailure(attempt);
  const { dev, ino } = file;
  return {
    place: { backing: 'posix', path, file: { dev, ino } },
    name,
    release: () => removeFreshFile(file),
    users: () => usersOfFile(file),
  };
}

function makeAnonymous(request: SharedMemoryRequest, site: Site, native: Native | undefined): MadeMemory {
  const bytes = request.bytes ?? 0;
  const attempt: Attempt = {
    subject: subjectOf(request),
    operation: 'create',
    target: { type: 'file', path: 'memory without a name', dir: site.memoryDir, bytes },
  };
  const fd = attempted(attempt, () => openNameless(native, site.memoryDir), site.stateDir);
  let open = true;
  const release = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  try {
    attempted(attempt, () => allocate(native, fd, bytes), site.stateDir);
    // Whoever is handed the descriptor could end us by making it shorter.
    native?.seal(fd);
  } catch (error) {
    release();
    throw error;
  }
  const { dev, ino } = fstatSync(fd);
  const file = { dev, ino };
  return {
    place: { backing: 'anonymous', pid: process.pid, fd, file },
    name: `anonymous-${randomBytes(4).toString('hex')}`,
    release,
    users: () => usersOfFile(file),
  };
}

function openNameless(native: Native | undefined, dir: string): number {
  try {
    if (native !== undefined) return native.memfd('treewarden');
  } catch (error) {
    if (errnoOf(error) !== 'ENOSYS') throw error;
  }
  if (process.platform === 'linux') return openSync(dir, O_TMPFILE | constants.O_RDWR, 0o600);
  const path = join(dir, randomName());
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  unlinkSync(path);
  return fd;
}

/** A file of this directory that never has a name. Node lists no such constant. @see open(2) */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/** Reserves the pages: a full file system says so here, and not by SIGBUS later. */
function allocate(native: Native | undefined, fd: number, bytes: number): void {
  requireMemory(bytes);
  reserve(fd, bytes, native);
}

/** As it stands in messages before it has a lease. */
export function subjectOf({ name, key }: SharedMemoryRequest): string {
  return `shared memory "${name ?? (key === undefined ? 'without a name' : keyText(key))}"`;
}
