import { checkDuration, checkNames, LONGEST_TIMER_MS, ResourceError } from '../../core/index.js';
import { type ChildContext, type ResourceKind, systemClock } from '../../runtime/index.js';
import { refuse } from '../checks.js';
import type { SnapshotCell } from './cell.js';

/** What is kept fresh, from where, and how often. */
export interface FreshOptions<T> {
  /** Such as `snapshotCell({ name: 'rates', bytes: 65_536 })`: acquired by each incarnation, while the cell and its value stay. */
  readonly cell: ResourceKind<SnapshotCell<T>>;
  /** Gets the value. Not called again before it has settled; `signal` is aborted when the child is to stop, or the value has grown too old. */
  load(signal: AbortSignal): T | PromiseLike<T>;
  /**
   * From one load to the next, in ms from 1, begin to begin; a load that takes longer is followed by the next at once.
   * @defaultValue `500`
   */
  readonly everyMs?: number;
  /**
   * How old the value may become while the source fails, or hangs, before the child fails as well, in ms from 1; counted from the start of the
   * incarnation at the earliest. The last good value stays readable, before and after.
   * @defaultValue `Infinity`: a source that fails is only told of
   */
  readonly maxAgeMs?: number;
  /** Told of each load that failed. @defaultValue they are logged, the first of a row as a warning */
  onError?(error: unknown): void;
}

/**
 * The body of a child that keeps a cell fresh, for `task()` or a program of its own; `refresher()` makes the child as well.
 *
 * It loads and writes what has changed. An equal value is confirmed: the version moves with the value, the age tells when the source was last
 * heard. The child is ready once there is a value that is not too old, and shows life after every load, failed ones included. A stop ends
 * the waiting at once, and aborts a load under way.
 *
 * @throws InvalidSpecError for an option that is wrong. The child fails with AlreadyLockedError while another writer lives.
 */
export function keepFresh<T>(options: FreshOptions<T>): (ctx: ChildContext) => Promise<void> {
  check(options);
  return async (ctx) => {
    const cell = await ctx.resources.acquire(options.cell);
    await new Freshness(ctx, cell, options).run();
  };
}

const OPTIONS: readonly string[] = ['cell', 'load', 'everyMs', 'maxAgeMs', 'onError'];

function check<T>(options: FreshOptions<T>): void {
  const subject = 'the refresher';
  checkNames(subject, options, OPTIONS);
  const { cell, load, everyMs, maxAgeMs, onError } = options;
  if (cell?.request?.kind !== 'snapshot-cell') refuse(subject, 'cell', cell, 'what snapshotCell() returns');
  if (typeof load !== 'function') refuse(subject, 'load', load, 'a function');
  if (onError !== undefined && typeof onError !== 'function')
    refuse(subject, 'onError', onError, 'a function');
  checkDuration(subject, 'everyMs', everyMs, 1);
  if (maxAgeMs !== Number.POSITIVE_INFINITY) checkDuration(subject, 'maxAgeMs', maxAgeMs, 1);
}

class Freshness<T> {
  readonly #ctx: ChildContext;
  readonly #cell: SnapshotCell<T>;
  readonly #options: FreshOptions<T>;
  readonly #everyMs: number;
  readonly #maxAgeMs: number;
  /** When the source was last good, or this incarnation began. */
  #goodAtMs: number = systemClock.now();
  /** Since then: what the last failed load threw. */
  #failure: { readonly error: unknown } | undefined;

  constructor(ctx: ChildContext, cell: SnapshotCell<T>, options: FreshOptions<T>) {
    this.#ctx = ctx;
    this.#cell = cell;
    this.#options = options;
    this.#everyMs = options.everyMs ?? 500;
    this.#maxAgeMs = options.maxAgeMs ?? Number.POSITIVE_INFINITY;
  }

  async run(): Promise<void> {
    const { signal } = this.#ctx;
    const { ageMs } = this.#cell;
    if (ageMs !== undefined && ageMs <= this.#maxAgeMs) this.#ctx.ready();
    while (!signal.aborted) {
      const begunAtMs = systemClock.now();
      await this.#round(signal);
      await pause(begunAtMs + this.#everyMs, signal);
    }
  }

  async #round(signal: AbortSignal): Promise<void> {
    const loaded = await this.#load(signal);
    if (signal.aborted) return;
    if (loaded !== undefined) this.#keep(loaded.value);
    else if (this.#leftMs <= 0) throw this.#tooOld();
    this.#ctx.heartbeat();
  }

  /** What was loaded; nothing where that failed. */
  async #load(signal: AbortSignal): Promise<{ readonly value: T } | undefined> {
    const limit = new AbortController();
    const tooLate = (): void => {
      const error = this.#tooOld();
      limit.abort(error);
      // A load that does not mind its signal may never settle: what is done about that is for the supervisor to say.
      this.#ctx.fail(error);
    };
    // The first load after a silence has its chance.
    const timer = systemClock.after(Math.max(this.#leftMs, this.#everyMs), tooLate, false);
    try {
      return { value: await this.#options.load(AbortSignal.any([signal, limit.signal])) };
    } catch (error) {
      if (!signal.aborted && !limit.signal.aborted) this.#tell(error);
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** For how long the value may still be without news of the source. */
  get #leftMs(): number {
    return Math.min(LONGEST_TIMER_MS, this.#goodAtMs + this.#maxAgeMs - systemClock.now());
  }

  /** A value that cannot be written is no fault of the source: it ends the child. */
  #keep(value: T): void {
    this.#cell.update(value);
    this.#goodAtMs = systemClock.now();
    this.#failure = undefined;
    this.#ctx.ready();
  }

  #tell(error: unknown): void {
    const { onError } = this.#options;
    const again = this.#failure !== undefined;
    this.#failure = { error };
    if (onError !== undefined) onError(error);
    else this.#ctx.log[again ? 'debug' : 'warn']({ err: error }, `${this.#ctx.path}: could not be refreshed`);
  }

  #tooOld(): ResourceError {
    const silentMs = Math.round(systemClock.now() - this.#goodAtMs);
    return new ResourceError(
      `${this.#cell.kind} "${this.#cell.name}"`,
      'refresh',
      undefined,
      `its source has given nothing for ${silentMs} ms. The last good value, if there is one, stays readable. ` +
        'Mend the source, or raise maxAgeMs.',
      { cause: this.#failure?.error },
    );
  }
}

/** Until the moment, or until the child is to stop. */
function pause(untilMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const go = (): void => {
      signal.removeEventListener('abort', go);
      timer.cancel();
      resolve();
    };
    const timer = systemClock.after(Math.max(0, untilMs - systemClock.now()), go);
    signal.addEventListener('abort', go);
  });
}
