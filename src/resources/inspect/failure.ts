import { statSync } from 'node:fs';
import { ResourceError, ResourceExistsError, ResourceLimitError } from '../../core/index.js';
import { type Full, fullFile, fullMemory, fullProcess, fullSegment, fullSet, type Left } from './full.js';
import { usersOfFile, usersOfSegment } from './holders.js';
import { leftByTheDead } from './ledgers.js';
import { named } from './processes.js';
import { orNothing } from './read.js';
import { segments, semaphoreSets } from './system-v.js';

/** What was attempted when the operating system refused. */
export interface Attempt {
  /** The kind and name, as in `shared-memory "frames"`. */
  readonly subject: string;
  readonly operation: Operation;
  readonly target: Target;
}

export type Operation = 'create' | 'attach' | 'open' | 'map' | 'lock' | 'use' | 'remove';

/** A file, or what stands for one. `dir` is in the memory file system that it is made in. */
export interface FileTarget {
  readonly type: 'file';
  readonly path: string;
  readonly dir?: string | undefined;
  readonly bytes?: number | undefined;
}

/** The thing itself, as the operating system knows it. */
export type Target =
  | {
      readonly type: 'segment';
      readonly key?: number | undefined;
      readonly id?: number | undefined;
      readonly bytes?: number | undefined;
    }
  | {
      readonly type: 'semaphore-set';
      readonly key?: number | undefined;
      readonly id?: number | undefined;
      readonly count?: number | undefined;
    }
  | FileTarget;

/**
 * Turns what the operating system said into the error that tells what is wrong and what to do: which limit, how much of it is used and by
 * what. Looks into /proc for that, for some ms. An error that is not the operating system's is returned as it is.
 *
 * @param stateDir - where ledgers are, to tell what `treewarden reclaim` would release
 */
export function resourceFailure(error: unknown, attempt: Attempt, stateDir?: string): unknown {
  const errno = errnoOf(error);
  if (errno === undefined) return error;
  const full = FULL[errno]?.(attempt.target, errno, () =>
    stateDir === undefined ? [] : leftByTheDead(stateDir),
  );
  if (full !== undefined) return limitError(attempt, errno, full, error);
  if (errno === 'EEXIST') return existsFailure(attempt, { cause: error });
  const advice = (ADVICE[errno] ?? unknownAdvice)(attempt);
  return new ResourceError(attempt.subject, attempt.operation, errno, advice, { cause: error });
}

/** Something of that name or key is there, and is not ours. */
export function existsFailure({ subject, target }: Attempt, options?: ErrorOptions): ResourceExistsError {
  return new ResourceExistsError(subject, holderOf(target), existing(target), options);
}

/** Runs a system call of a resource; what it throws is told as {@link resourceFailure} tells it. */
export function attempted<T>(attempt: Attempt, call: () => T, stateDir?: string): T {
  try {
    return call();
  } catch (error) {
    throw resourceFailure(error, attempt, stateDir);
  }
}

