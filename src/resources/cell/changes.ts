import { checkNames } from '../../core/index.js';
import { systemClock, type Timer } from '../../runtime/index.js';
import { checkSignal, checkWhole, endlessMs } from '../checks.js';
import { onAbort } from '../on-abort.js';

/** How long a change is waited for. */
export interface ChangeOptions {
  /**
   * The version that is known already: another one is a change, also where it is there by now.
   * @defaultValue the version at the call
   */
  readonly since?: number;
  /** @defaultValue `Infinity` */
  readonly timeoutMs?: number;
  /** Ends the waiting; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** @throws InvalidSpecError for the first option that is wrong: a time that is no number would never be over */
export function checkChangeOptions(subject: string, options: ChangeOptions): void {
  checkNames(subject, options, ['since', 'timeoutMs', 'signal']);
  const { since, timeoutMs, signal } = options;
  if (since !== undefined) checkWhole(subject, 'since', since, 0);
  if (timeoutMs !== undefined) endlessMs(subject, 'timeoutMs', timeoutMs);
  checkSignal(subject, signal);
}

/**
 * Waits for another version without holding up the event loop: looks every 5 ms, by one timer for all who wait in this thread. Resolves to the
 * version, or to nothing once the time is over; rejects with what the looking throws, such as ReleasedError.
 */
export async function nextVersion(
  cell: { readonly version: number },
  { since = cell.version, timeoutMs = Number.POSITIVE_INFINITY, signal }: ChangeOptions,
): Promise<number | undefined> {
  const untilMs = systemClock.now() + timeoutMs;
  signal?.throwIfAborted();
  for (;;) {
    const { version } = cell;
    // 0 is none: a cell that is gone, and may be made again.
    if (version !== since && version !== 0) return version;
    if (systemClock.now() >= untilMs) return undefined;
    await nextLook(signal);
    signal?.throwIfAborted();
  }
}

const LOOK_EVERY_MS = 5;

/** Those who wait for the next look. */
const waiting = new Set<() => void>();
let timer: Timer | undefined;

/** Resolves at the next look, or as soon as the signal is aborted. */
function nextLook(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      unlisten?.();
      waiting.delete(wake);
      if (waiting.size === 0) stopLooking();
      resolve();
    };
    const unlisten = signal === undefined ? undefined : onAbort(signal, wake);
    waiting.add(wake);
    timer ??= systemClock.after(LOOK_EVERY_MS, wakeAll);
  });
}

function wakeAll(): void {
  for (const wake of [...waiting]) wake();
}

function stopLooking(): void {
  timer?.cancel();
  timer = undefined;
}
