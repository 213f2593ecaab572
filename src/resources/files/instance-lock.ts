import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync, unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AlreadyLockedError, CapabilityError, ScopeClosedError } from '../../core/index.js';
import type { Native } from '../backend/backend.js';
import type { Written } from '../guard/entry.js';
import { lifeOf } from '../guard/identity.js';
import { signalCarrier } from '../guard/marked.js';
import { openScopeDir } from '../guard/state-dir.js';
import { type Attempt, attempted } from '../inspect/failure.js';
import { lockHolder } from '../inspect/lock-holder.js';
import { named } from '../inspect/processes.js';
import { orNothing, readNames } from '../inspect/read.js';
import { pause } from '../pause.js';
import { scopeNamed } from '../registry/standalone.js';
import type { Site } from '../site.js';
import { takeFlock } from './flock.js';
import { isAt } from './fresh-file.js';
import { holdersOfRemoved, type LockHolder, lockHoldersOf } from './lock-holders.js';
import { writeWhole } from './reserve.js';

/** Which name is to be one's own, and what is done about who has it. */
export interface InstanceLockOptions {
  readonly name: string;
  readonly whenHeld: 'kill' | 'wait' | 'refuse';
  /** Between SIGTERM and SIGKILL, in ms. */
  readonly graceMs: number;
}

/**
 * The lock of a name in a scope: an open file of this process that is locked, and that children may inherit. The kernel gives it up when the last
 * copy of the descriptor is closed, so it tells of a child whose supervisor was killed.
 */
export class InstanceLock {
  readonly path: string;
  readonly fd: number;
  readonly #written: Written;
  readonly #take: Take;
  #released = false;

  private constructor(path: string, fd: number, written: Written, take: Take) {
    this.path = path;
    this.fd = fd;
    this.#written = written;
    this.#take = take;
  }

  /**
   * @throws AlreadyLockedError naming the holder, where it is not to be killed or waited for, or cannot be killed
   * @throws CapabilityError where there is neither the program `flock` nor libc
   * @throws ScopeClosedError if the owner ends meanwhile
   */
  static async take(options: InstanceLockOptions, site: Site): Promise<InstanceLock> {
    const subject = `instance-lock "${options.name}"`;
    const path = join(
      realpathSync(openScopeDir(site.stateDir, site.scope)),
      `${scopeNamed(options.name)}.lock`,
    );
    const written = site.ledger.want({
      type: 'command',
      argv: ['/bin/sh', '-c', REMOVAL, 'treewarden-unlock', path],
    });
    try {
      written.have({ type: 'command' });
      const take = taker(site, attemptAt(subject, path));
      const fd = await new Taking(subject, path, options, site, take).lock();
      return new InstanceLock(path, fd, written, take);
    } catch (error) {
      written.drop();
      throw error;
    }
  }

  /** Who holds it at present, as it stands in messages. */
  holders(): readonly string[] {
    return lockHoldersOf(this.path).map(({ pid }) => named(pid));
  }

  /** Closes our copy, and removes the file where nobody has another. Safe to call twice. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    closeSync(this.fd);
    try {
      await this.#remove();
    } finally {
      this.#written.drop();
    }
  }

  async #remove(): Promise<void> {
    const fd = orNothing(() => openSync(this.path, constants.O_RDWR | constants.O_NOFOLLOW));
    if (fd === undefined) return;
    try {
      // Locked by nobody but us, it can be taken from nobody: who waits for it looks again whether it is there.
      if ((await this.#take(fd)) && isAt(this.path, fstatSync(fd))) orNothing(() => unlinkSync(this.path));
    } finally {
      closeSync(fd);
    }
  }
}

/** From the first look at a lock until it is ours. */
class Taking {
  readonly #subject: string;
  readonly #path: string;
  readonly #options: InstanceLockOptions;
  readonly #site: Site;
  readonly #take: Take;
  readonly #asked: Set<string> = new Set();
  #limitMs = Number.POSITIVE_INFINITY;
  #unseen = 0;

  constructor(subject: string, path: string, options: InstanceLockOptions, site: Site, take: Take) {
    this.#subject = subject;
    this.#path = path;
    this.#options = options;
    this.#site = site;
    this.#take = take;
  }

