import type { ChildPath } from './path.js';
import type { CauseLimit } from './spec.js';

/**
 * What was thrown, as plain words. Reading `stack` is what makes V8 format it, so a crash loop that
 * nobody inspects never pays for it; `JSON.stringify` includes it.
 */
export interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly stack?: string | undefined;
  /** The very value that was thrown, where it was thrown in this process. Left out of JSON. */
  readonly thrown?: unknown;
}

/** What a health check looks at. */
export type HealthCheck = 'memory' | 'cpu' | 'age' | 'probe' | 'port';

/** How an incarnation ended. */
export type Exit =
  /** It returned, its stream ended, or its program exited with status 0, without having been asked to. */
  | { readonly type: 'completed' }
  /** It ended because it was asked to. OTP's `shutdown` and `{shutdown, detail}`. */
  | { readonly type: 'shutdown'; readonly detail?: string }
  /** It threw, rejected, or reported a fault by `ctx.fail`. */
  | { readonly type: 'failed'; readonly error: ErrorFacts }
  /** Its program or thread exited with a status other than 0. */
  | { readonly type: 'code'; readonly code: number }
  /** A signal that we did not send ended its process. */
  | { readonly type: 'signal'; readonly signal: string }
  /** We ended it by force: `brutal_kill`, or the last rung of the stop ladder. */
  | { readonly type: 'killed' }
  /** It gave no heartbeat for `silentMs`, longer than its `stallAfterMs`. */
  | { readonly type: 'stalled'; readonly silentMs: number }
  /** It was not ready within its `startTimeoutMs`. */
  | { readonly type: 'start-timeout'; readonly waitedMs: number }
  /** A health check failed as often in a row as it may: see `health`. */
  | { readonly type: 'unhealthy'; readonly check: HealthCheck; readonly detail: string }
  /** V8 ran out of heap, or the kernel ended it for want of memory. */
  | {
      readonly type: 'out-of-memory';
      readonly detail: string;
      /** The signal by which its process ended, if it was one of its own. */
      readonly signal?: string | undefined;
    }
  /** It could not be brought into being at all: no such program, no permission, no more processes. */
  | { readonly type: 'not-started'; readonly error: ErrorFacts }
  /** A supervisor could not start one of its children, so it did not start either. */
  | { readonly type: 'child-not-started'; readonly child: ChildPath; readonly exit: Exit }
  /** A supervisor had more restarts than its intensity allows, or a child more exits than its `giveUpOn` does. `attempts` are the last exits, oldest first. */
  | {
      readonly type: 'gave-up';
      readonly child: ChildPath;
      readonly restarts: number;
      readonly periodMs: number;
      readonly attempts: readonly ExitRecord[];
      /** The limit of the child's `giveUpOn` that was reached; absent where it was the intensity. */
      readonly limit?: CauseLimit | undefined;
    };

/** One end of one incarnation, with its circumstances. Plain data, fit for JSON. */
export interface ExitRecord {
  readonly child: ChildPath;
  readonly incarnation: number;
  readonly exit: Exit;
  /** Monotonic time of the end, in ms. */
  readonly atMs: number;
  /** How long the incarnation lived, in ms. */
  readonly ranMs: number;
  /** Whether its supervisor had asked it to end. */
  readonly asked: boolean;
  /** The last lines that it wrote to stderr, oldest first, where stderr was captured. */
  readonly stderr?: readonly string[] | undefined;
}

/** A normal exit leaves a transient child down; every other one is a crash. */
export function isNormal(exit: Exit): boolean {
  return exit.type === 'completed' || exit.type === 'shutdown';
}

/** It had run as long as its `health.ageMs` lets it: a restart that is meant, and is held against nobody. */
export function isRecycling(exit: Exit): boolean {
  return exit.type === 'unhealthy' && exit.check === 'age';
}

