/**
 * Why a process that was asked to end has not, by what the kernel shows of it:
 *
 * - `'ignored'`: it ignores the signal, or was started ignoring it
 * - `'blocked'`: it has blocked the signal, which waits
 * - `'caught'`: its handler has run, or waits to be run by its own loop, and nothing came of it
 * - `'loop-blocked'`: its event loop has not turned since; the signal was delivered and waits for it
 * - `'suspended'`: it was stopped by SIGSTOP or its like, and acts on nothing but SIGKILL until SIGCONT
 * - `'init'`: it is process 1 of a namespace, for which signals without a handler have no effect
 * - `'shell'`: the signal went to a shell, and what the shell runs has not heard of it
 * - `'uninterruptible'`: it waits within the kernel, where not even SIGKILL reaches it
 * - `'zombie'`: it has ended, and its parent has not taken notice
 * - `'not-permitted'`: it runs as another user now, whom we may not signal
 * - `'not-asked'`: it has not been sent the signal: what it does is its own business
 * - `'at-work'`: code of this process that goes on with its work: a drain hook, a critical section, a job
 * - `'unknown'`: nothing that can be seen stands in its way; it may be about to end
 */
export type StopVerdict =
  | 'ignored'
  | 'blocked'
  | 'caught'
  | 'loop-blocked'
  | 'suspended'
  | 'init'
  | 'shell'
  | 'uninterruptible'
  | 'zombie'
  | 'not-permitted'
  | 'not-asked'
  | 'at-work'
  | 'unknown';

/** One thing that stands in the way of a stop. Plain data, fit for JSON. */
export interface StopObstacle {
  readonly verdict: StopVerdict;
  /** Absent for what runs in this process. */
  readonly pid?: number | undefined;
  /** The command line, or the function's name. */
  readonly command?: string | undefined;
  /** One line for people: what is seen, with its figures. */
  readonly why: string;
  /** One line for people: what to do about it. */
  readonly advice: string;
}
