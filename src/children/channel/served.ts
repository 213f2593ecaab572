import type { IncarnationContext, Transferable } from '../../runtime/index.js';
import { type Answer, type FromChild, packError, type ToChild } from './wire.js';

type Call = Extract<ToChild, { type: 'call' }>;
type Cast = Extract<ToChild, { type: 'cast' }>;
type Method = (...args: readonly unknown[]) => unknown;

/** The functions that a program exposes, and the calls under way. */
export class Served {
  readonly #context: IncarnationContext;
  readonly #send: (message: FromChild, transfer?: readonly Transferable[]) => void;
  readonly #methods = new Map<string, Method>();
  readonly #running = new Map<number, AbortController | undefined>();
  readonly #transfers = new WeakMap<object, readonly Transferable[]>();
  #starting: number | undefined;

  constructor(
    context: IncarnationContext,
    send: (message: FromChild, transfer?: readonly Transferable[]) => void,
  ) {
    this.#context = context;
    this.#send = send;
  }

  /** Adds the functions of `api`, inherited ones included. */
  expose(api: object): void {
    for (const name of methodNames(api)) {
      this.#methods.set(name, (...args) => (api as Record<string, Method>)[name]?.(...args));
    }
    this.#send({ type: 'exposes', methods: [...this.#methods.keys()] });
  }

  transfer(value: object, list: readonly Transferable[]): void {
    this.#transfers.set(value, list);
  }

  /** The signal of the call that is being started at this very moment; one that never aborts, outside of a call. */
  signal(): AbortSignal {
    const controller = new AbortController();
    if (this.#starting !== undefined) this.#running.set(this.#starting, controller);
    return controller.signal;
  }

  abort(id: number): void {
    this.#running.get(id)?.abort();
  }

  /** A critical section: a drain waits until the calls that were accepted are answered. */
  async call({ id, method, args }: Call): Promise<void> {
    if (this.#context.stopping) return this.#send({ type: 'refused', id, why: 'draining', detail: '' });
    await this.#context.critical(async () => {
      this.#running.set(id, undefined);
      const answer = await this.#answer(id, method, args);
      this.#running.delete(id);
      this.#reply(answer);
    });
  }

  /** A cast that throws has nobody to tell but the supervisor. */
  async cast({ method, args }: Cast): Promise<void> {
    try {
      await this.#context.critical(() => this.#methods.get(method)?.(...args));
    } catch (error) {
      this.#send({ type: 'noted', note: `the cast ${method}() failed`, error: packError(error) });
    }
  }

  async #answer(id: number, method: string, args: readonly unknown[]): Promise<Answer> {
    try {
      return { type: 'returned', id, value: await this.#begin(id, method, args) };
    } catch (error) {
      return { type: 'threw', id, error: packError(error) };
    }
  }

  /** Until the function first awaits, `signal()` is its call's. */
  #begin(id: number, method: string, args: readonly unknown[]): unknown {
    this.#starting = id;
    try {
      return this.#methods.get(method)?.(...args);
    } finally {
      this.#starting = undefined;
    }
  }

  #reply(answer: Answer): void {
    try {
      this.#send(answer, answer.type === 'returned' ? this.#transfersOf(answer.value) : undefined);
    } catch (error) {
      const detail = `its answer cannot be sent: ${error instanceof Error ? error.message : String(error)}`;
      this.#send({ type: 'refused', id: answer.id, why: 'not-sendable', detail });
    }
  }

  #transfersOf(value: unknown): readonly Transferable[] | undefined {
    return typeof value === 'object' && value !== null ? this.#transfers.get(value) : undefined;
  }
}

/** The names of an object's functions, up to but without Object.prototype: `call('constructor')` reaches nothing. */
function methodNames(api: object): readonly string[] {
  const names = new Set<string>();
  for (let level = api; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function' && name !== 'constructor') names.add(name);
    }
  }
  return [...names];
}
