import { type ChildPath, errorFacts, InvalidSpecError, NotStoppableError } from '../core/index.js';
import type { ContextOwner, IncarnationHost } from '../runtime/index.js';
import { errorOfEvent, listen } from './client-events.js';
import { Closing, type Ends } from './closing.js';
import type { ConsumerFactory, ConsumerHooks, ConsumerOptions } from './consumer-hooks.js';
import { type Body, ignore, isAbort } from './in-process.js';
import { JobContext } from './job-context.js';
import { watchProgress } from './progress.js';
import { type Shape, shapeOf } from './shape.js';

/**
 * One incarnation of a consumer: makes it, starts it, watches it, and takes it down by its hooks or by what its shape offers. It is to an
 * in-process child what a task's function is to a task.
 */
export class ConsumerLife<C> implements Body {
  readonly name: string;
  readonly saysReady: boolean;
  readonly #host: IncarnationHost;
  readonly #make: ConsumerFactory<C>;
  readonly #options: ConsumerOptions<C>;
  readonly #closing: Closing;
  #context: JobContext | undefined;
  #client: Client<C> | undefined;
  #asked = false;
  #hasEnded = false;
  #dead = false;
  #errors = 0;
  #unwatch: (() => void) | undefined;

  constructor(host: IncarnationHost, make: ConsumerFactory<C>, options: ConsumerOptions<C>) {
    this.#host = host;
    this.#make = make;
    this.#options = options;
    this.#closing = new Closing(host);
    this.name = make.name;
    this.saysReady = host.settings.ready === 'spawn';
  }

  get inFlight(): number | undefined {
    return this.#context?.inFlight;
  }

  contextFor(owner: ContextOwner): JobContext {
    // A function that goes on for as long as the consumer lives never returns one: it is ready with its first sign of being at work.
    this.#context = new JobContext(owner, () => this.#sayReady());
    return this.#context;
  }

