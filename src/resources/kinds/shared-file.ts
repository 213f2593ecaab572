import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { ResourceExistsError, SharedLayoutError } from '../../core/index.js';
import type { ResourceRequest } from '../../runtime/index.js';
import type { Native, NativeName } from '../backend/backend.js';
import { checkName, checkWhole, refuse } from '../checks.js';
import { makeFreshFile } from '../files/fresh-file.js';
import { reserve, writeWhole } from '../files/reserve.js';
import { attempted, errnoOf } from '../inspect/failure.js';
import { holdersOfFile } from '../inspect/holders.js';
import { named } from '../inspect/processes.js';
import type { Claim, Make, Site } from '../site.js';
import { type FileUse, useFound, useMade } from './file-use.js';
import { layoutDifference } from './layout-words.js';

/**
 * Asks for a file in memory that outlives its users: made by whoever comes first in a scope, with `image` as its first bytes, and removed with
 * the last registry that uses it, when that closes or its process is dead. All shared state (locks, cells, scoreboards) lives in such files.
 *
 * The file appears under its name only when it is whole. Its path is `<memoryDir>/treewarden-<uid>.<scope>.<name>`.
 */
export interface SharedFileRequest extends ResourceRequest {
  readonly kind: SharedFileKind;
  readonly name: string;
  /** How long it is at least; users may append to it. */
  readonly bytes: number;
  /** What it begins with, in base64: a header whose first 16 bytes (magic, layout version, sizes) must be equal in a file that is there already. */
  readonly image: string;
}

export type SharedFileKind = 'mutex' | 'rw-lock' | 'semaphore' | 'snapshot-cell' | 'scoreboard';

export interface SharedFileFacts {
  readonly path: string;
  readonly bytes: number;
  /** Whether this registry made it. */
  readonly owned: boolean;
  /** How the registry reaches the operating system, and so its users do; `'auto'` where it is not said. */
  readonly native?: NativeName | 'files';
}

/**
 * Makes the file, or finds it. Either way it belongs to the registry from then on, so releasing the claim removes nothing.
 *
 * @throws ResourceExistsError if what has that name belongs to another user, or is no file that only this user may write
 * @throws SharedLayoutError if it holds something else
 * @throws ResourceLimitError if the file system is full
 * @throws ResourceError if somebody who is about to remove it does not get on with that
 * @throws ScopeClosedError if the owner ends meanwhile
 */
export const makeSharedFile: Make<SharedFileRequest> = async (request, site): Promise<Claim> => {
  const wanted = checked(request, site);
  const native = await site.nativeIfAny();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    // Without a pause, so that two owners in this process cannot cross.
    const use = find(wanted, site) ?? attempted(attemptAt(wanted, site), () => make(wanted, site, native));
    if (use !== undefined && (await use.lasts(wanted.subject, site))) return claimOf(wanted, use, native);
  }
  throw new ResourceExistsError(wanted.subject, undefined, `${wanted.path} comes and goes. Try again.`);
};

/** Somebody makes and removes it as fast as we look: more rounds than two honest programs could need. */
const MOST_ROUNDS = 100;
const HEADER_BYTES = 16;

interface Wanted {
  readonly subject: string;
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly image: Buffer;
}

function checked({ kind, name, bytes, image }: SharedFileRequest, site: Site): Wanted {
  checkName(kind, 'name', name);
  const subject = `${kind} "${name}"`;
  checkWhole(subject, 'bytes', bytes, HEADER_BYTES);
  const first = typeof image === 'string' ? Buffer.from(image, 'base64') : Buffer.alloc(0);
  if (first.length < HEADER_BYTES || first.length > bytes) {
    refuse(subject, 'image', image, `base64 of ${HEADER_BYTES} to ${bytes} bytes`);
  }
  return { subject, name, bytes, image: first, path: pathOf(site, name) };
}

/** Where the file of a name is. */
export function pathOf({ memoryDir, scope }: Pick<Site, 'memoryDir' | 'scope'>, name: string): string {
  return join(memoryDir, `treewarden-${process.getuid?.() ?? 0}.${scope}.${name}`);
}

/** The file that is there, whoever made it; nothing if there is none. */
function find(wanted: Wanted, site: Site): FileUse | undefined {
  const fd = attempted(attemptAt(wanted, site), () => openExisting(wanted));
  if (fd === undefined) return undefined;
  try {
    const stat = fstatSync(fd);
    checkHonest(wanted, stat);
    checkLayout(wanted, stat, fd);
    const { dev, ino } = stat;
    return attempted(attemptAt(wanted, site), () => useFound({ path: wanted.path, dev, ino }, site));
  } finally {
    closeSync(fd);
  }
}

function openExisting({ path, subject }: Wanted): number | undefined {
  try {
    // Without O_NONBLOCK somebody's pipe of that name would keep us for ever.
    return openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT') return undefined;
    if (errno === 'ELOOP' || errno === 'ENXIO' || errno === 'EISDIR') {
      throw new ResourceExistsError(subject, undefined, `${path} is no regular file. ${UNTOUCHED}`);
    }
    throw error;
  }
}

/** /dev/shm is open to all: what another user has put there, or may write, is not to be trusted. */
function checkHonest({ subject, path }: Wanted, stat: Stats): void {
  const wrong = !stat.isFile()
    ? 'is no regular file'
    : stat.uid !== (process.getuid?.() ?? stat.uid)
      ? `belongs to user ${stat.uid}`
      : (stat.mode & 0o022) !== 0
        ? 'may be written by other users'
        : undefined;
  if (wrong === undefined) return;
  throw new ResourceExistsError(subject, `user ${stat.uid}`, `${path} ${wrong}. ${UNTOUCHED}`);
}

const UNTOUCHED = 'It was not touched. Choose another name, or remove it.';

function checkLayout({ subject, bytes, image }: Wanted, stat: Stats, fd: number): void {
  const header = Buffer.alloc(HEADER_BYTES);
  readSync(fd, header, 0, HEADER_BYTES, 0);
  const asked = image.subarray(0, HEADER_BYTES);
  if (!header.equals(asked)) {
    const differing = layoutDifference(header, asked);
    throw new SharedLayoutError(subject, differing.found, differing.asked);
  }
  if (stat.size < bytes) throw new SharedLayoutError(subject, `${stat.size} bytes`, `at least ${bytes}`);
}

function make({ path, bytes, image }: Wanted, site: Site, native: Native | undefined): FileUse | undefined {
  const made = makeFreshFile({
    ledger: site.ledger,
    path,
    shared: true,
    fill: (fd) => {
      reserve(fd, bytes, native);
      writeWhole(fd, image, 0);
    },
  });
  return made && useMade(made, site);
}

function claimOf({ name, path, bytes }: Wanted, { owned }: FileUse, native: Native | undefined): Claim {
  const facts: SharedFileFacts = { path, bytes, owned, native: native?.name ?? 'files' };
  const nothing = (): void => undefined;
  return { name, facts, release: nothing, releaseSync: nothing, users: () => usersOf(path) };
}

function usersOf(path: string): readonly string[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? [] : holdersOfFile(stat).map(({ pid }) => named(pid));
}

function attemptAt({ subject, path, bytes }: Wanted, { memoryDir }: Site): Parameters<typeof attempted>[0] {
  return { subject, operation: 'create', target: { type: 'file', path, dir: memoryDir, bytes } };
}
