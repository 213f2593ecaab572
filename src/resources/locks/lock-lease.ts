import { LockStateError, ReleasedError } from '../../core/index.js';
import type { Granted } from '../../runtime/index.js';
import { BaseLease } from '../kind.js';
import type { LockImplementation } from './latch.js';
import type { Ending, Share } from './lock-file.js';

/** What a lock's state can say of one lease, and do for it. */
export interface LeaseState extends Ending {
  heldBy(owner: object): boolean;
  /** The owner has ended without letting go. */
  abandon(owner: object): void;
}

/** What the leases of all locks have in common: what is held cannot be released by the way, and what an ended owner still holds is not lost. */
export abstract class LockLease<S extends LeaseState> extends BaseLease {
  readonly #share: Share<S>;

  constructor(granted: Granted, share: Share<S>) {
    super(granted);
    this.#share = share;
  }

  /** How it is made. */
  get implementation(): LockImplementation {
    return this.#share.value.file.implementation;
  }

  /**
   * Gives up the lease; whoever still waits through it is refused.
   * @throws LockStateError while it is held through this lease; nothing has changed then
   */
  override release(): Promise<void> {
    if (!this.released && this.state.heldBy(this)) {
      return Promise.reject(
        new LockStateError(
          this.subject,
          'it is held, so its lease cannot be released. Release the hold first.',
        ),
      );
    }
    return super.release();
  }

  /** Its user has ended: what it still holds counts as held by somebody who died. */
  abandon(): Promise<void> {
    if (!this.released) this.state.abandon(this);
    return super.release();
  }

  protected get state(): S {
    return this.#share.value;
  }

  /** @throws ReleasedError once released */
  protected get open(): S {
    if (this.released) throw new ReleasedError(this.subject);
    return this.#share.value;
  }

  protected override detach(): void {
    this.state.file.queue.dismiss(this, new ReleasedError(this.subject));
    this.#share.leave();
  }
}
