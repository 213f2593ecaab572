/** The jitter of a wait: `'none'`, `'full'` (anything from 0 to the wait), `'half'` (from half of it to all of it). */
export type Jitter = 'none' | 'half' | 'full';

/** What every kind of backoff that waits has. */
export interface BackoffCommon {
  /** No wait is longer, in ms. */
  readonly capMs: number;
  readonly jitter: Jitter;
  /** How many failures in a row are restarted at once before the waits begin. */
  readonly free: number;
  /** A life of at least this long, in ms, counts as healthy: the next failure is the first again. */
  readonly resetAfterMs: number;
}

/** The wait before a restart, as plain data. The functions of its kinds make it, such as `exponentialBackoff()`. */
export type Backoff =
  | { readonly type: 'none' }
  | ({ readonly type: 'constant'; readonly ms: number } & BackoffCommon)
  | ({ readonly type: 'linear'; readonly initialMs: number; readonly stepMs: number } & BackoffCommon)
  | ({ readonly type: 'exponential'; readonly initialMs: number; readonly factor: number } & BackoffCommon)
  | ({ readonly type: 'decorrelated'; readonly initialMs: number } & BackoffCommon)
  | ({ readonly type: 'steps'; readonly initialMs: number; readonly steps: number } & BackoffCommon);

/** What every kind of backoff takes besides its own numbers. */
export interface BackoffOptions {
  /** The longest wait, in ms. @defaultValue `30_000` */
  readonly capMs?: number;
  /** @defaultValue `'half'`, for constant and steps `'none'` */
  readonly jitter?: Jitter;
  /** How many failures in a row are restarted at once. @defaultValue `1` */
  readonly free?: number;
  /** How long a life must be to count as healthy, in ms. @defaultValue `30_000` */
  readonly resetAfterMs?: number;
}

const COMMON = { capMs: 30_000, free: 1, resetAfterMs: 30_000 } as const;

/** Restarts at once, always: OTP's way. */
export function noBackoff(): Backoff {
  return { type: 'none' };
}

/** Always waits `ms`. */
export function constantBackoff(ms: number, options: BackoffOptions = {}): Backoff {
  return { type: 'constant', ms, jitter: 'none', ...COMMON, ...options };
}

/** Waits `initialMs`, then `stepMs` longer each time. */
export function linearBackoff(
  options: BackoffOptions & { readonly initialMs?: number; readonly stepMs?: number } = {},
): Backoff {
  return { type: 'linear', initialMs: 100, stepMs: 100, jitter: 'half', ...COMMON, ...options };
}

/** Waits `initialMs`, then `factor` times longer each time. */
export function exponentialBackoff(
  options: BackoffOptions & { readonly initialMs?: number; readonly factor?: number } = {},
): Backoff {
  return { type: 'exponential', initialMs: 100, factor: 2, jitter: 'half', ...COMMON, ...options };
}

/**
 * Waits a random time between `initialMs` and three times the previous wait, so that many children that failed
 * together spread out. (M. Brooker, "Exponential Backoff And Jitter", 2015.)
 */
export function decorrelatedBackoff(
  options: Omit<BackoffOptions, 'jitter'> & { readonly initialMs?: number } = {},
): Backoff {
  return { type: 'decorrelated', initialMs: 100, jitter: 'none', ...COMMON, ...options };
}

/**
 * Reaches `capMs` from `initialMs` in `steps` equal ratios: `initialMs * (capMs / initialMs) ^ ((n - 1) / steps)` for the
 * n-th wait. (The closed form of systemd's RestartSteps.)
 */
export function steppedBackoff(
  options: BackoffOptions & { readonly steps: number; readonly initialMs?: number },
): Backoff {
  return { type: 'steps', initialMs: 100, jitter: 'none', ...COMMON, ...options };
}

/** @defaultValue of every child: the first failure restarts at once, then 100 ms, 200 ms … up to 30 s, with jitter. */
export const DEFAULT_BACKOFF: Backoff = exponentialBackoff();

/**
 * The wait before the next start, in whole ms.
 *
 * @param failures - failures in a row, this one included, from 1
 * @param previousMs - the wait before the start that has now failed
 * @param random - a number from 0 up to but without 1
 */
export function nextDelay(
  backoff: Backoff,
  failures: number,
  previousMs: number,
  random: () => number,
): number {
  if (backoff.type === 'none') return 0;
  const turn = failures - backoff.free;
  if (turn <= 0) return 0;
  const capped = Math.min(rawDelay(backoff, turn, previousMs, random), backoff.capMs);
  return Math.round(jittered(capped, backoff.jitter, random));
}

/** The longest wait that it ever gives, in ms. One that never waits gives the cap of the others, since here it was the child that asked for a pause. */
export function longestDelay(backoff: Backoff): number {
  if (backoff.type === 'none') return COMMON.capMs;
  return backoff.type === 'constant' ? Math.min(backoff.ms, backoff.capMs) : backoff.capMs;
}

/** Whether a life of `ranMs` was long enough for the next failure to be the first again. */
export function wasHealthy(backoff: Backoff, ranMs: number): boolean {
  return backoff.type !== 'none' && ranMs >= backoff.resetAfterMs;
}

type Waiting = Exclude<Backoff, { type: 'none' }>;

function rawDelay(backoff: Waiting, turn: number, previousMs: number, random: () => number): number {
  switch (backoff.type) {
    case 'constant':
      return backoff.ms;
    case 'linear':
      return backoff.initialMs + backoff.stepMs * (turn - 1);
    case 'exponential':
      return backoff.initialMs * backoff.factor ** (turn - 1);
    case 'decorrelated': {
      const upper = Math.max(backoff.initialMs, previousMs * 3);
      return backoff.initialMs + random() * (upper - backoff.initialMs);
    }
    case 'steps': {
      if (turn > backoff.steps) return backoff.capMs;
      return backoff.initialMs * (backoff.capMs / backoff.initialMs) ** ((turn - 1) / backoff.steps);
    }
  }
}

function jittered(ms: number, jitter: Jitter, random: () => number): number {
  switch (jitter) {
    case 'none':
      return ms;
    case 'half':
      return ms / 2 + (ms / 2) * random();
    case 'full':
      return ms * random();
  }
}
