import type { CallOptions } from '../../runtime/index.js';

/** What a program exposes, as seen from its supervisor's side: every function returns a promise of what it returns there. */
export type Remote<Api> = {
  readonly [Name in keyof Api as Api[Name] extends (...args: never[]) => unknown
    ? Name
    : never]: Api[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};

/** What can be called: a child's handle. */
export interface Callable {
  /** Calls a function that the child exposes. */
  call(method: string, args: readonly unknown[], options?: CallOptions): Promise<unknown>;
}

/** A handle whose spec says what its program exposes. */
export interface TypedCallable<Api> extends Callable {
  readonly spec: { readonly exposes?: Api };
}

/**
 * A child's exposed functions as an object: `remote(child).hash(buffer)` is `child.call('hash', [buffer])`. Its type is what the spec
 * declares by {@link entry}, or what you name: `remote<typeof api>(child)`.
 *
 * It holds the child, not an incarnation: after a restart it calls the new one. In between a call is rejected at once with a `CallError`
 * (`child-not-running`); `await child.whenReady()` waits for the new one.
 *
 * @param options - of every call
 */
export function remote<Api>(child: TypedCallable<Api>, options?: CallOptions): Remote<Api>;
export function remote<Api>(child: Callable, options?: CallOptions): Remote<Api>;
export function remote<Api>(child: Callable, options?: CallOptions): Remote<Api> {
  // A proxy without `then`, so that `await remote(child)` does not call the child.
  const get = (_: object, name: string | symbol): unknown =>
    typeof name === 'symbol' || name === 'then'
      ? undefined
      : (...args: readonly unknown[]) => child.call(name, args, options);
  return new Proxy({}, { get }) as Remote<Api>;
}