/** The symbolic name, as Node's own errors and those of a native backend carry it. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function limitError(attempt: Attempt, errno: string, full: Full, cause: unknown): ResourceLimitError {
  const { subject, operation } = attempt;
  return new ResourceLimitError(subject, operation, errno, full.limit, full.leftovers, full.advice, {
    cause,
  });
}

type Exhausted = (target: Target, errno: string, left: Left) => Full | undefined;

const ofTarget: Exhausted = (target, errno, left) => {
  if (target.type === 'segment') return fullSegment(target.bytes, errno, left);
  if (target.type === 'semaphore-set') return fullSet(target.count, errno, left);
  return target.dir === undefined ? undefined : fullFile(target.dir, target.bytes, errno, left);
};

const FULL: Readonly<Record<string, Exhausted>> = {
  ENOSPC: ofTarget,
  // shmget and semget say so of a size, too; anything else is not a limit.
  EINVAL: (target, errno, left) => (target.type === 'file' ? undefined : ofTarget(target, errno, left)),
  EMFILE: () => fullProcess('RLIMIT_NOFILE'),
  ENFILE: () => fullProcess('fs.file-max'),
  ENOMEM: (target) =>
    fullMemory('bytes' in target ? target.bytes : 0) ??
    fullProcess('vm.max_map_count') ??
    fullProcess('RLIMIT_AS'),
  EAGAIN: () => fullProcess('RLIMIT_MEMLOCK'),
};

const ADVICE: Readonly<Record<string, (attempt: Attempt) => string>> = {
  ENOENT: ({ target }) => `there is no ${what(target)}. Make it first, or correct the name.`,
  EIDRM: ({ target }) => `${what(target)} has been removed meanwhile. Acquire it again.`,
  EACCES: ({ target, operation }) =>
    operation === 'create'
      ? `this user may not make ${what(target)}. Run as another user, or choose another place.`
      : `${what(target)} belongs to ${belongsTo(target)} and its mode keeps this user out. Let its owner make it with another mode.`,
  EPERM: ({ target }) =>
    `this user may not do that with ${what(target)}, which belongs to ${belongsTo(target)}.`,
  EINVAL: ({ target }) =>
    `${what(target)} is not there, or is smaller than was asked for. Ask for the size that it has.`,
  EOVERFLOW: ({ target }) => `${what(target)} is smaller than was asked for. Ask for the size that it has.`,
  ENOSPC: ({ target }) => `what ${what(target)} is made in was full, and is no longer. Try again.`,
  EMFILE: () =>
    'this process has too many files open. Close some, or raise `ulimit -n` in the shell that starts it.',
  ENFILE: () => 'the machine has too many files open. Raise the limit: `sysctl fs.file-max`.',
  ENOMEM: () => 'there is not enough memory. Ask for less, or free some.',
  ENAMETOOLONG: ({ target }) => `${what(target)} is longer than a path may be. Choose a shorter one.`,
  ENOTDIR: ({ target }) => `something above ${what(target)} is no directory. Correct the path.`,
  EISDIR: ({ target }) => `${what(target)} is a directory. Choose another path.`,
  ELOOP: ({ target }) => `${what(target)} is a symbolic link. Choose another path, or name what it leads to.`,
  EROFS: ({ target }) => `${what(target)} is in a file system that is read-only. Choose another place.`,
};

function unknownAdvice({ target }: Attempt): string {
  return `the system call for ${what(target)} failed; the cause says which one.`;
}

function existing(target: Target): string {
  const holder = holderOf(target);
  const by = holder === undefined ? '' : `, ${holder}`;
  return (
    `${what(target)} exists already${by}. It was not touched. Choose another ${target.type === 'file' ? 'name' : 'key'}, ` +
    'or use what is there with { attach: true }.'
  );
}

/** Who has it, as far as that can be seen. */
function holderOf(target: Target): string | undefined {
  if (target.type === 'segment') {
    const found = segments().find(({ id, key }) => id === target.id || key === target.key);
    if (found === undefined) return undefined;
    return `id ${found.id}, made by ${named(found.cpid)}, ${used(usersOfSegment(found.id), found.attached)}`;
  }
  if (target.type === 'semaphore-set') {
    const found = semaphoreSets().find(({ id, key }) => id === target.id || key === target.key);
    return found === undefined ? undefined : `id ${found.id}, of user ${found.uid}`;
  }
  const stat = orNothing(() => statSync(target.path));
  if (stat === undefined) return undefined;
  const users = usersOfFile(stat);
  return `of user ${stat.uid}, ${used(users, users.length)}`;
}

function used(users: readonly string[], count: number): string {
  if (count === 0) return 'used by nobody at present';
  return users.length === 0 ? `attached ${count} times` : `used by ${users.join(', ')}`;
}

function belongsTo(target: Target): string {
  const uid =
    target.type === 'segment'
      ? segments().find(({ id, key }) => id === target.id || key === target.key)?.uid
      : target.type === 'semaphore-set'
        ? semaphoreSets().find(({ id, key }) => id === target.id || key === target.key)?.uid
        : orNothing(() => statSync(target.path).uid);
  return uid === undefined ? 'another user' : `user ${uid}`;
}

function what(target: Target): string {
  if (target.type === 'file') return target.path;
  const noun = target.type === 'segment' ? 'System V segment' : 'System V semaphore set';
  return target.key === undefined
    ? `${noun} ${target.id ?? ''}`.trim()
    : `${noun} of key ${keyText(target.key)}`;
}

/** As `ipcs` shows it. */
export function keyText(key: number): string {
  return `0x${(key >>> 0).toString(16).padStart(8, '0')}`;
}
