/** What can be done with something that a consumer's factory made, without a word from its user. */
export interface Shape {
  /** Starts what does not run by itself. Settles at its end; nothing, where its end cannot be seen. */
  readonly run?: (onProgress: () => void) => Promise<unknown>;
  /** Ends it. */
  readonly end: () => unknown;
  /** Ends it at once; nothing, where it knows no other way than `end`. */
  readonly force?: (() => unknown) | undefined;
}

/**
 * Recognises an async iterable, an observable, or an object with a method that ends it, by what is unambiguous: many clients have a `subscribe`
 * that is not an observable's, so that alone counts last.
 *
 * @returns nothing for what nobody can stop
 */
export function shapeOf(value: unknown): Shape | undefined {
  if ((typeof value !== 'object' || value === null) && typeof value !== 'function') return undefined;
  const it = value as Record<PropertyKey, unknown>;
  if (has(it, Symbol.asyncIterator)) return iterableShape(it);
  if (OBSERVABLE_KEYS.some((key) => has(it, key))) return observableShape(it);
  const end = enderOf(it, ENDERS);
  if (end !== undefined) return { end, force: enderOf(it, FORCES) };
  return has(it, 'subscribe') ? observableShape(it) : undefined;
}

// Feature detection: Symbol.observable is RxJS's, and a proposal.
const OBSERVABLE_KEYS: readonly PropertyKey[] = [
  '@@observable',
  ...('observable' in Symbol ? [Symbol.observable as symbol] : []),
];
const METHODS = ['close', 'stop', 'disconnect', 'shutdown', 'unsubscribe'] as const;
const ENDERS: readonly PropertyKey[] = [Symbol.asyncDispose, Symbol.dispose, ...METHODS];
const FORCES = ['terminate', 'destroy', 'kill'] as const;

function iterableShape(it: Record<PropertyKey, unknown>): Shape {
  let iterator: AsyncIterator<unknown> | undefined;
  const close = enderOf(it, METHODS);
  return {
    run: async (onProgress) => {
      // Safe: it was looked for.
      iterator = (it as unknown as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      while ((await iterator.next()).done !== true) onProgress();
    },
    // A generator that waits for its next message does not hear `return` before that has come, so what can be closed is closed first.
    end: async () => {
      await close?.();
      await iterator?.return?.();
    },
    force: enderOf(it, FORCES),
  };
}

function observableShape(it: Record<PropertyKey, unknown>): Shape {
  let end = (): void => undefined;
  return {
    run: (next) =>
      new Promise<void>((resolve, reject) => {
        // Safe: it was looked for.
        const subscription = (it as unknown as Observable).subscribe({
          next,
          error: reject,
          complete: resolve,
        });
        end = () => {
          subscription.unsubscribe();
          // An observable says nothing once it is unsubscribed from.
          resolve();
        };
      }),
    end: () => end(),
  };
}

interface Observable {
  subscribe(observer: { next(): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

function enderOf(
  it: Record<PropertyKey, unknown>,
  names: readonly PropertyKey[],
): (() => unknown) | undefined {
  const name = names.find((key) => has(it, key));
  return name === undefined ? undefined : () => call(it, name);
}

function has(it: Record<PropertyKey, unknown>, key: PropertyKey): boolean {
  return typeof it[key] === 'function';
}

function call(it: Record<PropertyKey, unknown>, key: PropertyKey, ...args: readonly unknown[]): unknown {
  // Safe: has() was asked.
  return (it[key] as (...args: readonly unknown[]) => unknown)(...args);
}
