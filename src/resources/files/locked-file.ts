import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AlreadyLockedError, LONGEST_TIMER_MS, ScopeClosedError } from '../../core/index.js';
import type { Native } from '../backend/backend.js';
import type { Written } from '../guard/entry.js';
import { type Attempt, attempted, errnoOf } from '../inspect/failure.js';
import { lockHolder } from '../inspect/lock-holder.js';
import { pause } from '../pause.js';
import type { Site } from '../site.js';
import { checkFlock, takeFlock } from './flock.js';
import { isAt } from './fresh-file.js';
import { writeWhole } from './reserve.js';

/** What is to be locked. */
export interface LockedFileOptions {
  /** As in `file-lock "/run/shop.lock"`. */
  readonly subject: string;
  readonly path: string;
  /** Whose pid is written into it. */
  readonly pid: number;
  /** How long to wait for another holder. */
  readonly timeoutMs: number;
  /** What to do where another holds it, as a sentence. */
  readonly advice: string;
  /** Looks at what the file holds once it is locked. @throws what keeps it from being ours */
  admit(content: string, stat: Stats): void;
}

/**
 * A file that is locked, and says by whom. The kernel gives up the lock with the process; what is left then is the file, which a command in the
 * ledger removes if nobody has locked it again: it takes the lock itself before it does, so it cannot take away another's.
 */
export class LockedFile {
  readonly #fd: number;
  readonly #options: LockedFileOptions;
  readonly #written: Written;
  #released = false;

  private constructor(fd: number, options: LockedFileOptions, written: Written) {
    this.#fd = fd;
    this.#options = options;
    this.#written = written;
  }

  /**
   * @throws AlreadyLockedError if another holds it for longer than `timeoutMs`
   * @throws CapabilityError where there is no `flock`
   * @throws ScopeClosedError if the owner ends meanwhile
   */
  static async lock(options: LockedFileOptions, site: Site): Promise<LockedFile> {
    const native = await site.nativeIfAny();
    await checkFlock(native, options.subject);
    const untilMs =
      site.clock.now() +
      (options.timeoutMs === LONGEST_TIMER_MS ? Number.POSITIVE_INFINITY : options.timeoutMs);
    for (;;) {
      const file = LockedFile.#open(options, site);
      // It may come and go while we look.
      if (file === undefined) continue;
      try {
        await file.#take(native, untilMs, site);
        if (!isAt(options.path, fstatSync(file.#fd))) {
          file.#abandon();
          continue;
        }
        file.#sign();
        return file;
      } catch (error) {
        file.#abandon();
        throw error;
      }
    }
  }

  /** Gives up the lock, and removes the file unless it had content of its own. Safe to call twice. */
  release(): void {
    if (this.#released) return;
    const { path, pid } = this.#options;
    if (contentOf(this.#fd) === line(pid) && isAt(path, fstatSync(this.#fd))) removeOrEmpty(path, this.#fd);
    this.#abandon();
  }

  static #open(options: LockedFileOptions, site: Site): LockedFile | undefined {
    const { path, pid, subject } = options;
    const isNew =
      attempted(attemptAt(subject, path), () => lstatSync(path, { throwIfNoEntry: false })) === undefined;
    const argv = [
      '/bin/sh',
      '-c',
      REMOVAL,
      'treewarden-unlock',
      path,
      String(pid),
      isNew ? 'new' : 'found',
    ] as const;
    const written = site.ledger.want({ type: 'command', argv });
    written.have({ type: 'command' });
    try {
      const fd = attempted(attemptAt(subject, path), () => openEither(path, isNew));
      if (fd !== undefined) return new LockedFile(fd, options, written);
      written.drop();
      return undefined;
    } catch (error) {
      written.drop();
      throw error;
    }
  }

  async #take(native: Native | undefined, untilMs: number, { clock, signal, owner }: Site): Promise<void> {
    const { subject, path } = this.#options;
    const attempt = attemptAt(subject, path);
    for (
      let waitMs = 1;
      !(await takeFlock(this.#fd, native, attempt));
      waitMs = Math.min(waitMs * 2, SLOWEST_MS)
    ) {
      const leftMs = untilMs - clock.now();
      if (leftMs <= 0) throw this.#busy();
      await pause(clock, Math.min(waitMs, leftMs), signal);
      if (signal.aborted) throw new ScopeClosedError(owner.path, subject);
      // Its holder has removed it, and the next one makes another.
      if (!isAt(path, fstatSync(this.#fd))) return;
    }
  }

  /** Whatever it holds that is no pid is left alone. */
  #sign(): void {
    const content = contentOf(this.#fd);
    this.#options.admit(content, fstatSync(this.#fd));
    if (content !== '' && pidIn(content) === undefined) return;
    ftruncateSync(this.#fd, 0);
    writeWhole(this.#fd, Buffer.from(line(this.#options.pid)), 0);
  }

  #busy(): AlreadyLockedError {
    const { subject, advice } = this.#options;
    const holder = pidIn(contentOf(this.#fd)) ?? lockHolder(fstatSync(this.#fd));
    const who = holder === undefined ? 'another process' : `pid ${holder}`;
    return new AlreadyLockedError(subject, holder, `${who} holds it. ${advice}`);
  }

  #abandon(): void {
    if (this.#released) return;
    this.#released = true;
    closeSync(this.#fd);
    this.#written.drop();
  }
}

/** The pid that a file names; nothing if it holds anything else. */
export function pidIn(content: string): number | undefined {
  const found = /^\s*(\d{1,10})\s*$/.exec(content)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Between two looks at a lock that another holds: the kernel tells nobody when it is free. */
const SLOWEST_MS = 50;
/** More than any pid takes: what is longer is somebody's content. */
const LONGEST_CONTENT_BYTES = 64;

/** Called with the path, the pid and whether we made the file. Under the lock nobody else can be in it, or come into it. */
const REMOVAL = `
[ -f "$1" ] && [ ! -L "$1" ] && exec 9<"$1" && flock -x -n 9 && [ "$1" -ef /dev/fd/9 ] || exit 0
pid=
read -r pid <&9
[ "$pid" = "$2" ] || { [ -z "$pid" ] && [ "$3" = new ]; } || exit 0
rm -f -- "$1"`;

function openEither(path: string, isNew: boolean): number | undefined {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0), 0o644);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === (isNew ? 'EEXIST' : 'ENOENT')) return undefined;
    throw error;
  }
}

/** Where the directory may not be changed, somebody has made the file for us beforehand. */
function removeOrEmpty(path: string, fd: number): void {
  try {
    unlinkSync(path);
  } catch {
    ftruncateSync(fd, 0);
  }
}

function contentOf(fd: number): string {
  const bytes = Buffer.alloc(LONGEST_CONTENT_BYTES);
  return bytes.toString('latin1', 0, readSync(fd, bytes, 0, LONGEST_CONTENT_BYTES, 0));
}

function line(pid: number): string {
  return `${pid}\n`;
}

function attemptAt(subject: string, path: string): Attempt {
  return { subject, operation: 'lock', target: { type: 'file', path, dir: dirname(path) } };
}
