import { randomBytes } from 'node:crypto';
import { closeSync, constants, lstatSync, mkdirSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isOnDisk } from '../files/fresh-file.js';
import { reserve } from '../files/reserve.js';
import type { Written } from '../guard/entry.js';
import { type Attempt, attempted, errnoOf } from '../inspect/failure.js';
import { orNothing } from '../inspect/read.js';
import type { Claim, Make } from '../site.js';
import { checkedTemporary, type TemporaryRequest } from './temporary.js';

/** The owner's half of a temporary file. Its name is random, so that the name alone makes it ours. */
export const makeTemporaryFile: Make<TemporaryRequest> = async (asked, site): Promise<Claim> => {
  const request = checkedTemporary(asked);
  const native = request.bytes === 0 ? undefined : await site.nativeIfAny();
  const path = randomPath(request);
  const { O_CREAT, O_EXCL, O_RDWR } = constants;
  const written = attempted(attempt(request, path), () => {
    const entry = site.ledger.want({
      type: 'file',
      paths: [path],
      onDisk: isOnDisk(resolve(request.directory)),
    });
    return madeOrDropped(entry, path, () => {
      const fd = openSync(path, O_CREAT | O_EXCL | O_RDWR, 0o600);
      try {
        if (request.bytes > 0) reserve(fd, request.bytes, native);
      } finally {
        closeSync(fd);
      }
    });
  });
  const release = (): void => {
    unlinkIfThere(path);
    written.drop();
  };
  return { name: path, facts: { path }, release, releaseSync: release };
};

/** The owner's half of a temporary directory. */
export const makeTemporaryDirectory: Make<TemporaryRequest> = (asked, site): Claim => {
  const request = checkedTemporary(asked);
  const path = randomPath(request);
  const written = attempted(attempt(request, path), () => {
    const entry = site.ledger.want({ type: 'directory', path, onDisk: isOnDisk(resolve(request.directory)) });
    return madeOrDropped(entry, path, () => {
      mkdirSync(path, { mode: 0o700 });
      const { dev, ino } = lstatSync(path);
      entry.have({ type: 'directory', dev, ino });
    });
  });
  return {
    name: path,
    facts: { path },
    release: async () => {
      await rm(path, REMOVAL);
      written.drop();
    },
    releaseSync: () => {
      rmSync(path, REMOVAL);
      written.drop();
    },
  };
};

/** Whoever still writes into it while it is removed makes it "not empty" again; a few more rounds get past that. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 10 } as const;

function randomPath({ directory, name }: TemporaryRequest): string {
  return resolve(directory, `${name}-${randomBytes(9).toString('hex')}`);
}

function madeOrDropped(written: Written, path: string, make: () => void): Written {
  try {
    make();
    return written;
  } catch (error) {
    orNothing(() => rmSync(path, REMOVAL));
    written.drop();
    throw error;
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // Its user has removed it already.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function attempt({ kind, bytes, directory }: TemporaryRequest, path: string): Attempt {
  return {
    subject: `${kind} "${path}"`,
    operation: 'create',
    target: { type: 'file', path, dir: directory, bytes },
  };
}
