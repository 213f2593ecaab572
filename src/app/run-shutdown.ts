import { errorFacts } from '../core/index.js';
import type { Clock } from '../runtime/index.js';
import { participants, type ShutdownCall, type ShutdownParticipant } from './shutdown.js';

/** A participant that failed, or was not done in time. */
export interface ShutdownFailure {
  readonly subject: string;
  readonly message: string;
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
