import { errorFacts, InvalidSpecError } from '../../core/index.js';
import type { BodyHost } from '../in-process/in-process.js';
import type { JobContext } from '../in-process/job-context.js';
import type { ConsumerOptions } from './consumer-hooks.js';

type Listener = (...args: readonly unknown[]) => void;

/**
 * Listens to what a client says of itself: those events that mean it is dead, those that show progress, and `error` in any case.
 * @throws InvalidSpecError if an event is named and the client has none.
 */
export function listenTo<C>(client: C, host: BodyHost, ctx: JobContext, options: ConsumerOptions<C>): void {
  const { failOn = [], progress } = options;
  const noteError = errorCounter(host);
  let dead = false;
  const died = (event: string, args: readonly unknown[]): void => {
    const error = errorOf(event, args);
    if (ctx.stopping || dead) {
      // Closing makes clients emit `close`, and one death is enough.
      if (event === 'error') noteError(error);
      return;
    }
    dead = true;
    ctx.fail(error);
  };
  for (const event of failOn)
    mustListen(
      host,
      'failOn',
      event,
      listen(client, event, (...args) => died(event, args)),
    );
  for (const event of progress?.events ?? []) {
    mustListen(
      host,
      'progress.events',
      event,
      listen(client, event, () => ctx.progressed()),
    );
  }
  if (!failOn.includes('error')) listenToErrors(client, noteError);
}

// For as long as the client exists, also when it has been closed: an `error` that nobody listens to ends the program.
function listenToErrors(client: unknown, noteError: (error: unknown) => void): void {
  try {
    listen(client, 'error', noteError);
  } catch {
    // A client with event names of its own refuses others, and so never emits this one.
  }
}

/** Listens to an event of an EventEmitter, an EventTarget, or a client that has an `on` of its own; false if it has no events. */
function listen(client: unknown, event: string, listener: Listener): boolean {
  if ((typeof client !== 'object' || client === null) && typeof client !== 'function') return false;
  const { on, addEventListener } = client as Record<string, unknown>;
  const add = typeof on === 'function' ? on : addEventListener;
  if (typeof add !== 'function') return false;
  add.call(client, event, listener);
  return true;
}

function mustListen(host: BodyHost, field: string, value: string, listens: boolean): void {
  if (listens) return;
  const expected = 'left out, since what the factory made has no events';
  throw new InvalidSpecError(`"${host.id}"`, { rule: 'invalid_option', field, value, expected });
}

/** The error that came with an event, or one that names the event. */
function errorOf(event: string, [first]: readonly unknown[]): unknown {
  if (first instanceof Error) return first;
  return new Error(`the consumer emitted "${event}"`, first === undefined ? {} : { cause: first });
}

/** Notes the 1st, 2nd, 4th, 8th error and so on: a client that cannot connect may emit thousands. */
function errorCounter(host: BodyHost): (error: unknown) => void {
  let count = 0;
  return (error) => {
    count += 1;
    if (Number.isInteger(Math.log2(count))) {
      host.note(`error event no. ${count} of the client`, errorFacts(error));
    }
  };
}
