import { type BackendChoice, loadNative } from '../../../src/resources/backend/choose.js';
import type { LockImplementation } from '../../../src/resources/locks/latch.js';

/** A way in which locks are made; each test of locks runs in each of them. */
export interface Way {
  readonly implementation: LockImplementation;
  readonly backend: BackendChoice;
  /** Not to be had on this machine. */
  readonly skip: boolean;
}

export const native: Awaited<ReturnType<typeof loadNative>> = await loadNative('auto');

export const WAYS: readonly Way[] = [
  { implementation: 'pthread', backend: 'auto', skip: native?.robustMutex === undefined },
  { implementation: 'flock', backend: 'auto', skip: native === undefined },
  { implementation: 'socket', backend: 'files', skip: process.platform !== 'linux' },
];
