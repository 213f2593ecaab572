import { errorFacts, NotStoppableError } from '../../core/index.js';
import type { ContextOwner } from '../../runtime/index.js';
import { type Body, type BodyHost, ignore, isAbort } from '../in-process/in-process.js';
import { JobContext } from '../in-process/job-context.js';
import { listenTo } from './client-events.js';
import { Closing, type Ends } from './closing.js';
import type { ConsumerFactory, ConsumerOptions } from './consumer-hooks.js';
import { watchProgress } from './progress.js';
import { type Shape, shapeOf } from './shape.js';

/**
 * One incarnation of a consumer: makes it, starts it, watches it, and takes it down by its hooks or by what its shape offers. It is to an
 * in-process child what a task's function is to a task.
 */
export class ConsumerLife<C> implements Body {
  readonly command: string | undefined;
  readonly saysReady: boolean;
  readonly #host: BodyHost;
  readonly #make: ConsumerFactory<C>;
  readonly #options: ConsumerOptions<C>;
  readonly #closing: Closing;
  #context: JobContext | undefined;
  #client: Client<C> | undefined;
  #asked = false;
  #hasEnded = false;
  #unwatch: (() => void) | undefined;

  constructor(host: BodyHost, make: ConsumerFactory<C>, options: ConsumerOptions<C>) {
    this.#host = host;
    this.#make = make;
    this.#options = options;
    this.#closing = new Closing(host);
    this.command = make.name || undefined;
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
    // A client that has ended is waited for no longer, whatever its hooks do.
    ctx.onDrain(() => Promise.race([this.#drain(), this.#closing.closed.catch(() => undefined)]));
    const made = await this.#make(ctx);
    if ((made as unknown) === ignore) return ignore;
    const client = this.#clientOf(made);
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
    // Not waited for: a start that hangs must not outlive what it starts.
    else void this.#begin(client);
    try {
      await this.#closing.closed;
    } catch (error) {
      // Of what has ended by itself nothing is left but its resources; the failure to give them back was noted.
      if (!this.#hasEnded) throw error;
    }
  }

  /** Never rejects: a failure is told as a fault, so that the ladder of a stop takes down what has been made. */
  async #begin(client: Client<C>): Promise<void> {
    const ctx = this.#ctx;
    try {
      listenTo(client.value, this.#host, ctx, this.#options);
      await this.#options.start?.(client.value, ctx);
      if (this.#asked) return;
      client.done = this.#follow(client);
    } catch (error) {
      ctx.fail(error);
      return;
    }
    this.#sayReady();
    const { progress } = this.#options;
    if (progress !== undefined) this.#unwatch = watchProgress(this.#host, progress, () => ctx.progress);
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

  /** @returns nothing where nothing was made: the factory's promise was the work itself. */
  #clientOf(value: C): Client<C> | undefined {
    const hooks = this.#options;
    if (value === undefined && hooks.close === undefined && hooks.done === undefined) return undefined;
    const shape = shapeOf(value);
    if (hooks.close !== undefined) {
      const close = (force: boolean) => (): unknown => hooks.close?.(value, { force });
      return { value, run: shape?.run, end: close(false), force: close(true), done: undefined };
    }
    if (shape !== undefined) return { value, ...shape, done: undefined };
    // What went on until it was asked to stop was the work itself, whatever it returns.
    if (this.#ctx.stopping) return undefined;
    throw new NotStoppableError(this.#host.path, value);
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
  readonly run?: Shape['run'];
  done: Promise<unknown> | undefined;
}
