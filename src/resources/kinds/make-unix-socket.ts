import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  rmSync,
  type Stats,
  symlinkSync,
} from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { CapabilityError, ResourceExistsError } from '../../core/index.js';
import { takeFlock } from '../files/flock.js';
import { type FreshFile, isAt, isOnDisk, makeFresh, removeFreshFile } from '../files/fresh-file.js';
import { ownUid } from '../guard/state-dir.js';
import { type Attempt, attempted, errnoOf } from '../inspect/failure.js';
import { named } from '../inspect/processes.js';
import { pause } from '../pause.js';
import type { Claim, Make, Site } from '../site.js';
import { lifeOfSocketName, socketName } from './socket-name.js';
import { checkedUnixSocket, type UnixSocketFacts, type UnixSocketRequest } from './unix-socket.js';

/** The owner's half of a Unix socket: a hidden name to listen on, and the link by which clients find it. */
export const makeUnixSocket: Make<UnixSocketRequest> = async (asked, site): Promise<Claim> => {
  const { path: address } = checkedUnixSocket(asked);
  const dir = dirname(address);
  const path = join(dir, socketName());
  const attempt: Attempt = {
    subject: `unix-socket "${address}"`,
    operation: 'create',
    target: { type: 'file', path: address, dir },
  };
  // Without an identity, as it comes to be when the server listens; its name says enough.
  const socket = attempted(attempt, () =>
    site.ledger.want({ type: 'file', paths: [path], onDisk: isOnDisk(dir) }),
  );
  try {
    const link = await reserve(address, path, attempt, site);
    const facts: UnixSocketFacts = { path, address };
    const release = (): void => {
      removeFreshFile(link);
      rmSync(path, { force: true });
      socket.drop();
    };
    return { name: address, facts, release, releaseSync: release };
  } catch (error) {
    socket.drop();
    throw error;
  }
};

/** Makes the link, however often something dead is in the way. */
async function reserve(address: string, path: string, attempt: Attempt, site: Site): Promise<FreshFile> {
  const create = (random: string): Stats => {
    symlinkSync(basename(path), random);
    return lstatSync(random);
  };
  for (;;) {
    const link = attempted(attempt, () => makeFresh({ ledger: site.ledger, path: address, create }));
    if (link !== undefined) return link;
    const found = lstatSync(address, { throwIfNoEntry: false });
    if (found === undefined) continue;
    await checkDead(address, found, attempt.subject);
    await waitForItsGuardian(address, found, site);
    await removeDead(address, found, attempt, site);
  }
}

/** @throws ResourceExistsError unless it is what a dead server of this user has left */
async function checkDead(address: string, found: Stats, subject: string): Promise<void> {
  const refuse = (holder: string | undefined, why: string): never => {
    throw new ResourceExistsError(
      subject,
      holder,
      `${why}. It was not touched. Choose another path, or end what serves there.`,
    );
  };
  if (found.uid !== ownUid()) refuse(`user ${found.uid}`, `${address} belongs to user ${found.uid}`);
  const owner = found.isSymbolicLink() ? lifeOfSocketName(readlinkSync(address)) : undefined;
  if (owner?.life === 'dead') return;
  if (owner?.life === 'alive') refuse(named(owner.pid), `${named(owner.pid)} has reserved ${address}`);
  if (owner === undefined && !found.isSocket()) refuse(undefined, `${address} is no socket`);
  const errno = await knock(address);
  if (errno === 'ECONNREFUSED') return;
  refuse(
    undefined,
    errno === undefined
      ? `somebody serves at ${address}`
      : `whether somebody serves at ${address} cannot be told (${errno})`,
  );
}

/** How a connection is refused; nothing if it is not. */
function knock(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('connect', () => {
      // Politely: a server that finds its connection reset may not be prepared for that. It keeps nobody running.
      socket.unref().resume().end();
      resolve(undefined);
    });
    socket.on('error', (error) => resolve(errnoOf(error) ?? 'error'));
  });
}

/**
 * What one of ours has left is removed by its guardian within milliseconds of its death. It could mistake our link for its own if we made it
 * between its look and its step, so it is given time to be done.
 */
async function waitForItsGuardian(address: string, found: Stats, { clock }: Site): Promise<void> {
  if (!found.isSymbolicLink()) return;
  const untilMs = clock.now() + GUARDIAN_MS;
  while (clock.now() < untilMs && isAt(address, found)) await pause(clock, 10);
}

const GUARDIAN_MS = 1_000;

/** One at a time in a directory, so that nobody removes what another has just put in the place of the dead. */
async function removeDead(address: string, found: Stats, attempt: Attempt, site: Site): Promise<void> {
  const fd = openSync(dirname(address), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await waitForTurn(fd, attempt, site);
    if (!isStill(address, found)) return;
    const target = found.isSymbolicLink()
      ? join(dirname(address), basename(readlinkSync(address)))
      : undefined;
    rmSync(address, { force: true });
    if (target !== undefined) rmSync(target, { force: true });
  } finally {
    closeSync(fd);
  }
}

/** An inode alone does not tell: on a disk the next thing that is made may get that of the one that was removed. */
function isStill(path: string, found: Stats): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false });
  return now?.dev === found.dev && now.ino === found.ino && now.ctimeMs === found.ctimeMs;
}

/** Who keeps the directory locked for ever has other things in mind: then it is done without. */
async function waitForTurn(fd: number, attempt: Attempt, { clock, nativeIfAny }: Site): Promise<void> {
  const native = await nativeIfAny();
  const untilMs = clock.now() + TURN_MS;
  try {
    while (!(await takeFlock(fd, native, attempt)) && clock.now() < untilMs) await pause(clock, 5);
  } catch (error) {
    if (!(error instanceof CapabilityError)) throw error;
  }
}

const TURN_MS = 2_000;
