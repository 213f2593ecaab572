import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';
import {
  type ChildContext,
  type Clock,
  type Logger,
  StartError,
  type SupervisionEvent,
  Supervisor,
  silentLogger,
  supervisor,
  systemClock,
  task,
} from 'treewarden';
import { fakeKind, fakeResources } from 'treewarden/testing';
import {
  CLOCK,
  CONTEXT,
  classChild,
  DRIVERS,
  type Drivers,
  incarnationContainer,
  LOGGER,
  RESOURCES,
  withContainer,
} from 'treewarden/tsyringe';
import * as tsyringe from 'tsyringe';
import { container as globalContainer, inject, injectable, Lifecycle, scoped, singleton } from 'tsyringe';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const { delay } = tsyringe;
let container = globalContainer.createChildContainer();
let tree: Supervisor | undefined;

beforeEach(() => {
  container = globalContainer.createChildContainer();
});
afterEach(async () => {
  await tree?.stop();
  tree = undefined;
});

/** A tree of these children that restarts without limit, started, and its events so far. */
async function start(...children: Parameters<typeof supervisor>[1] extends infer O ? ChildrenOf<O> : never) {
  const events: SupervisionEvent[] = [];
  tree = new Supervisor(
    supervisor('shop', { intensity: Number.POSITIVE_INFINITY, children }),
    withContainer(container),
  );
  tree.on('*', (event) => events.push(event));
  await tree.start();
  return { tree, events };
}
type ChildrenOf<O> = NonNullable<O extends { readonly children?: infer C } ? C : never>;

const untilAsked = ({ signal }: ChildContext): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

async function restarted(supervised: Supervisor, id: string): Promise<void> {
  await supervised.terminateChild(id);
  await supervised.restartChild(id);
}

