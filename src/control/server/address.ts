import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, type Stats } from 'node:fs';
import type { Server } from 'node:net';
import { dirname, join } from 'node:path';
import { ControlError } from '../../core/index.js';
import { look } from '../find.js';
import { checkPathLength, modeOf, ownUid } from '../place.js';

/** How long a program that serves at our place already is given to say who it is, in ms. */
const WHO_MS = 1000;

/** The name by which a server is found, as it was made. */
export interface Address {
  readonly path: string;
  /** Why others could connect, if its mode has been changed; nothing if they cannot. */
  fault(): string | undefined;
  /** Takes the name away, unless it is another's by now. Safe to call twice. */
  remove(): void;
}

/**
 * Has a server listen at a path, for this user alone from the first moment on. What a dead program has left there is replaced; what lives is not.
 *
 * @throws ControlError `'in-use'` where somebody else serves, or what is there is no socket of this user's
 */
export async function listenAt(server: Server, path: string): Promise<Address> {
  checkPathLength(path);
  try {
    // Where others cannot even look for it, it is made in place: so tools that clean up know that it is alive.
    await (isSecluded(dirname(path)) ? makeInPlace : makeHidden)(server, path);
  } catch (error) {
    throw error instanceof ControlError ? error : notMade(path, error as NodeJS.ErrnoException);
  }
  return addressAt(path);
}

function addressAt(path: string): Address {
  const made = lstatSync(path);
  const look = (): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
  return {
    path,
    fault: () => {
      const now = look();
      return now !== undefined && (now.mode & 0o077) !== 0 ? `its mode is ${modeOf(now)}` : undefined;
    },
    remove: () => {
      if (isSame(look(), made)) rmSync(path, { force: true });
    },
  };
}

function isSecluded(directory: string): boolean {
  return (lstatSync(directory).mode & 0o077) === 0;
}

async function makeInPlace(server: Server, path: string): Promise<void> {
  for (;;) {
    try {
      await listen(server, path);
      return chmodSync(path, 0o600);
    } catch (error) {
      if (errnoOf(error) !== 'EADDRINUSE') throw error;
    }
    await clear(path);
  }
}

/** In a directory of its own first: the mode of a new socket is what the program's umask leaves, and others could connect before that is changed. */
async function makeHidden(server: Server, path: string): Promise<void> {
  const hidden = mkdtempSync(join(dirname(path), '.'));
  try {
    const made = join(hidden, 's');
    checkPathLength(made);
    await listen(server, made);
    chmodSync(made, 0o600);
    while (!linked(made, path)) await clear(path);
  } finally {
    rmSync(hidden, { recursive: true, force: true });
  }
}

function linked(made: string, path: string): boolean {
  try {
    linkSync(made, path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // Exclusive: a worker of a cluster would else have its primary listen for all of them.
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Takes away what a dead program has left. @throws ControlError for anything else */
async function clear(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw inUse(path, 'what is there is no socket');
  if (found.uid !== ownUid()) throw inUse(path, `the socket there belongs to user ${found.uid}`);
  const tree = await look(path, WHO_MS);
  if (tree === undefined) return;
  if (tree.state === 'stale') return takeAway(path, found);
  const { server } = tree;
  if (server === undefined) throw inUse(path, 'a program serves there that does not say who it is');
  throw inUse(path, `the tree "${server.tree}" of pid ${server.pid} listens there`, { ...server });
}

/** Two that start at the same moment both find the dead one's; what the quicker has put in its place is put back. */
function takeAway(path: string, found: Stats): void {
  const aside = mkdtempSync(join(dirname(path), '.'));
  const moved = join(aside, 's');
  try {
    renameSync(path, moved);
    if (!isSame(lstatSync(moved), found)) linked(moved, path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function isSame(one: Stats | undefined, other: Stats): boolean {
  return one?.dev === other.dev && one.ino === other.ino;
}

function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function inUse(path: string, why: string, facts: object = {}): ControlError {
  return new ControlError(
    'in-use',
    `The control socket ${path} is taken: ${why}. It was not touched. End that, or give this tree another name, directory or path by control.`,
    { path, ...facts },
  );
}

function notMade(path: string, error: NodeJS.ErrnoException): ControlError {
  const { code: errno } = error;
  return new ControlError(
    'not-reachable',
    `The control socket ${path} could not be made (${errno}): ${error.message}. Give control a path that this user can make a socket at.`,
    { path, errno },
    { cause: error },
  );
}