  /** @returns the descriptor that holds it */
  async lock(): Promise<number> {
    const { clock, signal, owner } = this.#site;
    for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, SLOWEST_MS)) {
      const fd = await this.#try();
      if (fd !== undefined) return fd;
      await this.#deal(lockHoldersOf(this.#path));
      await pause(clock, waitMs, signal);
      if (signal.aborted) throw new ScopeClosedError(owner.path, 'instance-lock');
    }
  }

  async #try(): Promise<number | undefined> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants;
    const fd = attempted(attemptAt(this.#subject, this.#path), () =>
      openSync(this.#path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600),
    );
    try {
      if ((await this.#take(fd)) && isAt(this.#path, fstatSync(fd)) && this.#isItsFirst(fd)) return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(fd);
    return undefined;
  }

  /** A file without content is new: somebody may hold one of that name which was removed under him. What has content had this name all the time. */
  #isItsFirst(fd: number): boolean {
    if (fstatSync(fd).size > 0) return true;
    if (holdersOfRemoved(this.#path).length > 0) return false;
    writeWhole(fd, Buffer.from(`${this.#options.name}\n`), 0);
    return true;
  }

  async #deal(holders: readonly LockHolder[]): Promise<void> {
    const { whenHeld } = this.#options;
    // It may have been given up between the two looks.
    if (holders.length === 0 && this.#unseen++ < UNSEEN_LOOKS) return;
    if (holders.length > 0) this.#unseen = 0;
    if (whenHeld === 'refuse')
      throw this.#busy(holders, 'End it, or choose what else is to be done where it is held.');
    if (whenHeld === 'wait') return this.#untilOneEnds(holders);
    if (holders.length === 0) throw this.#busy(holders, 'It cannot be seen from here, so it was not ended.');
    const supervisor = holders.find((one) => this.#supervises(one));
    if (supervisor !== undefined)
      throw this.#busy(
        [supervisor],
        'It is alive and supervises what has that name: stop that program, or choose another name.',
      );
    this.#end(holders);
  }

  #end(holders: readonly LockHolder[]): void {
    const nowMs = this.#site.clock.now();
    this.#limitMs = Math.min(this.#limitMs, nowMs + this.#options.graceMs);
    if (nowMs >= this.#limitMs + KILLED_MS)
      throw this.#busy(holders, 'It was killed 5 s ago, and is still there.');
    for (const one of holders) {
      const name = `${one.pid}-${one.startTicks}`;
      if (nowMs >= this.#limitMs) signalCarrier(one, 'SIGKILL');
      else if (!this.#asked.has(name)) {
        this.#asked.add(name);
        // One that was stopped acts on nothing but SIGKILL before it goes on.
        if (signalCarrier(one, 'SIGTERM')) signalCarrier(one, 'SIGCONT');
      }
    }
  }

  /** The kernel tells nobody when a lock is free. While those who have it live, to look at them is cheaper than a try. */
  async #untilOneEnds(holders: readonly LockHolder[]): Promise<void> {
    const { clock, signal } = this.#site;
    const live = (): boolean => holders.every((one) => lifeOf({ ...one, tid: one.pid }) !== 'dead');
    for (let look = 0; look < 20 && holders.length > 0 && live() && !signal.aborted; look++)
      await pause(clock, SLOWEST_MS, signal);
  }

  /** Whether a process has a ledger in this scope. This one is about to have one. */
  #supervises({ pid, startTicks }: LockHolder): boolean {
    const dir = dirname(this.#path);
    return pid === process.pid || readNames(dir).some((name) => name.startsWith(`${pid}-${startTicks}-`));
  }

  #busy(holders: readonly LockHolder[], advice: string): AlreadyLockedError {
    const taker = orNothing(() => lockHolder(lstatSync(this.#path)));
    const pids = holders.length > 0 ? holders.map(({ pid }) => pid) : taker === undefined ? [] : [taker];
    const who = pids.length === 0 ? 'another process' : pids.map(named).join(', ');
    return new AlreadyLockedError(
      this.#subject,
      pids[0],
      `${who} ${pids.length > 1 ? 'hold' : 'holds'} it. ${advice}`,
    );
  }
}

const SLOWEST_MS = 100;
const KILLED_MS = 5_000;
/** So often nobody is found who holds a lock that cannot be had, before it counts as held by somebody who is hidden. */
const UNSEEN_LOOKS = 5;

/** Takes the `flock` of an open file; false where another has it. */
type Take = (fd: number) => Promise<boolean>;

/** By the program first: it takes 2 ms, and libc costs a program that needs it for nothing else more than that, and memory. */
function taker(site: Site, attempt: Attempt): Take {
  let native: Native | undefined;
  return async (fd) => {
    try {
      if (native === undefined) return await takeFlock(fd, undefined, attempt);
    } catch (error) {
      if (error instanceof CapabilityError) native = await site.nativeIfAny();
      if (native === undefined) throw error;
    }
    return takeFlock(fd, native, attempt);
  };
}

/** Called with the path. Under the lock nobody else can have it, or come to have it. */
const REMOVAL = `
[ -f "$1" ] && [ ! -L "$1" ] && exec 9<"$1" && flock -x -n 9 && [ "$1" -ef /dev/fd/9 ] && rm -f -- "$1"
exit 0`;

function attemptAt(subject: string, path: string): Attempt {
  return { subject, operation: 'lock', target: { type: 'file', path, dir: dirname(path) } };
}