describe('a class as a child', () => {
  test("is made for each incarnation, so a restart never sees its predecessor's state", async () => {
    const seen: number[] = [];
    @injectable()
    class Counter {
      count = 0;
    }
    @injectable()
    class Consumer {
      constructor(@inject(Counter) readonly counter: Counter) {}
      run(ctx: ChildContext): Promise<void> {
        this.counter.count += 1;
        seen.push(this.counter.count);
        return untilAsked(ctx);
      }
    }
    const { tree } = await start(classChild('consumer', Consumer));
    await restarted(tree, 'consumer');
    await restarted(tree, 'consumer');
    expect(seen).toEqual([1, 1, 1]);
  });

  test('that is scoped to its container is one instance within an incarnation, and another in the next', async () => {
    const pairs: (readonly [object, object])[] = [];
    @scoped(Lifecycle.ContainerScoped)
    class Session {}
    @injectable()
    class Consumer {
      constructor(
        @inject(Session) readonly one: Session,
        @inject(Session) readonly two: Session,
      ) {}
      run(ctx: ChildContext): Promise<void> {
        pairs.push([this.one, this.two]);
        return untilAsked(ctx);
      }
    }
    container.register(Session, { useClass: Session }, { lifecycle: Lifecycle.ContainerScoped });
    const { tree } = await start(classChild('consumer', Consumer));
    await restarted(tree, 'consumer');
    expect(pairs.map(([one, two]) => one === two)).toEqual([true, true]);
    expect(pairs[0]?.[0]).not.toBe(pairs[1]?.[0]);
  });

  test('is found under a token', async () => {
    const token = Symbol('mailer');
    const ran: string[] = [];
    class Mailer {
      run(ctx: ChildContext): Promise<void> {
        ran.push(ctx.path);
        return untilAsked(ctx);
      }
    }
    container.register(token, { useClass: Mailer });
    await start(classChild('mailer', token));
    expect(ran).toEqual(['shop/mailer']);
  });

  test('is given its context, clock and logger by explicit tokens', async () => {
    const given: unknown[] = [];
    @injectable()
    class Consumer {
      constructor(
        @inject(CONTEXT) readonly ctx: ChildContext,
        @inject(CLOCK) readonly clock: Clock,
        @inject(LOGGER) readonly log: Logger,
      ) {}
      run(ctx: ChildContext): Promise<void> {
        given.push(this.ctx === ctx, this.clock === systemClock, this.log === ctx.log);
        return untilAsked(ctx);
      }
    }
    await start(classChild('consumer', Consumer));
    expect(given).toEqual([true, true, true]);
  });

  test('is named by its class in the snapshot of what outlives a stop', async () => {
    class Mailer {
      run(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const { tree } = await start(classChild('mailer', Mailer, { shutdown: 'brutal_kill' }));
    const { survivors } = await tree.stop();
    expect(survivors).toMatchObject([{ child: 'shop/mailer', command: 'Mailer' }]);
  });

  test('whose constructor throws did not start, so the tree does not either', async () => {
    class Broken {
      constructor() {
        throw new Error('no database');
      }
      run(): void {}
    }
    await expect(start(classChild('broken', Broken))).rejects.toThrow(
      /"shop\/broken" did not start: failed: Error: no database/,
    );
  });

  test('whose token nobody registered did not start', async () => {
    const starting = start(classChild('mailer', 'Mailer'));
    await expect(starting).rejects.toThrow(/unregistered dependency token: "Mailer"/);
    await expect(starting).rejects.toBeInstanceOf(StartError);
  });

  test('without run is refused with what it should have', async () => {
    container.register('Mailer', { useValue: { send: () => undefined } });
    await expect(start(classChild('mailer', 'Mailer'))).rejects.toThrow(
      /Mailer is an object, but must be an object with run\(ctx\)/,
    );
  });

  test('is refused at the door where there is no class, or a setting is wrong', () => {
    class Mailer {
      run(): void {}
    }
    expect(() => classChild('mailer', undefined as never)).toThrow(/what is undefined, but must be a class/);
    expect(() => classChild('mailer', Mailer, { drainMs: -1 })).toThrow(/drainMs is -1/);
  });

  test('outside a composed tree did not start, and says how to compose one', async () => {
    class Mailer {
      run(): void {}
    }
    tree = new Supervisor(supervisor('shop', { children: [classChild('mailer', Mailer)] }));
    await expect(tree.start()).rejects.toThrow(/supervise\(tree, withContainer\(container\)\)/);
  });

  test('compiled by esbuild, which emits no metadata, is injected by its tokens', async () => {
    const source = `
      @injectable()
      export class Greeter {
        constructor(@inject('greeting') private readonly greeting: string) {}
        async run(): Promise<void> { heard.push(this.greeting); }
      }`;
    const { code } = transformSync(source, {
      loader: 'ts',
      format: 'cjs',
      tsconfigRaw: {
        compilerOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } as object,
      },
    });
    expect(code).not.toContain('design:paramtypes');
    const heard: string[] = [];
    const module: { exports: { Greeter?: new () => { run(): Promise<void> } } } = { exports: {} };
    new Function('module', 'exports', 'injectable', 'inject', 'heard', code)(
      module,
      module.exports,
      injectable,
      inject,
      heard,
    );
    container.registerInstance('greeting', 'hello');
    // Safe: the module above exports it.
    await start(
      classChild('greeter', module.exports.Greeter as new () => { run(): Promise<void> }, {
        restart: 'transient',
      }),
    );
    expect(heard).toEqual(['hello']);
  });

  test('whose parameter has no token did not start, since esbuild emits no types to guess from', async () => {
    @injectable()
    class Guessing {
      constructor(readonly clock: Clock) {}
      run(): void {}
    }
    await expect(start(classChild('guessing', Guessing))).rejects.toThrow(
      /TypeInfo not known for "Guessing"/,
    );
  });
});

describe('the end of an incarnation', () => {
  test('disposes what its container made one after another, last made first, in one order with ctx.defer', async () => {
    const log: string[] = [];
    class Pool {
      async [Symbol.asyncDispose](): Promise<void> {
        log.push('pool…');
        await new Promise((resolve) => setImmediate(resolve));
        log.push('pool');
      }
    }
    @injectable()
    class Repository {
      constructor(@inject(Pool) readonly pool: Pool) {}
      [Symbol.dispose](): void {
        log.push('repository');
      }
    }
    @injectable()
    class Consumer {
      constructor(
        @inject(CONTEXT) ctx: ChildContext,
        @inject(Repository) readonly repository: Repository,
      ) {
        ctx.defer(() => log.push('deferred by the constructor'));
      }
      run(ctx: ChildContext): Promise<void> {
        ctx.defer(() => log.push('deferred by run'));
        return untilAsked(ctx);
      }
      dispose(): void {
        log.push('consumer');
      }
    }
    const { tree } = await start(classChild('consumer', Consumer));
    await tree.terminateChild('consumer');
    expect(log).toEqual([
      'deferred by run',
      'consumer',
      'deferred by the constructor',
      'repository',
      'pool…',
      'pool',
    ]);
  });

  test('goes past a disposal that fails and reports every one', async () => {
    const disposed: string[] = [];
    class First {
      dispose(): void {
        disposed.push('first');
        throw new Error('first will not go');
      }
    }
    class Second {
      dispose(): Promise<void> {
        disposed.push('second');
        return Promise.reject(new Error('second will not go'));
      }
    }
    @injectable()
    class Consumer {
      constructor(@inject(First) _first: First, @inject(Second) _second: Second) {}
      run(ctx: ChildContext): Promise<void> {
        return untilAsked(ctx);
      }
      dispose(): void {
        disposed.push('consumer');
      }
    }
    const { tree, events } = await start(classChild('consumer', Consumer));
    await tree.terminateChild('consumer');
    expect(disposed).toEqual(['consumer', 'second', 'first']);
    const noted = events.flatMap((event) => (event.type === 'child:noted' ? [event.error?.message] : []));
    expect(noted).toEqual(['second will not go', 'first will not go']);
  });

  test('disposes after a crash as well, before the next one is made', async () => {
    const log: string[] = [];
    class Consumer {
      static made = 0;
      readonly nth: number;
      constructor() {
        Consumer.made += 1;
        this.nth = Consumer.made;
        log.push(`made ${this.nth}`);
      }
      async run(ctx: ChildContext): Promise<void> {
        if (this.nth === 1) throw new Error('crash');
        await untilAsked(ctx);
      }
      dispose(): void {
        log.push(`disposed ${this.nth}`);
      }
    }
    const { tree } = await start(classChild('consumer', Consumer));
    await tree.child('consumer').whenReady();
    await new Promise<void>((resolve) => {
      if (Consumer.made === 2) resolve();
      else tree.on('child:ready', () => resolve());
    });
    expect(log).toEqual(['made 1', 'disposed 1', 'made 2']);
  });

  test('disposes what a constructor had been given before it threw', async () => {
    const disposed: string[] = [];
    class Pool {
      dispose(): void {
        disposed.push('pool');
      }
    }
    @injectable()
    class Broken {
      constructor(@inject(Pool) _pool: Pool) {
        throw new Error('no');
      }
      run(): void {}
    }
    await expect(start(classChild('broken', Broken))).rejects.toThrow();
    expect(disposed).toEqual(['pool']);
  });

  test('leaves singletons to the tree: made in its container, never disposed with a child', async () => {
    const seen: unknown[] = [];
    const disposed: string[] = [];
    @singleton()
    class Pool {
      dispose(): void {
        disposed.push('pool');
      }
    }
    @injectable()
    class Consumer {
      constructor(@inject(Pool) readonly pool: Pool) {}
      run(ctx: ChildContext): Promise<void> {
        seen.push(this.pool);
        return untilAsked(ctx);
      }
    }
    const { tree } = await start(classChild('consumer', Consumer));
    await restarted(tree, 'consumer');
    await tree.stop();
    expect(seen).toHaveLength(2);
    expect(seen[0]).toBe(seen[1]);
    expect(disposed).toEqual([]);
    await container.dispose();
    expect(disposed).toEqual(['pool']);
  });

  test('a singleton cannot be given the context of one incarnation', async () => {
    @singleton()
    class Greedy {
      constructor(@inject(CONTEXT) readonly ctx: ChildContext) {}
    }
    @injectable()
    class Consumer {
      constructor(@inject(Greedy) readonly greedy: Greedy) {}
      run(): void {}
    }
    await expect(start(classChild('consumer', Consumer))).rejects.toThrow(
      /unregistered dependency token: "Symbol\(treewarden\/context\)"/,
    );
  });

  test('disposes a delayed instance only if it was ever made', async () => {
    const log: string[] = [];
    class Rare {
      constructor() {
        log.push('made');
      }
      work(): void {
        log.push('worked');
      }
      dispose(): void {
        log.push('disposed');
      }
    }
    @injectable()
    class Consumer {
      constructor(@inject(delay(() => Rare)) readonly rare: Rare) {}
      run(ctx: ChildContext): Promise<void> {
        if (ctx.incarnation === 2) this.rare.work();
        return untilAsked(ctx);
      }
    }
    const { tree } = await start(classChild('consumer', Consumer));
    await tree.terminateChild('consumer');
    expect(log).toEqual([]);
    await tree.restartChild('consumer');
    await tree.terminateChild('consumer');
    expect(log).toEqual(['made', 'worked', 'disposed']);
  });
});

describe('a composed tree', () => {
  test('has its clock, logger and kinds of child under tokens', () => {
    const logger: Logger = { ...silentLogger };
    const options = withContainer(container, { logger, graceMs: 5 });
    expect(options.graceMs).toBe(5);
    expect(options.logger).toBe(logger);
    expect(container.resolve(LOGGER)).toBe(logger);
    expect(container.resolve(CLOCK)).toBe(systemClock);
    expect(container.resolve<Drivers>(DRIVERS).task).toBe(task);
  });

  test('takes the clock, logger and kinds that the container has already', () => {
    const logger: Logger = { ...silentLogger };
    const clock: Clock = { ...systemClock };
    const kinds = { task } as unknown as Drivers;
    container.registerInstance(LOGGER, logger);
    container.registerInstance(CLOCK, clock);
    container.registerInstance(DRIVERS, kinds);
    expect(withContainer(container)).toMatchObject({ logger, clock });
    expect(container.resolve(DRIVERS)).toBe(kinds);
  });

  test("hands drivers what the container has under a symbol, and the options' own services first", () => {
    const [one, two] = [Symbol('one'), Symbol('two')];
    container.registerInstance(one, 'from the container').registerInstance(two, 'from the container');
    const services = { get: <T>(token: symbol) => (token === two ? 'own' : undefined) as T | undefined };
    const given = withContainer(container, { services }).services;
    expect([given?.get(one), given?.get(two), given?.get(Symbol('three'))]).toEqual([
      'from the container',
      'own',
      undefined,
    ]);
  });

  test('gives a plain task the container of its incarnation', async () => {
    const log: string[] = [];
    @injectable()
    class Mailer {
      constructor(@inject(CONTEXT) readonly ctx: ChildContext) {}
      dispose(): void {
        log.push(`disposed in ${this.ctx.path}`);
      }
    }
    const run = (ctx: ChildContext): Promise<void> => {
      incarnationContainer(container, ctx).resolve(Mailer);
      return untilAsked(ctx);
    };
    const { tree } = await start(task('mail', run));
    await tree.stop();
    expect(log).toEqual(['disposed in shop/mail']);
  });
});

describe('the reflection polyfill', () => {
  const run = (code: string) =>
    spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      encoding: 'utf8',
    });

  test('is not loaded, nor asked for, by treewarden/tsyringe itself', () => {
    const { stdout, stderr } = run(`
      import { withContainer } from 'treewarden/tsyringe';
      console.log(typeof withContainer, 'getMetadata' in Reflect);`);
    expect(stdout, stderr).toBe('function false\n');
  });

  test('is asked for by tsyringe, which says what to do', () => {
    const { status, stderr } = run(`import 'treewarden/tsyringe'; import 'tsyringe';`);
    expect(status).toBe(1);
    expect(stderr).toContain('import "reflect-metadata"');
  });
});

test('the registry of a tree is the one that its container has, or the one that it is given', async () => {
  const resources = fakeResources();
  container.registerInstance(RESOURCES, resources);
  const hold = async (ctx: ChildContext): Promise<void> => {
    await ctx.resources.acquire(fakeKind('lock', 'a'));
    ctx.ready();
    await untilAsked(ctx);
  };
  const holder = task('mail', hold, { ready: 'explicit' });
  tree = new Supervisor(supervisor('shop', { children: [holder] }), withContainer(container));
  await tree.start();
  await tree.stop();
  expect(resources.log).toContain('shop/mail#1 releases lock "a"');
  const given = fakeResources();
  expect(withContainer(container, { resources: given }).resources).toBe(given);
  expect(container.resolve(RESOURCES)).toBe(given);
});
