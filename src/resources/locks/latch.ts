import { closeSync, openSync } from 'node:fs';
import type { Native, RobustMutex } from '../backend/backend.js';
import type { Region } from '../backend/region.js';

/**
 * What excludes all others, threads and processes, and is let go by the kernel when its thread ends, however it ends. Who died holding it is
 * not its business: that stands in the owner word beside it.
 */
export interface Latch {
  /** How often a try is worth repeating before the thread does something else. */
  readonly spins: number;
  tryClose(): boolean;
  open(): void;
  /** Nobody in this thread uses it any more. */
  end?(): void;
}

/** How a lock is made, best first: by a robust mutex of libc, by `flock`, or by a socket of Linux's abstract namespace (pure JavaScript). */
export type LockImplementation = 'pthread' | 'flock' | 'socket';

/** A mutex of libc in the mapping; its owner is the calling thread. */
export class PthreadLatch implements Latch {
  readonly spins = 50;
  readonly #mutex: RobustMutex;

  constructor(mutex: RobustMutex) {
    this.#mutex = mutex;
  }

  tryClose(): boolean {
    const tried = this.#mutex.tryLock();
    if (tried === 'locked') return true;
    if (tried === 'busy') return false;
    if (tried === 'unrecoverable') {
      throw new Error('a mutex was unlocked after its owner had died without being marked consistent');
    }
    // Consistent at once, so that it can never become unrecoverable: the owner word beside it keeps the news.
    this.#mutex.markConsistent();
    return true;
  }

  open(): void {
    this.#mutex.unlock();
  }

  end(): void {
    this.#mutex.end();
  }
}

/**
 * `flock` on a description of the thread's own, which the kernel closes with the process and Node with the thread. Not the one that is mapped:
 * a mapping keeps its description, and so the lock, and a thread that is terminated leaves its mappings behind.
 */
export class FlockLatch implements Latch {
  readonly spins = 5;
  readonly #native: Native;
  readonly #fd: number;

  constructor(native: Native, region: Region) {
    this.#native = native;
    this.#fd = openSync(process.platform === 'linux' ? `/proc/self/fd/${region.fd}` : region.path, 'r+');
  }

  tryClose(): boolean {
    return this.#native.flock(this.#fd, 'exclusive');
  }

  open(): void {
    this.#native.flock(this.#fd, 'unlock');
  }

  end(): void {
    closeSync(this.#fd);
  }
}
