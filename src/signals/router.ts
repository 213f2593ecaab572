import { SharedStateError } from '../core/index.js';
import { type RaiseRequest, raise, whenProgramEnds } from './raise.js';

const KEY = Symbol.for('treewarden/signals/1');
const VERSION = 1;

/** One who hears signals. */
export interface Hearer {
  readonly signals: Iterable<NodeJS.Signals>;
  /** Whether what it hears for has come to its end. */
  readonly settled: boolean;
  hear(signal: NodeJS.Signals): void;
}

/**
 * The one place in a process where signals arrive: one listener per signal, however many trees listen, and whichever of the package's
 * module formats they come from. It is there while somebody listens or a signal waits to be raised, and leaves nothing behind.
 *
 * Other copies of the package call these methods: to change what one means, change the number in `KEY`.
 */
export class SignalRouter {
  readonly version: number = VERSION;
  readonly #hearers = new Set<Hearer>();
  readonly #listeners = new Map<NodeJS.Signals, () => void>();
  #request: RaiseRequest | undefined;
  #callOff: (() => void) | undefined;

  /** Whether everything that anybody hears for has come to its end. */
  get settled(): boolean {
    return [...this.#hearers].every((hearer) => hearer.settled);
  }

  /** What a program starts after a signal is not cut down: the signal waits until that has ended, too. */
  add(hearer: Hearer): void {
    this.#callOff?.();
    this.#hearers.add(hearer);
    this.#listen();
  }

  /** The last to leave gives Node its signals back, and has the first signal raised that any of them asked for. Safe to call twice. */
  remove(hearer: Hearer, request?: RaiseRequest): void {
    if (!this.#hearers.delete(hearer)) return;
    this.#listen();
    if (request !== undefined)
      this.#request = { ...request, signal: this.#request?.signal ?? request.signal };
    if (this.#hearers.size > 0) return;
    if (this.#request === undefined) retire(this);
    else if (this.#request.lingerMs === 0) this.#raise();
    else this.#callOff = whenProgramEnds(this.#request, () => this.#raise());
  }

  #raise(): void {
    const request = this.#request;
    this.#request = undefined;
    retire(this);
    if (request !== undefined) raise(request.signal, request.lingerMs === 0 ? 'at once' : 'at its end');
  }

  /** Has exactly one listener for every signal that somebody hears. */
  #listen(): void {
    const heard = new Set([...this.#hearers].flatMap(({ signals }) => [...signals]));
    for (const [signal, listener] of this.#listeners) {
      if (heard.has(signal)) continue;
      process.off(signal, listener);
      this.#listeners.delete(signal);
    }
    for (const signal of heard) {
      if (this.#listeners.has(signal)) continue;
      const listener = (): void => this.#tell(signal);
      this.#listeners.set(signal, listener);
      process.on(signal, listener);
    }
  }

  #tell(signal: NodeJS.Signals): void {
    for (const hearer of [...this.#hearers]) {
      if ([...hearer.signals].includes(signal)) hearer.hear(signal);
    }
  }
}

/**
 * The router of this process, made on first use and shared by every copy of the package.
 *
 * @throws SharedStateError if another copy of the package has one that this copy does not understand.
 */
export function sharedRouter(): SignalRouter {
  const shared = globalThis as { [KEY]?: SignalRouter };
  shared[KEY] ??= new SignalRouter();
  if (shared[KEY].version !== VERSION)
    throw new SharedStateError('signal router', VERSION, shared[KEY].version);
  return shared[KEY];
}

function retire(router: SignalRouter): void {
  const shared = globalThis as { [KEY]?: SignalRouter };
  if (shared[KEY] === router) delete shared[KEY];
}
