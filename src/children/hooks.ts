/**
 * What a program imports to take part in its own supervision: `import { ctx } from 'treewarden/child'`. It is the same in a forked program,
 * a thread, and a program that nobody supervises, where everything is there and nobody listens.
 *
 * In a supervised program the import says hello and listens to the supervisor, without keeping the program running: one that has nothing
 * more to do still ends. It installs no signal handler.
 *
 * @module treewarden/child
 */
import type { ChildContext, Transferable } from '../runtime/index.js';
import { Program } from './channel/program.js';

export type { ChildContext, Logger, Transferable } from '../runtime/index.js';

const program = Program.get();

/** Whether a supervisor started this program and is told what it reports. */
export const supervised: boolean = program.supervised;

/**
 * The context of this incarnation, as a task is given it.
 *
 * - A stop aborts `ctx.signal`, runs the `onDrain` hooks, and waits for `critical` sections and for calls under way. In a program that reads
 *   `ctx.signal`, what was `defer`red runs then; it is expected to end by itself after that, and is sent its stop signal (a thread is
 *   terminated) only when nine tenths of its `shutdown` are over. Any other one has 50 ms to end by itself; then what was `defer`red runs,
 *   and it is ended at once.
 * - `ctx.deadline` aborts when nine tenths of `shutdown` are over.
 * - `heartbeat()` may be called as often as you like: one in 100 ms is sent, or four in `stallAfterMs` if that is more.
 * - `extend(ms)` returns what was asked for; the supervisor cuts it to its cap.
 * - If the supervisor dies, a forked program stops itself in the same way, within `drainMs` and `shutdown`, and is killed after that. The
 *   sign is the end of the channel, so `process.disconnect()` has the same effect.
 * - With no supervisor, `fail(reason)` is an unhandled rejection, and nothing is logged; what was deferred is released when the program has
 *   nothing more to do.
 */
export const ctx: ChildContext = program.context;

/**
 * Exposes functions to the supervisor's side, where they are called by `child.call('name', args)` or through `remote<typeof api>(child)`.
 * A function's promise is awaited; what it throws is a `RemoteError` there. A class instance works too: its methods are exposed.
 *
 * The program stays until it is asked to stop, as one that waits for calls must. Calls that came before the drain are finished in it.
 *
 * @example
 * ```ts
 * export const api = expose({
 *   async resize(image: Uint8Array, width: number) { ... },
 * });
 * ```
 */
export function expose<Api extends object>(api: Api): Api {
  program.expose(api);
  return api;
}

/**
 * Makes an exposed function hear of its caller's abort or timeout: it is given an AbortSignal as its first argument, which callers do not
 * pass. Called by others than a supervisor it gets a signal that never aborts.
 *
 * @example
 * ```ts
 * expose({ search: abortable(async (signal, text: string) => index.search(text, { signal })) });
 * ```
 */
export function abortable<Args extends readonly unknown[], Result>(
  work: (signal: AbortSignal, ...args: Args) => Result,
): (...args: Args) => Result {
  return (...args) => work(program.served.signal(), ...args);
}

/**
 * Returned by an exposed function of a thread, `value` is answered with `list` moved instead of copied: those buffers and ports
 * are empty here afterwards. A process has nothing to move: there `value` is copied.
 */
export function transfer<Value extends object>(value: Value, list: readonly Transferable[]): Value {
  program.served.transfer(value, list);
  return value;
}
