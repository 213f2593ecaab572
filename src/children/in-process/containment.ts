import { AsyncLocalStorage } from 'node:async_hooks';
import type { Scope } from '../../runtime/index.js';

/** Who answers for the errors of an async context. */
export interface Contained {
  /** An exception or a rejection in its context was caught by nobody. */
  fail(reason: unknown): void;
}

/** Runs `work` so that all it leaves behind (timers, events, sockets, promises) belongs to `owner`. */
export function runContained<R>(owner: Contained, work: () => R): R {
  return containment().contexts.run(owner, work);
}

/** Runs `work` as nobody's: what it starts does not belong to the child that happens to have called. */
export function runUncontained<R>(work: () => R): R {
  const { contexts } = containment();
  return contexts.getStore() === undefined ? work() : contexts.run(undefined, work);
}

/**
 * Attributes stray errors until {@link releaseContainment} has been called as often, and until the tree ends: an incarnation may
 * leave a timer behind that fires while its child waits for a restart.
 */
export function holdContainment(tree: Scope | undefined): void {
  containment().hold(tree);
}

export function releaseContainment(): void {
  containment().release();
}

/**
 * Finds out whose an uncaught error is, by the async context that it was thrown in, before Node acts on it. An error with an owner goes to
 * the owner, and the program goes on; with one of nobody's, Node does exactly what it does without us.
 */
class Containment {
  readonly contexts: AsyncLocalStorage<Contained | undefined> = new AsyncLocalStorage();
  readonly #trees = new WeakSet<Scope>();
  #holds = 0;
  #removeDomain: (() => void) | undefined;
  #disarm: (() => void) | undefined;

  hold(tree: Scope | undefined): void {
    if (this.#holds === 0) this.#install();
    this.#holds += 1;
    if (tree === undefined || tree.closed || this.#trees.has(tree)) return;
    this.#trees.add(tree);
    this.#holds += 1;
    tree.defer(() => this.release());
  }

  release(): void {
    this.#holds -= 1;
    if (this.#holds === 0) this.#uninstall();
  }

  #install(): void {
    process.on('uncaughtExceptionMonitor', this.#onUncaught);
    this.#removeDomain = interceptRejections(this.contexts);
  }

  #uninstall(): void {
    this.#disarm?.();
    process.off('uncaughtExceptionMonitor', this.#onUncaught);
    this.#removeDomain?.();
  }

  // What is set here takes effect for this very error.
  readonly #onUncaught = (error: unknown): void => {
    this.#disarm?.();
    const owner = this.contexts.getStore();
    if (owner === undefined) return;
    const take = (): void => {
      this.#disarm?.();
      owner.fail(error);
    };
    // The program's own callback takes all errors; the child has failed all the same.
    if (process.hasUncaughtExceptionCaptureCallback()) owner.fail(error);
    else this.#arm(take);
  };

  #arm(take: () => void): void {
    try {
      process.setUncaughtExceptionCaptureCallback(take);
      this.#disarm = () => {
        process.setUncaughtExceptionCaptureCallback(null);
        this.#disarm = undefined;
      };
    } catch {
      // Before Node 26 the callback is not to be had once `node:domain` is loaded. A listener keeps the program going as well.
      process.prependListener('uncaughtException', take);
      this.#disarm = () => {
        process.off('uncaughtException', take);
        this.#disarm = undefined;
      };
    }
  }
}

/**
 * An unhandled rejection becomes an uncaught exception only where nobody listens to `unhandledRejection`, and test runners and error reporters
 * all do. A listener of ours would hide the rejections of nobody from them. But before it asks the listeners, Node hands a rejection to the
 * `process.domain` of the moment it happened, so that is where the owners of rejections stand.
 */
function interceptRejections(contexts: AsyncLocalStorage<Contained | undefined>): () => void {
  const before = Object.getOwnPropertyDescriptor(process, 'domain');
  // Real domains are in use: rejections then count by the exception they become.
  if (before !== undefined && (before.get !== undefined || before.value != null || !before.configurable))
    return () => undefined;
  const get = (): OwnersDomain | null => {
    const owner = contexts.getStore();
    return owner === undefined ? null : new OwnersDomain(owner);
  };
  const set = (value: unknown): void => {
    Object.defineProperty(process, 'domain', { configurable: true, enumerable: true, writable: true, value });
  };
  Object.defineProperty(process, 'domain', { configurable: true, enumerable: true, get, set });
  return () => {
    if (Object.getOwnPropertyDescriptor(process, 'domain')?.get !== get) return;
    if (before === undefined) Reflect.deleteProperty(process, 'domain');
    else Object.defineProperty(process, 'domain', before);
  };
}

/** As much of a domain as Node and libraries that still look for one will call. */
class OwnersDomain {
  readonly #owner: Contained;

  constructor(owner: Contained) {
    this.#owner = owner;
  }

  emit(_event: 'error', reason: unknown): boolean {
    this.#owner.fail(reason);
    return true;
  }

  bind<F>(callback: F): F {
    return callback;
  }

  run<R>(callback: (...args: readonly unknown[]) => R, ...args: readonly unknown[]): R {
    return callback(...args);
  }

  enter(): void {
    // The async context is what counts, and that is the owner's already.
  }

  exit(): void {
    // As with enter.
  }
}

const KEY = Symbol.for('treewarden/containment/1');
const shared = globalThis as { [KEY]?: Containment };
let found: Containment | undefined;

// One for the whole process, also where the package is loaded both as ESM and as CommonJS.
function containment(): Containment {
  if (found === undefined) {
    shared[KEY] ??= new Containment();
    found = shared[KEY];
  }
  return found;
}