  async run(): Promise<unknown> {
    const ctx = this.#ctx;
    ctx.onDrain(() => this.#drain());
    const made = await this.#make(ctx);
    if ((made as unknown) === ignore) return ignore;
    const client = clientOf(this.#host.path, made, this.#options);
    if (client !== undefined) await this.#consume(client);
    await ctx.idle();
    return undefined;
  }

  /** Take the client down; what is still being made is taken down as soon as it is there. */
  stop(): void {
    this.#asked = true;
    this.#ctx.refuseJobs();
    this.#unwatch?.();
    if (this.#client !== undefined) void this.#closing.gracefully(this.#client);
  }

  kill(): void {
    this.stop();
    const left = this.#ctx.giveUpJobs();
    if (left > 0) this.#host.note(`${left} of its jobs were still in flight`);
    if (this.#client !== undefined) void this.#closing.byForce(this.#client);
  }

  async #consume(client: Client<C>): Promise<void> {
    this.#client = client;
    if (this.#asked) void this.#closing.gracefully(client);
    else await this.#begin(client);
    try {
      await this.#closing.closed;
    } catch (error) {
      // Of what has ended by itself nothing is left but its resources; the failure to give them back was noted.
      if (!this.#hasEnded) throw error;
    }
  }

  async #begin(client: Client<C>): Promise<void> {
    const ctx = this.#ctx;
    try {
      this.#listen(client.value);
      await this.#options.start?.(client.value, ctx);
      client.done = this.#follow(client);
    } catch (error) {
      // Told as a fault, so that the ladder of a stop takes down what has been made.
      ctx.fail(error);
      return;
    }
    this.#sayReady();
    const { progress } = this.#options;
    if (progress === undefined || ctx.stopping) return;
    this.#unwatch = watchProgress(this.#host, progress, () => ctx.progress);
  }

  /** Follows the client to its own end, where that can be seen. */
  #follow(client: Client<C>): Promise<unknown> | undefined {
    const ctx = this.#ctx;
    const done = this.#options.done?.(client.value, ctx) ?? client.run?.(() => ctx.progressed());
    if (done === undefined) return undefined;
    const followed = Promise.resolve(done);
    followed.then(
      () => this.#ended(client),
      (error) => (ctx.stopping && isAbort(error) ? this.#ended(client) : ctx.fail(error)),
    );
    return followed;
  }

  /** It has ended by itself. A close hook is called all the same, since it may hold more than what has ended. */
  async #ended(client: Client<C>): Promise<void> {
    this.#hasEnded = true;
    this.#unwatch?.();
    if (this.#options.close !== undefined) {
      const { shutdown } = this.#host.settings;
      const limitMs = typeof shutdown === 'number' ? shutdown : 0;
      const limit = this.#host.clock.after(limitMs, () => void this.#closing.byForce(client));
      await this.#closing.gracefully(client);
      limit.cancel();
    }
    this.#closing.over();
  }

  async #drain(): Promise<void> {
    this.#unwatch?.();
    const client = this.#client;
    const { pause, drain } = this.#options;
    if (client !== undefined && pause === undefined && drain === undefined)
      await this.#closing.gracefully(client);
    else if (client !== undefined) await this.#finish(client);
    await this.#ctx.idle();
  }

  async #finish({ value, done }: Client<C>): Promise<void> {
    for (const hook of ['pause', 'drain'] as const) {
      try {
        await this.#options[hook]?.(value);
      } catch (error) {
        this.#host.note(`its ${hook} hook failed`, errorFacts(error));
      }
    }
    // Why it ended is told elsewhere.
    if (this.#options.drain !== undefined) await done?.catch(() => undefined);
  }

  #listen(client: C): void {
    const { failOn = [], progress } = this.#options;
    for (const event of failOn) this.#on(client, 'failOn', event, (args) => this.#died(event, args));
    for (const event of progress?.events ?? []) {
      this.#on(client, 'progress.events', event, () => this.#ctx.progressed());
    }
    try {
      // For as long as the client exists, also when it has been closed: an `error` that nobody listens to ends the program.
      if (!failOn.includes('error')) listen(client, 'error', (error) => this.#noteError(error));
    } catch {
      // A client with event names of its own refuses others, and so never emits this one.
    }
  }

  #on(client: C, field: string, event: string, listener: (args: readonly unknown[]) => void): void {
    if (listen(client, event, (...args) => listener(args))) return;
    throw new InvalidSpecError(`"${this.#host.id}"`, {
      rule: 'invalid_option',
      field,
      value: event,
      expected: 'left out, since what the factory made has no events',
    });
  }

  #died(event: string, args: readonly unknown[]): void {
    const error = errorOfEvent(event, args);
    // Closing makes clients emit `close`; and one death is enough.
    if (this.#ctx.stopping || this.#dead) {
      if (event === 'error') this.#noteError(error);
      return;
    }
    this.#dead = true;
    this.#ctx.fail(error);
  }

  /** Notes the 1st, 2nd, 4th, 8th error and so on: a client that cannot connect may emit thousands. */
  #noteError(error: unknown): void {
    this.#errors += 1;
    if (Number.isInteger(Math.log2(this.#errors))) {
      this.#host.note(`error event no. ${this.#errors} of the client`, errorFacts(error));
    }
  }

  #sayReady(): void {
    if (this.saysReady) this.#context?.ready();
  }

  get #ctx(): JobContext {
    // Safe: an in-process child asks for the context before anything else.
    return this.#context as JobContext;
  }
}

/** What the factory made, and how it is ended. */
interface Client<C> extends Ends {
  readonly value: C;
  readonly run: Shape['run'];
  done: Promise<unknown> | undefined;
}

/** @returns nothing where nothing was made: the factory's promise was the work itself. */
function clientOf<C>(child: ChildPath, value: C, hooks: ConsumerHooks<C>): Client<C> | undefined {
  const { close, done } = hooks;
  if (value === undefined && close === undefined && done === undefined) return undefined;
  const shape = shapeOf(value);
  if (close !== undefined) {
    const closeIt = (force: boolean) => (): unknown => hooks.close?.(value, { force });
    return { value, run: shape?.run, end: closeIt(false), force: closeIt(true), done: undefined };
  }
  if (shape === undefined) throw new NotStoppableError(child, value);
  return { value, run: shape.run, end: shape.end, force: shape.force, done: undefined };
}
