import { CapabilityError, checkNames, ReleasedError, ResourceError } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import type { NamedSemaphore, NamedSemaphores, Native, NativeName } from '../backend/backend.js';
import { loadNative } from '../backend/choose.js';
import { checkName, checkWhole, refuse, subjectOf } from '../checks.js';
import { isAt } from '../files/fresh-file.js';
import { type Attempt, attempted } from '../inspect/failure.js';
import type { FileIdentity } from '../inspect/holders.js';
import { BaseLease, kindOf } from '../kind.js';
import { checkMode } from './shared-memory.js';

/** Which POSIX semaphore, and whether it is made or only used. */
export interface PosixSemaphoreOptions {
  /** Its name, without the slash that `sem_open` wants. */
  readonly name: string;
  /** How many permits it begins with, from 0. Left out only when it is attached to. */
  readonly permits?: number;
  /** Who may use it, as of a file; without effect with `attach`. @defaultValue 0o600 */
  readonly mode?: number;
  /** Somebody else made it and will remove it: it is only used. @defaultValue false */
  readonly attach?: boolean;
}

/** What is asked for, once it is checked. */
export interface PosixSemaphoreRequest extends ResourceRequest {
  readonly kind: 'posix-semaphore';
  readonly name: string;
  readonly permits?: number | undefined;
  readonly mode: number;
  readonly attach: boolean;
}

export interface PosixSemaphoreFacts {
  /** Undefined for one that somebody else made. */
  readonly file?: FileIdentity | undefined;
  readonly native: NativeName;
}

/** A POSIX named semaphore in use. None of its calls waits. */
export interface PosixSemaphore extends Lease {
  readonly kind: 'posix-semaphore';
  /** Where the file of it is. */
  readonly path: string;
  /** The permits that are free. */
  readonly value: number;
  /** Takes a permit; false where there is none. */
  tryTake(): boolean;
  /** Gives a permit: one that this lease has taken, or a new one. */
  give(): void;
}

/**
 * A POSIX named semaphore, as programs in other languages open by `sem_open('/name')`. It is removed when its owner has ended, however it
 * ended; permits that are held at a lease's release are given back.
 *
 * Nobody gives back what a killed process held: among programs of one's own use `semaphore()`. Needs Linux and the optional package koffi.
 * @throws InvalidSpecError if an option is wrong
 */
export function posixSemaphore(options: PosixSemaphoreOptions): ResourceKind<PosixSemaphore> {
  checkNames('POSIX semaphore', options, ['name', 'permits', 'mode', 'attach']);
  const { name, permits, mode = 0o600, attach = false } = options;
  return kindOf(checkedSemaphore({ kind: 'posix-semaphore', name, permits, mode, attach }), attachSemaphore);
}

/** @throws InvalidSpecError; asked again where it is made, since it may have come by message */
export function checkedSemaphore(request: PosixSemaphoreRequest): PosixSemaphoreRequest {
  const { name, permits, mode, attach } = request;
  const subject = semaphoreSubject(name);
  checkName(subject, 'name', name);
  checkMode(subject, mode);
  if (typeof attach !== 'boolean') refuse(subject, 'attach', attach, 'true or false');
  if (permits !== undefined || !attach) checkWhole(subject, 'permits', permits, 0, 2 ** 31 - 1);
  return request;
}

export function semaphoreSubject(name: string): string {
  return subjectOf('POSIX semaphore', name);
}

/** Where glibc and musl keep the file of a named semaphore. */
export function semaphorePath(name: string): string {
  return `/dev/shm/sem.${name}`;
}

/** @throws CapabilityError where semaphores are no files, so that the ledger could not name one */
export function requireSemaphores(native: Native | undefined, subject: string): NamedSemaphores {
  if (native?.namedSemaphores !== undefined && process.platform === 'linux') return native.namedSemaphores;
  const advice =
    native === undefined ? 'install the optional package koffi.' : 'use semaphore(), which works here.';
  throw new CapabilityError('posix-semaphores', subject, advice);
}

/** The user's half. */
export async function attachSemaphore(granted: Granted): Promise<PosixSemaphore> {
  // Safe: they come from makePosixSemaphore.
  const { file, native } = granted.facts as PosixSemaphoreFacts;
  const { name } = granted;
  const subject = semaphoreSubject(name);
  const path = semaphorePath(name);
  const semaphores = requireSemaphores(await loadNative(native), subject);
  const attempt: Attempt = { subject, operation: 'open', target: { type: 'file', path } };
  const opened = attempted(attempt, () => semaphores.open(`/${name}`));
  if (file === undefined || isAt(path, file)) return new SemaphoreLease(granted, opened);
  opened.close();
  throw new ResourceError(
    subject,
    'open',
    undefined,
    `${path} is another semaphore by now. Acquire it again.`,
  );
}

class SemaphoreLease extends BaseLease implements PosixSemaphore {
  readonly kind = 'posix-semaphore';
  readonly #opened: NamedSemaphore;
  #held = 0;

  constructor(granted: Granted, opened: NamedSemaphore) {
    super(granted);
    this.#opened = opened;
  }

  get path(): string {
    return semaphorePath(this.name);
  }

  get value(): number {
    return this.#use().value;
  }

  tryTake(): boolean {
    const taken = this.#use().tryWait();
    if (taken) this.#held += 1;
    return taken;
  }

  give(): void {
    this.#use().post();
    this.#held = Math.max(0, this.#held - 1);
  }

  protected detach(): void {
    for (; this.#held > 0; this.#held -= 1) this.#opened.post();
    this.#opened.close();
  }

  #use(): NamedSemaphore {
    if (this.released) throw new ReleasedError(semaphoreSubject(this.name));
    return this.#opened;
  }
}
