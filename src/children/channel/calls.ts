import { CallError, type CallFailure, type ChildPath, checkDuration, RemoteError } from '../../core/index.js';
import type { CallOptions, Clock, Timer, Transferable } from '../../runtime/index.js';
import { type Answer, type ToChild, unpackError } from './wire.js';

/**
 * Hands a message to the child's channel.
 * @param onLost - told, later, if the channel could not take it
 * @throws if the message cannot be serialised
 */
export type Send = (
  message: ToChild,
  transfer: readonly Transferable[],
  onLost: (error: unknown) => void,
) => void;

const CALL_TIMEOUT_MS = 30_000;

/** How many calls and casts wait for a program to expose its functions. One more is refused. */
const HELD_AT_MOST = 1024;

/**
 * The calls to one incarnation. Each is settled: by its answer, its time limit, its signal, or the end of the child.
 * Until the program has exposed its functions, calls are held; their time runs meanwhile.
 */
export class Calls {
  readonly #child: ChildPath;
  readonly #clock: Clock;
  readonly #send: Send;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;
  #held: (() => void)[] = [];
  #methods: Set<string> | undefined;
  /** Why it takes no calls any more. */
  #closed: string | undefined;

  constructor(child: ChildPath, clock: Clock, send: Send) {
    this.#child = child;
    this.#clock = clock;
    this.#send = send;
  }

  /** Calls that wait for their answer. */
  get size(): number {
    return this.#pending.size;
  }

  async call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const { timeoutMs = CALL_TIMEOUT_MS, signal, transfer = [] } = options;
    if (timeoutMs !== Number.POSITIVE_INFINITY)
      checkDuration(`a call to "${this.#child}"`, 'timeoutMs', timeoutMs);
    if (this.#closed !== undefined) {
      const error = this.#error(method, 'child-not-running', this.#closed);
      // Its end is known here before its supervisor is told, so whenReady() still resolves at once. A caller that
      // tries again and again would, without this turn, never let the news arrive.
      await new Promise<void>((resolve) => this.#clock.yield(resolve));
      throw error;
    }
    if (signal?.aborted) throw this.#aborted(method, signal);
    return new Promise((resolve, reject) => {
      this.#lastId += 1;
      const id = this.#lastId;
      const call = new PendingCall(this, id, method, resolve, reject);
      this.#pending.set(id, call);
      if (timeoutMs !== Number.POSITIVE_INFINITY) {
        call.timer = this.#clock.after(timeoutMs, () => this.#timedOut(call, timeoutMs));
      }
      if (signal !== undefined) call.watch(signal);
      this.#whenExposed(call, () => this.#post(call, args, transfer));
    });
  }

