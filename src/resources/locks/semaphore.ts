import type { Granted, ResourceKind } from '../../runtime/index.js';
import { checkWhole } from '../checks.js';
import { kindOf } from '../kind.js';
import type { SharedFileFacts, SharedFileRequest } from '../kinds/shared-file.js';
import type { LockKindOption } from './choice.js';
import { lockHost } from './host.js';
import { lockBytes, lockImage } from './layout.js';
import { type LockHost, type Share, shareLockFile } from './lock-file.js';
import { LockLease } from './lock-lease.js';
import { checkLockOptions, checkSettings, type LockSettings, NO_LIMIT } from './options.js';
import type { LockOptions } from './queue.js';
import { type Permits, SemaphoreState } from './semaphore-state.js';

/** What a semaphore is made with. */
export interface SemaphoreSettings extends LockSettings {
  /** How many there are, 1 to 2 147 483 647; the same for all its users. */
  readonly permits: number;
}

/** How many permits are wanted, and how long one is ready to wait. */
export interface AcquireOptions extends LockOptions {
  /** All of them or none. @defaultValue 1 */
  readonly permits?: number | undefined;
}

/**
 * A counting semaphore that processes and threads share. The permits of the dead come back: of a process, of a thread, of an incarnation
 * whose scope has closed. At most 1024 threads use it at the same time.
 *
 * @throws InvalidSpecError for a setting that is wrong
 */
export function semaphore(settings: SemaphoreSettings): ResourceKind<Semaphore> {
  checkSettings('semaphore', settings, ['permits']);
  const { name, permits, kind = 'auto' } = settings;
  checkWhole(`semaphore "${name}"`, 'permits', permits, 1, 2 ** 31 - 1);
  const request: SharedFileRequest = {
    kind: 'semaphore',
    name,
    bytes: lockBytes('semaphore'),
    image: lockImage('semaphore', permits),
  };
  return kindOf(request, (granted) => attachSemaphore(granted, kind, lockHost));
}

/** The user's half, with what it opens files by. */
export async function attachSemaphore(
  granted: Granted,
  kind: LockKindOption,
  host: LockHost,
): Promise<Semaphore> {
  const subject = `semaphore "${granted.name}"`;
  // Safe: the owner's half of all shared files answers with these.
  const facts = granted.facts as SharedFileFacts;
  return new Semaphore(
    granted,
    await shareLockFile(host, facts, subject, kind, (file) => new SemaphoreState(file)),
  );
}

/** One user's part in a semaphore. */
export class Semaphore extends LockLease<SemaphoreState> {
  readonly kind = 'semaphore';

  /** @internal Acquire one from a registry, or from `ctx.resources`. */
  constructor(granted: Granted, share: Share<SemaphoreState>) {
    super(granted, share);
  }

  /** How many there are in all. */
  get permits(): number {
    return this.state.permits;
  }

  /** How many are free at the moment; those of somebody who has just died may still be missing. @throws ReleasedError once released */
  get available(): number {
    return this.open.available;
  }

  /**
   * Waits until as many are free.
   * @throws LockTimeoutError after `timeoutMs`; it names the holders
   * @throws ReleasedError if the lease is released, also while waiting
   */
  async acquire(options: AcquireOptions = NO_LIMIT): Promise<Permits> {
    const free = options === NO_LIMIT ? this.tryAcquire() : undefined;
    if (free !== undefined) return free;
    checkLockOptions(this.subject, options, ['permits']);
    const count = this.#count(options.permits);
    return await this.open.acquire(count, this.subject, options, this);
  }

  /** Takes them if they are free and nobody is to be let pass. Never waits. @throws ReleasedError once released */
  tryAcquire(permits = 1): Permits | undefined {
    const state = this.open;
    const count = this.#count(permits);
    if (!state.file.queue.empty) return undefined;
    const got = state.attempt(count, this.subject, this);
    return typeof got === 'string' ? undefined : got;
  }

  #count(permits = 1): number {
    checkWhole(this.subject, 'permits', permits, 1, this.permits);
    return permits;
  }
}