/** One line for people: `failed: Error: connection lost`, `exited with code 3`. */
export function describeExit(exit: Exit): string {
  switch (exit.type) {
    case 'completed':
      return 'completed';
    case 'shutdown':
      return exit.detail === undefined ? 'stopped when asked' : `stopped when asked (${exit.detail})`;
    case 'failed':
      return `failed: ${exit.error.name}: ${exit.error.message}`;
    case 'code':
      return `exited with code ${exit.code}`;
    case 'signal':
      return `ended by ${exit.signal}`;
    case 'killed':
      return 'killed by its supervisor';
    case 'stalled':
      return `stalled: no heartbeat for ${exit.silentMs} ms`;
    case 'start-timeout':
      return `not ready after ${exit.waitedMs} ms`;
    case 'unhealthy':
      return `unhealthy: ${exit.detail}`;
    case 'out-of-memory':
      return `out of memory: ${exit.detail}`;
    case 'not-started':
      return `could not be started: ${exit.error.message}`;
    case 'child-not-started':
      return describeInnermost(exit.child, exit.exit);
    case 'gave-up':
      return `gave up: ${describeLimit(exit)} within ${exit.periodMs} ms, the last of "${exit.child}"${lastAttempt(exit.attempts)}`;
  }
}

/** What there was too much of, before a supervisor gave up: `6 restarts`, `3 exits by SIGSEGV or code 70`. */
export function describeLimit({
  restarts,
  limit,
}: {
  readonly restarts: number;
  readonly limit?: CauseLimit | undefined;
}): string {
  if (limit === undefined) return `${restarts} restarts`;
  const causes = limit.on.map((cause) => (typeof cause === 'number' ? `code ${cause}` : cause));
  return `${restarts} exits by ${causes.join(' or ')}`;
}

/** The path of the innermost child says which way it went; naming every supervisor on it would only repeat that. */
function describeInnermost(child: ChildPath, exit: Exit): string {
  let path = child;
  let cause = exit;
  while (cause.type === 'child-not-started') {
    path = cause.child;
    cause = cause.exit;
  }
  return `its child "${path}" did not start: ${describeExit(cause)}`;
}

function lastAttempt(attempts: readonly ExitRecord[]): string {
  const last = attempts.at(-1);
  return last === undefined ? '' : ` (${describeExit(last.exit)})`;
}

/** The facts of anything thrown, also of `undefined`, a function, or an object whose getters throw. */
export function errorFacts(thrown: unknown): ErrorFacts {
  return new CaughtError(thrown);
}

/** Holds the thrown value and reads from it only when asked, so that a crash costs no stack formatting. */
class CaughtError implements ErrorFacts {
  readonly #thrown: unknown;

  constructor(thrown: unknown) {
    this.#thrown = thrown;
  }

  get thrown(): unknown {
    return this.#thrown;
  }

  get name(): string {
    const name = read(this.#thrown, 'name');
    return typeof name === 'string' && name !== '' ? name : 'Error';
  }

  get message(): string {
    const message = read(this.#thrown, 'message');
    return typeof message === 'string' ? message : `thrown value: ${show(this.#thrown)}`;
  }

  get code(): string | undefined {
    const code = read(this.#thrown, 'code');
    return typeof code === 'string' || typeof code === 'number' ? String(code) : undefined;
  }

  get stack(): string | undefined {
    const stack = read(this.#thrown, 'stack');
    return typeof stack === 'string' ? stack : undefined;
  }

  toJSON(): ErrorFacts {
    return { name: this.name, message: this.message, code: this.code, stack: this.stack };
  }
}

function read(thrown: unknown, key: string): unknown {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  try {
    return (thrown as Record<string, unknown>)[key];
  } catch {
    // A getter of the thrown object threw in its turn; the property counts as absent.
    return undefined;
  }
}

function show(thrown: unknown): string {
  try {
    if (typeof thrown === 'function') return `function ${thrown.name || '(anonymous)'}`;
    if (typeof thrown === 'object' && thrown !== null) return JSON.stringify(thrown) ?? 'object';
    return String(thrown);
  } catch {
    // Circular, or a toJSON that throws: its type is all that can be said of it.
    return Object.prototype.toString.call(thrown);
  }
}
