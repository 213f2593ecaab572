import type { Exit } from '../core/index.js';
import type { Timer } from './clock.js';
import type { Haste } from './driver.js';
import type { Life } from './life.js';
import type { Slot } from './slot.js';

/** News of a child. Each names the life it speaks of, so that late news of an earlier one can be told. */
export type News =
  | {
      readonly type: 'readied' | 'ignored' | 'exited' | 'drained' | 'fault' | 'outlived';
      readonly life: Life;
    }
  | { readonly type: 'timed-out'; readonly life: Life; readonly timer: Timer };

/** What comes from above, and overtakes everything. */
export type Order =
  | { readonly type: 'end'; readonly exit: Exit; readonly deadlineAtMs: number }
  | { readonly type: 'hurry'; readonly level: Haste };

/** What waits behind all news: a request of the API, or the turn of a restart. */
export type Request =
  | { readonly type: 'call'; readonly operation: string; run(): void; refuse(error: unknown): void }
  | Retry;

/** A restart whose turn has come, or comes once the mailbox is otherwise empty. */
export interface Retry {
  readonly type: 'retry';
  readonly slot: Slot;
  /** When the attempt failed that it makes up for; absent where the crash has been counted already. */
  readonly failedAtMs: number | undefined;
}
