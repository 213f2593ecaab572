import {
  CALLBACK,
  checkDuration,
  checkFields,
  checkId,
  duration,
  type Fields,
  field,
  InvalidSpecError,
  isObject,
  listOf,
} from '../../core/index.js';
import type { ChildDriver, ChildSpec, IncarnationHost } from '../../runtime/index.js';
import { InProcess, outside } from '../in-process/in-process.js';
import { inProcessSpec, type TaskSettings } from '../in-process/task.js';
import type {
  ConsumerFactory,
  ConsumerHooks,
  ConsumerInstance,
  ConsumerOptions,
  ProgressSettings,
  Supervisable,
} from './consumer-hooks.js';
import { ConsumerLife } from './consumer-life.js';

/**
 * A queue consumer as a child. `make` is called for each incarnation and returns what consumes: nothing (its promise is the work), an async
 * iterable, an observable, or any client that ends by disposal, `close`, `stop`, `disconnect`, `shutdown` or `unsubscribe`; hooks cover the rest.
 * It is ready once `make` and the `start` hook have resolved; an async function that goes on for as long as the consumer lives is ready
 * once it looks at `ctx.signal`, runs a job, or shows progress in another way. A fault before that is a failed start.
 *
 * An instance instead of a function cannot be made anew, so it is a temporary child.
 *
 * @throws InvalidSpecError for an option that is wrong.
 * @throws NotStoppableError, as a failed start, if what `make` returned cannot be stopped.
 * @example
 * ```ts
 * consumer('mail', () => new Worker('mail', send, { connection }));
 * ```
 */
export function consumer<const Id extends string, C extends Supervisable>(
  id: Id,
  make: ConsumerFactory<C>,
  options?: ConsumerOptions<C>,
): ChildSpec<Id>;
/** With a `close` hook, `make` may return anything. */
export function consumer<const Id extends string, C>(
  id: Id,
  make: ConsumerFactory<C>,
  options: ConsumerOptions<C> & Required<Pick<ConsumerHooks<C>, 'close'>>,
): ChildSpec<Id>;
/** An instance, as a temporary child: it is stopped with the tree, and missed when it dies. */
export function consumer<const Id extends string, C extends ConsumerInstance>(
  id: Id,
  instance: C,
  options?: ConsumerOptions<C> & { readonly restart?: 'temporary' },
): ChildSpec<Id>;
export function consumer<const Id extends string, C>(
  id: Id,
  makeOrInstance: ConsumerFactory<C> | C,
  options: ConsumerOptions<C> = {},
): ChildSpec<Id> {
  checkOptions(id, options);
  checkMade(id, makeOrInstance);
  const { start, done, failOn, pause, drain, close, progress, ...settings } = options;
  const startLife = (make: ConsumerFactory<C>) => (contain: boolean) =>
    new ConsumerDriver(make, options, contain);
  if (isFactory(makeOrInstance)) return inProcessSpec(id, 'consumer', settings, startLife(makeOrInstance));
  refuseRestarts(id, settings.restart);
  return inProcessSpec(
    id,
    'consumer',
    { ...settings, restart: 'temporary' },
    startLife(() => makeOrInstance),
  );
}

class ConsumerDriver<C> implements ChildDriver {
  // Closing by force takes a round trip or two to a broker.
  readonly killWaitMs: number = 1000;
  readonly #make: ConsumerFactory<C>;
  readonly #options: ConsumerOptions<C>;
  readonly #contain: boolean;

  constructor(make: ConsumerFactory<C>, options: ConsumerOptions<C>, contain: boolean) {
    this.#make = make;
    this.#options = options;
    this.#contain = contain;
  }

  start(host: IncarnationHost): InProcess {
    return InProcess.start(host, new ConsumerLife(outside(host), this.#make, this.#options), this.#contain);
  }
}

function isFactory<C>(makeOrInstance: ConsumerFactory<C> | C): makeOrInstance is ConsumerFactory<C> {
  return typeof makeOrInstance === 'function';
}

function checkMade(id: string, value: unknown): void {
  if (typeof value === 'function' || (typeof value === 'object' && value !== null)) return;
  refuse(id, 'make', value, 'a function that makes the consumer, or an instance');
}

const NAMES = listOf(field('the name of an event', (value) => typeof value === 'string'));

const OPTIONS: Fields<Omit<ConsumerOptions<unknown>, keyof TaskSettings>> = {
  start: CALLBACK,
  done: CALLBACK,
  failOn: NAMES,
  pause: CALLBACK,
  drain: CALLBACK,
  close: CALLBACK,
  progress: field('an object', isObject),
};

const PROGRESS: Fields<ProgressSettings> = { withinMs: duration(1), backlog: CALLBACK, events: NAMES };

function checkOptions<C>(id: string, options: ConsumerOptions<C>): void {
  const subject = `"${id}"`;
  checkId(`the consumer "${String(id)}"`, id);
  if (!isObject(options)) refuse(id, 'options', options, 'an object');
  checkFields(subject, options, OPTIONS);
  const { progress } = options;
  if (progress === undefined) return;
  checkDuration(subject, 'progress.withinMs', progress.withinMs ?? Number.NaN, 1);
  checkFields(subject, progress, PROGRESS, 'progress.');
}

function refuseRestarts(id: string, restart: string | undefined): void {
  if (restart === undefined || restart === 'temporary') return;
  throw new InvalidSpecError(`"${id}"`, {
    rule: 'invalid_restart_type',
    field: 'restart',
    value: restart,
    expected: "'temporary' for an instance, which cannot be made anew; give a function that makes it",
  });
}

function refuse(id: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(`"${id}"`, { rule: 'invalid_option', field, value, expected });
}
