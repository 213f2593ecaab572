import { errorFacts } from '../core/index.js';
import type { Clock } from '../runtime/index.js';

const KEY = Symbol.for('treewarden/shutdown/1');

/** What a participant is told when the program is stopped by a signal. */
export interface ShutdownCall {
  readonly signal: string;
  /** Aborted when the program waits no longer. */
  readonly deadline: AbortSignal;
  /** How long that is from the call on, in ms. */
  readonly withinMs: number;
}

/** One who takes part in the program's shutdown. */
export interface ShutdownParticipant {
  readonly name: string;
  /** Called once, after the supervised tree is down. The program waits for the promise, as long as its grace lasts. */
  readonly stop: (call: ShutdownCall) => unknown;
}

/** A participant that failed, or was not done in time. */
export interface ShutdownFailure {
  readonly subject: string;
  readonly message: string;
}

/**
 * Joins the program's shutdown: when a signal ends a supervised program, `stop` is called after its tree is down, together with
 * every other participant's. Returns what leaves again.
 *
 * A library joins without importing this package: the bus is a `Set` of participants under a well-known symbol, which whoever comes first
 * makes.
 *
 * @example
 * ```ts
 * const BUS = Symbol.for('treewarden/shutdown/1');
 * globalThis[BUS] ??= new Set();
 * globalThis[BUS].add({ name: 'telemetry', stop: ({ deadline }) => exporter.flush({ signal: deadline }) });
 * ```
 */
export function joinShutdown(name: string, stop: ShutdownParticipant['stop']): () => void {
  const shared = globalThis as { [KEY]?: Set<ShutdownParticipant> };
  shared[KEY] ??= new Set();
  const bus = shared[KEY];
  const participant: ShutdownParticipant = { name, stop };
  bus.add(participant);
  return () => void bus.delete(participant);
}

/**
 * Calls everybody who has joined, all at once, and waits for them until `withinMs` have passed or `hurry` is aborted.
 * Resolves to what went wrong; never rejects.
 */
export async function runShutdown(
  signal: string,
  {
    withinMs,
    clock,
    hurry,
  }: { readonly withinMs: number; readonly clock: Clock; readonly hurry: AbortSignal },
): Promise<readonly ShutdownFailure[]> {
  const joined = [...(participants() ?? [])];
  if (joined.length === 0) return [];
  const late = new AbortController();
  const abort = (): void => late.abort();
  const timer = clock.after(withinMs, abort);
  hurry.addEventListener('abort', abort);
  if (hurry.aborted) abort();
  try {
    const call: ShutdownCall = { signal, deadline: late.signal, withinMs };
    return (await Promise.all(joined.map((one) => ask(one, call)))).flat();
  } finally {
    timer.cancel();
    hurry.removeEventListener('abort', abort);
  }
}

/** Everything about a participant is foreign, its shape included, so all that touches it may throw. */
async function ask(
  participant: ShutdownParticipant,
  call: ShutdownCall,
): Promise<readonly ShutdownFailure[]> {
  const work = (async () => {
    await participant.stop(call);
    return undefined;
  })().catch((error: unknown) => `failed: ${errorFacts(error).message}`);
  const message = await Promise.race([work, lateness(call.deadline)]);
  return message === undefined ? [] : [{ subject: String(participant?.name), message }];
}

function lateness(deadline: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const say = (): void => resolve('was not done when the time to stop was over, and is left behind');
    if (deadline.aborted) say();
    else deadline.addEventListener('abort', say, { once: true });
  });
}

function participants(): ReadonlySet<ShutdownParticipant> | undefined {
  return (globalThis as { [KEY]?: Set<ShutdownParticipant> })[KEY];
}
