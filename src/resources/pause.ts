import type { Clock } from '../runtime/index.js';

/** Waits, or until `signal` is aborted. Keeps the process running: somebody waits for what comes after. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const over = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', over);
      resolve();
    };
    const timer = clock.after(ms, over, true);
    signal?.addEventListener('abort', over);
  });
}
