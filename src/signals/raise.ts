import type { Clock } from '../runtime/index.js';
import { exitCodeOf } from './table.js';

/** A signal that ended a tree and is to end the program too, so that its wait status tells the truth. */
export interface RaiseRequest {
  readonly signal: NodeJS.Signals;
  /**
   * How long the program may go on by itself, in ms: its own last words after the tree has ended. The wait does not keep it running.
   * `0` raises at once, `Infinity` only when the program ends by itself.
   */
  readonly lingerMs: number;
  readonly clock: Clock;
  /** The error by which the program learns of the signal; if nobody catches it, the signal is raised instead of the crash. */
  readonly error?: unknown;
}

/**
 * Calls `raise` once: when the event loop is empty or the program exits, when `lingerMs` have passed, or when `error` stays uncaught.
 * Returns what calls it off.
 */
export function whenProgramEnds({ lingerMs, clock, error }: RaiseRequest, raise: () => void): () => void {
  const run = (): void => {
    cancel();
    raise();
  };
  const onCrash = (thrown: unknown): void => {
    if (thrown === error) run();
  };
  const timer = Number.isFinite(lingerMs) ? clock.after(lingerMs, run, false) : undefined;
  const cancel = (): void => {
    timer?.cancel();
    process.off('exit', run);
    process.off('uncaughtExceptionMonitor', onCrash);
  };
  process.on('exit', run);
  if (error !== undefined) process.on('uncaughtExceptionMonitor', onCrash);
  return cancel;
}

/**
 * Ends the process by the signal's default action, unless the program listens for the signal itself, or has chosen an exit code and may
 * still end with it by itself.
 *
 * Where the default action does nothing, which is so for process 1 of a container, the program goes on to its own end; the exit code
 * by which a shell tells of the signal is set then.
 */
export function raise(signal: NodeJS.Signals, when: 'at its end' | 'at once'): void {
  if (process.exitCode !== undefined && when === 'at its end') return;
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
  process.exitCode ??= exitCodeOf(signal);
}
