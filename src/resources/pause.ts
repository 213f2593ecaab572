import type { Clock } from '../runtime/index.js';
import { onAbort } from './on-abort.js';

/** Waits, or until `signal` is aborted. Keeps the process running: somebody waits for what comes after. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const over = (): void => {
      timer.cancel();
      unlisten?.();
      resolve();
    };
    const timer = clock.after(ms, over, true);
    const unlisten = signal === undefined ? undefined : onAbort(signal, over);
  });
}
