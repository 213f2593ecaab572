import type { Granted, ResourceKind } from '../../runtime/index.js';
import { kindOf } from '../kind.js';
import type { SharedFileFacts, SharedFileRequest } from '../kinds/shared-file.js';
import type { LockKindOption } from './choice.js';
import type { Hold } from './hold.js';
import { lockHost } from './host.js';
import { lockBytes, lockImage } from './layout.js';
import { type LockHost, type Share, shareLockFile } from './lock-file.js';
import { LockLease } from './lock-lease.js';
import { checkLockOptions, checkSettings, type LockSettings, NO_LIMIT } from './options.js';
import type { LockOptions } from './queue.js';
import { type Access, RwLockState } from './rw-lock-state.js';

/**
 * A lock that any number of readers hold together, or one writer alone, in any processes and threads. Readers and writers may die at any
 * moment: nobody waits for the dead, and after a writer's death all are told (`hold.ownerDied`) until a writer says that it is repaired.
 * At most 1024 threads use it at the same time.
 *
 * @throws InvalidSpecError for a setting that is wrong
 */
export function rwLock(settings: LockSettings): ResourceKind<RwLock> {
  checkSettings('rw-lock', settings);
  const { name, kind = 'auto' } = settings;
  const request: SharedFileRequest = {
    kind: 'rw-lock',
    name,
    bytes: lockBytes('rw-lock'),
    image: lockImage('rw-lock'),
  };
  return kindOf(request, (granted) => attachRwLock(granted, kind, lockHost));
}

/** The user's half, with what it opens files by. */
export async function attachRwLock(granted: Granted, kind: LockKindOption, host: LockHost): Promise<RwLock> {
  const subject = `rw-lock "${granted.name}"`;
  // Safe: the owner's half of all shared files answers with these.
  const facts = granted.facts as SharedFileFacts;
  return new RwLock(
    granted,
    await shareLockFile(host, facts, subject, kind, (file) => new RwLockState(file)),
  );
}

/** One user's part in a reader-writer lock. A hold for reading cannot become one for writing: release it first. */
export class RwLock extends LockLease<RwLockState> {
  readonly kind = 'rw-lock';

  /** @internal Acquire one from a registry, or from `ctx.resources`. */
  constructor(granted: Granted, share: Share<RwLockState>) {
    super(granted, share);
  }

  /**
   * Waits until no writer has it. Many may read at the same time, the same task more than once.
   * @throws LockTimeoutError after `timeoutMs`; it names the holders
   * @throws ReleasedError if the lease is released, also while waiting
   */
  read(options: LockOptions = NO_LIMIT): Promise<Hold> {
    return this.#lock('read', options);
  }

  /**
   * Waits until nobody else has it. Neither readers nor writers overtake each other for long.
   * @throws LockTimeoutError after `timeoutMs`; it names the holders
   * @throws ReleasedError if the lease is released, also while waiting
   */
  write(options: LockOptions = NO_LIMIT): Promise<Hold> {
    return this.#lock('write', options);
  }

  /** As `read`, but gives up at once. */
  tryRead(): Hold | undefined {
    return this.#try('read');
  }

  /** As `write`, but gives up at once. */
  tryWrite(): Hold | undefined {
    return this.#try('write');
  }

  async #lock(access: Access, options: LockOptions): Promise<Hold> {
    const free = options === NO_LIMIT ? this.#try(access) : undefined;
    if (free !== undefined) return free;
    checkLockOptions(this.subject, options);
    return await this.open.lock(access, this.subject, options, this);
  }

  #try(access: Access): Hold | undefined {
    const state = this.open;
    if (!state.file.queue.empty) return undefined;
    const got = state.attempt(access, this.subject, this);
    return typeof got === 'string' ? undefined : got;
  }
}
