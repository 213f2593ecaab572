import { type ErrorFacts, errorFacts } from '../../core/index.js';
import type { CallOptions, IncarnationHost, OwnedGroup, Transferable } from '../../runtime/index.js';
import { Calls, type Send } from './calls.js';
import { HostedScope } from './hosted-scope.js';
import { orphanMsOf } from './orphan.js';
import { type FromChild, type Identity, type LogLevel, type ToChild, unpackError, WIRE } from './wire.js';

/** The supervisor's end of the channel to one incarnation. */
export class Channel {
  readonly #host: IncarnationHost;
  readonly #send: Send;
  readonly #end: () => void;
  readonly calls: Calls;
  readonly #group: () => OwnedGroup | undefined;
  #resources: HostedScope | undefined;
  #greeted = false;
  /** Drains and stops that it has not said to have heard. */
  #unheard = 0;
  #crash: ErrorFacts | undefined;

  /**
   * @param end - ends the program, which has released everything and is still there
   * @param group - the processes that use what it acquires, where they are not this one
   */
  constructor(
    host: IncarnationHost,
    send: Send,
    end: () => void,
    group: () => OwnedGroup | undefined = () => undefined,
  ) {
    this.#host = host;
    this.#send = send;
    this.#end = end;
    this.#group = group;
    this.calls = new Calls(host.path, host.clock, send);
  }

  /** Whether the program has said hello, so that it hears what it is told. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** Whether its event loop has come to all that it was asked. */
  get heard(): boolean {
    return this.#unheard === 0;
  }

  /** The uncaught error by which the program said that it ends. */
  get crash(): ErrorFacts | undefined {
    return this.#crash;
  }

  /** Takes what the program says. What it makes of our words is its own fault at most, and never ends this process. */
  receive(message: FromChild): void {
    try {
      this.#take(message);
    } catch (error) {
      this.#host.note('it sent a message that is not understood', errorFacts(error));
    }
  }

  #take(message: FromChild): void {
    const host = this.#host;
    switch (message.type) {
      case 'hello':
        this.#greeted = true;
        return;
      case 'ready':
        // With another kind of readiness it is not the child's to say; calling is harmless.
        if (host.settings.ready === 'explicit') host.ready();
        // What it has not exposed by now, it does not expose.
        return this.calls.exposed([]);
      case 'heartbeat':
        return host.heartbeat();
      case 'heard':
        this.#unheard -= 1;
        return;
      case 'extend':
        host.extend(message.ms);
        return;
      case 'drained':
        return host.drained();
      case 'released':
        return this.#end();
      case 'failed':
        return host.fault({ type: 'failed', error: errorFacts(unpackError(message.error)) });
      case 'crashed':
        this.#crash = errorFacts(unpackError(message.error));
        return;
      case 'noted':
        return host.note(message.note, errorFacts(unpackError(message.error)));
      case 'log':
        return this.#log(message.level, message.facts, message.message);
      case 'exposes':
        return this.calls.exposed(message.methods);
      case 'acquire':
        this.#resources ??= new HostedScope(
          this.#host,
          (answer) => this.#send(answer, [], () => undefined),
          this.#group(),
        );
        return this.#resources.acquire(message.id, message.request);
      case 'give-back':
        return this.#resources?.giveBack(message.id, message.number);
      case 'returned':
      case 'threw':
      case 'refused':
        return this.calls.answered(message);
    }
  }

  #log(level: LogLevel, facts: object, message: string | undefined): void {
    if (message === undefined) this.#host.log[level](facts);
    else this.#host.log[level](facts, message);
  }

  /** Asks for the drain, which the program answers; one that knows nothing of it has nothing to finish. */
  drain(withinMs: number): void {
    this.calls.refuse();
    if (!this.#tell({ type: 'drain', withinMs })) this.#host.drained();
  }

  /** Asks it to end; false if the program does not hear. */
  stop(withinMs: number): boolean {
    this.calls.refuse();
    return this.#tell({ type: 'stop', withinMs });
  }

  call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    return this.calls.call(method, args, options);
  }

  cast(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): boolean {
    return this.calls.cast(method, args, transfer);
  }

  /** The channel is no more: nothing will be answered. */
  close(): void {
    this.#greeted = false;
    this.calls.close('it ended, or closed its channel, before it answered.');
  }

  /** It is gone: releases what it had acquired. At once, without a promise, where that is nothing. Never rejects. */
  release(): Promise<void> | undefined {
    return this.#resources?.close();
  }

  #tell(message: ToChild): boolean {
    if (!this.#greeted) return false;
    this.#unheard += 1;
    this.#send(message, [], () => undefined);
    return true;
  }
}

/** Hands the program's own message to whom it is for. What fails there is noted: it is not the child's fault, and must not end this process. */
export function handOver(
  host: IncarnationHost,
  message: unknown,
  onMessage?: (message: unknown) => void,
): void {
  try {
    onMessage?.(message);
  } catch (error) {
    host.note('onMessage failed', errorFacts(error));
  }
}

/** What a program is told of itself when it is started. */
export function identityOf(host: IncarnationHost): Identity {
  const { id, path, incarnation, settings } = host;
  const orphanMs = orphanMsOf(settings);
  return {
    wire: WIRE,
    id,
    path,
    incarnation,
    stallAfterMs: finiteOrNull(settings.stallAfterMs),
    orphanMs: finiteOrNull(orphanMs),
    parent: process.pid,
  };
}

function finiteOrNull(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}