  /** Calls without an answer; false if it cannot be sent. Before the program has exposed its functions it is held. */
  cast(method: string, args: readonly unknown[], transfer: readonly Transferable[] = []): boolean {
    const post = (): boolean => {
      if (this.#methods?.has(method) !== true) return false;
      try {
        this.#send({ type: 'cast', method, args }, transfer, () => undefined);
        return true;
      } catch {
        // It cannot be serialised: a cast answers by false, and never throws.
        return false;
      }
    };
    if (this.#closed !== undefined) return false;
    if (this.#methods !== undefined) return post();
    if (this.#held.length >= HELD_AT_MOST) return false;
    this.#held.push(post);
    return true;
  }

  /** The program has exposed functions, in addition to earlier ones: what was held is sent. */
  exposed(methods: readonly string[]): void {
    this.#methods = new Set([...(this.#methods ?? []), ...methods]);
    const held = this.#held;
    this.#held = [];
    for (const post of held) post();
  }

  answered(answer: Answer): void {
    const call = this.#pending.get(answer.id);
    // Unknown: its caller has given up, by time or by signal.
    if (call === undefined) return;
    switch (answer.type) {
      case 'returned':
        return call.resolve(answer.value);
      case 'threw':
        return call.reject(new RemoteError(this.#child, call.method, unpackError(answer.error)));
      case 'refused':
        return answer.why === 'draining'
          ? this.fail(call, 'child-not-running', STOPPING)
          : this.fail(call, 'not-sendable', answer.detail);
    }
  }

  /** The child takes no more calls. Those on their way are accepted work and may still be answered; held ones are not. */
  refuse(): void {
    if (this.#closed !== undefined) return;
    this.#closed = STOPPING;
    this.#held = [];
    for (const call of [...this.#pending.values()]) {
      if (!call.sent) this.fail(call, 'child-not-running', STOPPING);
    }
  }

  /** Nothing will be answered any more. */
  close(detail: string): void {
    this.#closed = ENDED;
    this.#held = [];
    for (const call of [...this.#pending.values()]) this.fail(call, 'child-exited', detail);
  }

  fail(call: PendingCall, failure: CallFailure, detail: string, cause?: unknown): void {
    call.reject(this.#error(call.method, failure, detail, cause));
  }

  forget(id: number): void {
    this.#pending.delete(id);
  }

  /** The caller's signal is aborted: the call is over here, and the function is told. */
  abort(call: PendingCall, signal: AbortSignal): void {
    call.reject(this.#aborted(call.method, signal));
    this.#tellAborted(call);
  }

  #timedOut(call: PendingCall, timeoutMs: number): void {
    const why = call.sent
      ? `no answer within ${timeoutMs} ms. Raise timeoutMs, or see what keeps the child busy.`
      : `the program exposed nothing within ${timeoutMs} ms. It exposes its functions by expose() from "treewarden/child".`;
    this.fail(call, 'timed-out', why);
    this.#tellAborted(call);
  }

  #tellAborted(call: PendingCall): void {
    if (call.sent) this.#send({ type: 'abort', id: call.id }, [], () => undefined);
  }

  #whenExposed(call: PendingCall, post: () => void): void {
    if (this.#methods !== undefined) return post();
    if (this.#held.length < HELD_AT_MOST) {
      this.#held.push(() => {
        // Its caller may have given up meanwhile.
        if (this.#pending.has(call.id)) post();
      });
    } else {
      this.fail(
        call,
        'not-exposed',
        `${HELD_AT_MOST} calls already wait for the program to expose its functions.`,
      );
    }
  }

  #post(call: PendingCall, args: readonly unknown[], transfer: readonly Transferable[]): void {
    const { id, method } = call;
    if (this.#methods?.has(method) !== true) return this.fail(call, 'not-exposed', this.#notExposed());
    try {
      this.#send({ type: 'call', id, method, args }, transfer, (error) =>
        this.fail(call, 'child-exited', 'its channel is closed.', error),
      );
      call.sent = true;
    } catch (error) {
      this.fail(call, 'not-sendable', `its arguments cannot be sent: ${messageOf(error)}`, error);
    }
  }

  #notExposed(): string {
    const known = [...(this.#methods ?? [])].join(', ');
    return `the program exposes no such function. It exposes: ${known === '' ? 'nothing' : known}.`;
  }

  #aborted(method: string, signal: AbortSignal): CallError {
    return this.#error(method, 'aborted', 'its signal was aborted by the caller.', signal.reason);
  }

  #error(method: string, failure: CallFailure, detail: string, cause?: unknown): CallError {
    return new CallError(this.#child, method, failure, detail, cause === undefined ? undefined : { cause });
  }
}

const ENDED = 'it has ended. Wait for whenReady() of its next incarnation.';
const STOPPING = 'it is stopping, and takes no new calls. Wait for whenReady() of its next incarnation.';

/** One call under way. Settled once; lets go of its timer and its caller's signal then. */
class PendingCall {
  readonly id: number;
  readonly method: string;
  timer: Timer | undefined;
  sent = false;
  readonly #calls: Calls;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: Error) => void;
  #unwatch: (() => void) | undefined;

  constructor(
    calls: Calls,
    id: number,
    method: string,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
  ) {
    this.#calls = calls;
    this.id = id;
    this.method = method;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  watch(signal: AbortSignal): void {
    const onAbort = (): void => this.#calls.abort(this, signal);
    signal.addEventListener('abort', onAbort);
    this.#unwatch = () => signal.removeEventListener('abort', onAbort);
  }

  resolve(value: unknown): void {
    this.#settle();
    this.#resolve(value);
  }

  reject(error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.timer?.cancel();
    this.#unwatch?.();
    this.#calls.forget(this.id);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
