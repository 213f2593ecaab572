import type { Granted, ResourceKind } from '../../runtime/index.js';
import { refuse } from '../checks.js';
import { kindOf } from '../kind.js';
import type { SharedFileFacts, SharedFileRequest } from '../kinds/shared-file.js';
import type { LockKindOption } from './choice.js';
import type { Hold } from './hold.js';
import { lockHost } from './host.js';
import { lockBytes, lockImage } from './layout.js';
import { type LockHost, type Share, shareLockFile } from './lock-file.js';
import { LockLease } from './lock-lease.js';
import { MutexState } from './mutex-state.js';
import { checkLockOptions, checkSettings, type LockSettings, NO_LIMIT } from './options.js';
import type { LockOptions } from './queue.js';

/**
 * A mutex that processes and threads share, and that no death can keep locked: the kernel lets go for whoever dies holding it, at any moment, and the next
 * holder is told (`hold.ownerDied`). Waiting never blocks the event loop.
 *
 * @throws InvalidSpecError for a setting that is wrong
 */
export function mutex(settings: LockSettings): ResourceKind<Mutex> {
  checkSettings('mutex', settings);
  const { name, kind = 'auto' } = settings;
  const request: SharedFileRequest = {
    kind: 'mutex',
    name,
    bytes: lockBytes('mutex'),
    image: lockImage('mutex'),
  };
  return kindOf(request, (granted) => attachMutex(granted, kind, lockHost));
}

/** The user's half, with what it opens files by. */
export async function attachMutex(granted: Granted, kind: LockKindOption, host: LockHost): Promise<Mutex> {
  const subject = `mutex "${granted.name}"`;
  // Safe: the owner's half of all shared files answers with these.
  const facts = granted.facts as SharedFileFacts;
  return new Mutex(granted, await shareLockFile(host, facts, subject, kind, (file) => new MutexState(file)));
}

/** One user's part in a mutex. All leases of one thread exclude each other as those of different processes do. */
export class Mutex extends LockLease<MutexState> {
  readonly kind = 'mutex';

  /** @internal Acquire one from a registry, or from `ctx.resources`. */
  constructor(granted: Granted, share: Share<MutexState>) {
    super(granted, share);
  }

  /**
   * Waits until it is ours, first come, first served within this thread. Nobody is overtaken for long: who has waited for 20 ms is let pass.
   * @throws LockTimeoutError after `timeoutMs`; it names the holder
   * @throws ReleasedError if the lease is released, also while waiting
   */
  async lock(options: LockOptions = NO_LIMIT): Promise<Hold> {
    // Free and without conditions, as it mostly is: nothing has to be made or checked for a wait.
    const free = options === NO_LIMIT ? this.tryLock() : undefined;
    if (free !== undefined) return free;
    checkLockOptions(this.subject, options);
    return await this.open.lock(this.subject, options, this);
  }

  /** Takes it if it is free and nobody is to be let pass. Never waits. @throws ReleasedError once released */
  tryLock(): Hold | undefined {
    const state = this.open;
    if (!state.file.queue.empty) return undefined;
    const got = state.attempt(this.subject, this);
    return typeof got === 'string' ? undefined : got;
  }

  /**
   * Does `work` while it is held, and releases it whether that succeeds or fails. A failure alone is not a death: what is half done then is
   * the caller's to mend.
   *
   * @throws InvalidSpecError if `work` is no function; nothing is locked then
   */
  async withLock<T>(work: (hold: Hold) => T | PromiseLike<T>, options: LockOptions = NO_LIMIT): Promise<T> {
    if (typeof work !== 'function') refuse(this.subject, 'work', work, 'a function');
    const hold = await this.lock(options);
    try {
      return await work(hold);
    } finally {
      hold.release();
    }
  }
}
