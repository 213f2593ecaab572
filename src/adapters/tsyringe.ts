/**
 * Composition with tsyringe: classes as children, each incarnation with a container of its own.
 *
 * Nothing here uses decorator metadata, and nothing loads tsyringe: the containers are yours, and so is the choice of the reflection
 * polyfill that tsyringe asks for. Name the token of every constructor parameter by `@inject(…)`: esbuild, and with it tsup, tsx and vitest,
 * emits no types for tsyringe to guess from.
 *
 * @module treewarden/tsyringe
 */

import type { DependencyContainer, InjectionToken } from 'tsyringe';
import type * as treewarden from '../index.js';
import {
  type ChildContext,
  type ChildDriver,
  type ChildSpec,
  type Clock,
  command,
  consumer,
  dynamic,
  fork,
  type IncarnationHost,
  InvalidSpecError,
  type Logger,
  type LonePolicy,
  type ResourceOptions,
  type ResourceProvider,
  type SuperviseOptions,
  silentLogger,
  supervisor,
  systemClock,
  type TaskSettings,
  task,
  thread,
} from '../index.js';

/** The token of the tree's {@link Clock}. */
export const CLOCK: unique symbol = Symbol.for('treewarden/clock');
/** The token of the {@link Logger}: the tree's, and in the container of an incarnation that incarnation's own. */
export const LOGGER: unique symbol = Symbol.for('treewarden/logger');
/** The token of the {@link Drivers}. */
export const DRIVERS: unique symbol = Symbol.for('treewarden/drivers');
/**
 * The token of the {@link ResourceProvider}, where `ctx.resources` come from: a `ResourceRegistry`, which stays yours to close. Without one
 * `supervise()` opens its own.
 */
export const RESOURCES: unique symbol = Symbol.for('treewarden/resources');
/** The token of the {@link ChildContext}, in the container of an incarnation only. */
export const CONTEXT: unique symbol = Symbol.for('treewarden/context');
const CONTAINER: unique symbol = Symbol.for('treewarden/container');

/** The functions that make child specs, so that a class which composes a tree can be given others in a test. */
export type Drivers = Pick<
  typeof treewarden,
  'task' | 'thread' | 'fork' | 'command' | 'consumer' | 'supervisor' | 'dynamic'
>;

/** What a class offers to be a child: `run` is to it what its function is to a task. */
export interface Runnable {
  /** Called once per incarnation. Returning is a normal end, throwing a crash. */
  run(ctx: ChildContext): unknown;
}

/**
 * The options by which a tree is composed with a container, for `supervise()`, `new Supervisor()` and `testTree()`.
 *
 * The clock and the logger are those of `options`, or what the container has under {@link CLOCK} and {@link LOGGER}, or the defaults; the container
 * then has them under these tokens, and the kinds of child under {@link DRIVERS}. The registry is that of `options`, or what the container has
 * under {@link RESOURCES}; one that is given has that token afterwards, too. What else the container has under a symbol, drivers find
 * among their services.
 *
 * @example
 * ```ts
 * const app = await supervise(tree, withContainer(container, { graceMs: 10_000 }));
 * ```
 */
export function withContainer<Resources extends ResourceProvider | ResourceOptions = ResourceProvider>(
  container: DependencyContainer,
  options: ContainerOptions<Resources> = {},
): ContainerOptions<Resources> {
  const clock = options.clock ?? registered<Clock>(container, CLOCK) ?? systemClock;
  const logger = options.logger ?? registered<Logger>(container, LOGGER) ?? silentLogger;
  offer(container, CLOCK, clock);
  offer(container, LOGGER, logger);
  // Safe: what a container has under the token is a provider, which every kind of options takes.
  const resources = options.resources ?? (registered(container, RESOURCES) as Resources | undefined);
  if (resources !== undefined && 'openScope' in resources) offer(container, RESOURCES, resources);
  if (!container.isRegistered(DRIVERS, true)) container.registerInstance<Drivers>(DRIVERS, KINDS);
  const get = <T>(token: symbol): T | undefined =>
    token === CONTAINER
      ? (container as T)
      : (options.services?.get<T>(token) ?? registered<T>(container, token));
  return { ...options, ...(resources && { resources }), clock, logger, services: { get } };
}

/** The options of a program, or of a bare tree, which takes a registry as it is. */
export type ContainerOptions<Resources extends ResourceProvider | ResourceOptions = ResourceProvider> = Omit<
  SuperviseOptions & LonePolicy,
  'resources'
> & { readonly resources?: Resources };

/**
 * A child that is an instance of a class, made anew for every incarnation in a container of its own. Its `run` is supervised like a task's
 * function. A constructor that throws, or a token that nobody registered, is a start that failed.
 *
 * What the incarnation's container makes, and only that, belongs to the incarnation: when it ends, instances with `[Symbol.asyncDispose]`,
 * `[Symbol.dispose]` or `dispose()` are disposed one after another, last made first, in one order with `ctx.defer`; a disposal that fails is a
 * `child:noted` event and keeps no other from its turn. Singletons are made in the tree's container and outlive it, so they cannot be given
 * the {@link CONTEXT}. What a factory returns is the factory's to dispose.
 *
 * @param what - the class, or the token under which the tree's container has it
 * @throws InvalidSpecError for a token or setting that is wrong.
 * @example
 * ```ts
 * class Mailer {
 *   constructor(@inject(MAILBOX) readonly mailbox: Mailbox, @inject(LOGGER) readonly log: Logger) {}
 *   async run(ctx: ChildContext) { … }
 * }
 * const tree = supervisor('shop', { children: [classChild('mailer', Mailer)] });
 * await supervise(tree, withContainer(container));
 * ```
 */
export function classChild<const Id extends string>(
  id: Id,
  what: InjectionToken<Runnable>,
  settings: TaskSettings = {},
): ChildSpec<Id> {
  if (what === undefined || what === null || what === '')
    throw notRunnable(id, 'what', what, 'a class with run(ctx), or the token of one');
  const checked = task(id, () => undefined, settings);
  const start: ChildDriver['start'] = (host) => {
    const container = containerOf(host);
    let made = false;
    const run = (ctx: ChildContext): unknown => {
      const instance = incarnationContainer(container, ctx).resolve(what);
      if (typeof instance?.run !== 'function')
        throw notRunnable(id, nameOf(what), instance, 'an object with run(ctx)');
      made = true;
      return instance.run(ctx);
    };
    Object.defineProperty(run, 'name', { value: nameOf(what) });
    return task(id, run, settings).driver.start(readyOnce(host, () => made));
  };
  return { ...checked, driver: { ...killWaitOf(checked), start } };
}

/**
 * The container of one incarnation, for a task's function or a consumer's factory: a child of `container` that has `ctx` under
 * {@link CONTEXT} and `ctx.log` under {@link LOGGER}. What it makes is disposed when the incarnation ends, as with {@link classChild}.
 *
 * @example
 * ```ts
 * consumer('mail', (ctx) => incarnationContainer(container, ctx).resolve(MailConsumer));
 * ```
 */
export function incarnationContainer(container: DependencyContainer, ctx: ChildContext): DependencyContainer {
  const own = container.createChildContainer();
  own.registerInstance(CONTEXT, ctx);
  own.registerInstance(LOGGER, ctx.log);
  keepApart(own as unknown as Internals, container as unknown as Internals, ctx);
  return own;
}

const KINDS: Drivers = { task, thread, fork, command, consumer, supervisor, dynamic };

/** As much of a container's inside as is needed to see what it makes; unchanged since tsyringe 4.0. */
interface Internals {
  construct(what: unknown, context: unknown): unknown;
  resolveRegistration(registration: Registration, context: unknown): unknown;
}

interface Registration {
  readonly options: { readonly lifecycle: number };
}

/** `Lifecycle.Singleton`, which is an enum: to name it would load tsyringe. */
const SINGLETON = 1;

/**
 * Has everything that `own` makes undone with the incarnation, and singletons made in `above`. By itself tsyringe makes a singleton in
 * whichever container asks first, so it would hold that incarnation's context, and be disposed with it, for all who come later; and
 * its own `dispose()` is unordered and stops at the first that throws.
 */
function keepApart(own: Internals, above: Internals, ctx: ChildContext): void {
  const { construct, resolveRegistration } = own;
  if (typeof construct !== 'function' || typeof resolveRegistration !== 'function')
    throw new TypeError('This is not a container of tsyringe 4, the version that treewarden/tsyringe knows.');
  own.construct = (what, context) => {
    const made = construct.call(own, what, context);
    // A delayed class is a proxy as yet: its instance comes by here when it is first used.
    if (typeof what === 'function') disposeWith(ctx, made);
    return made;
  };
  own.resolveRegistration = (registration, context) =>
    registration.options.lifecycle === SINGLETON
      ? above.resolveRegistration(registration, { scopedResolutions: new Map() })
      : resolveRegistration.call(own, registration, context);
}

function disposeWith(ctx: ChildContext, made: unknown): void {
  if (typeof made !== 'object' || made === null) return;
  const it = made as Partial<AsyncDisposable & Disposable & { dispose(): unknown }>;
  const dispose = it[Symbol.asyncDispose] ?? it[Symbol.dispose] ?? it.dispose;
  if (typeof dispose === 'function') ctx.defer(() => dispose.call(it));
}

function containerOf(host: IncarnationHost): DependencyContainer {
  const container = host.services.get<DependencyContainer>(CONTAINER);
  if (container !== undefined) return container;
  throw new InvalidSpecError(`"${host.path}"`, {
    rule: 'invalid_option',
    field: 'its container',
    value: undefined,
    expected: 'given with the tree: supervise(tree, withContainer(container))',
  });
}

/** Keeps a child from being ready while its instance is not made: a task whose function throws counts as one that was ready and crashed. */
function readyOnce(host: IncarnationHost, made: () => boolean): IncarnationHost {
  return new Proxy(host, {
    get(target, key) {
      if (key === 'ready') return () => made() && target.ready();
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function killWaitOf({ driver }: ChildSpec): Pick<ChildDriver, 'killWaitMs'> {
  return driver.killWaitMs === undefined ? {} : { killWaitMs: driver.killWaitMs };
}

function registered<T>(container: DependencyContainer, token: symbol): T | undefined {
  return container.isRegistered(token, true) ? container.resolve<T>(token) : undefined;
}

function offer<T>(container: DependencyContainer, token: symbol, value: T): void {
  if (registered(container, token) !== value) container.registerInstance(token, value);
}

function nameOf(what: InjectionToken<unknown>): string {
  if (typeof what === 'function') return what.name;
  return typeof what === 'symbol' ? (what.description ?? 'symbol') : String(what);
}

function notRunnable(id: string, field: string, value: unknown, expected: string): InvalidSpecError {
  return new InvalidSpecError(`"${id}"`, { rule: 'invalid_start', field, value, expected });
}
