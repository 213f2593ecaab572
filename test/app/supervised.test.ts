import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ChildContext,
  type ChildSpec,
  type IncarnationHost,
  InvalidSpecError,
  joinShutdown,
  type Logger,
  StartError,
  type SupervisionEvent,
  Supervisor,
  supervise,
  supervisor,
  TreeFailedError,
  task,
  UnknownChildError,
} from '../../src/index.js';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'exit', 'uncaughtExceptionMonitor'] as const;
const KEY = Symbol.for('treewarden/signals/1');
const listeners = (): readonly number[] => SIGNALS.map((name) => process.listenerCount(name));

let before: readonly number[];
beforeEach(() => {
  before = listeners();
});
afterEach(() => {
  expect(listeners()).toEqual(before);
  expect(KEY in globalThis).toBe(false);
});

const idle = (ctx: ChildContext): Promise<void> =>
  new Promise((resolve) => {
    if (ctx.signal.aborted) resolve();
    else ctx.signal.addEventListener('abort', () => resolve());
  });

const shop = supervisor('shop', {
  children: [task('rates', idle), supervisor('workers', { children: [task('mail', idle)] })],
});

describe('supervise() of a tree', () => {
  test('resolves when the whole tree is ready, and the tree is its own root', async () => {
    await using app = await supervise(shop);
    expect(app.child('workers/mail').status).toBe('ready');
    expect(app.child('workers/mail').path).toBe('shop/workers/mail');
    expect(app.snapshot()).toMatchObject({ path: 'shop', status: 'ready' });
    expect(app.supervisor).toBeInstanceOf(Supervisor);
  });

  test('traps four signals while it runs, once for any number of trees', async () => {
    const apps = await Promise.all([supervise(shop), supervise(shop), supervise(shop)]);
    const more = listeners().map((count, i) => count - (before[i] ?? 0));
    expect(more.slice(0, 4)).toEqual([1, 1, 1, 1]);
    await Promise.all(apps.map((app) => app.stop()));
  });

  test('says how it ended: stopped by a call, with the report', async () => {
    const app = await supervise(shop);
    const report = await app.stop({ graceMs: 5000 });
    expect(listeners()).toEqual(before);
    expect(await app.done).toEqual({ type: 'stopped', by: 'stop', report });
    expect(report).toMatchObject({ graceMs: 5000, survivors: [], failures: [] });
    expect(report.children.map(({ child }) => child).sort()).toEqual(
      expect.arrayContaining(['shop/rates', 'shop/workers/mail']),
    );
  });

  test('is stopped as well if its supervisor is asked directly', async () => {
    const app = await supervise(shop);
    await app.supervisor.stop();
    expect(await app.done).toMatchObject({ type: 'stopped', by: 'stop' });
  });

  test('stops once, however often it is asked', async () => {
    const app = await supervise(shop);
    const [first, second] = await Promise.all([app.stop(), app.stop({ graceMs: 1 })]);
    expect(second).toBe(first);
    expect(await app.stop()).toBe(first);
  });

  test('a stop without time is refused, and the tree goes on', async () => {
    await using app = await supervise(shop);
    await expect(app.stop({ graceMs: 0 })).rejects.toThrow(InvalidSpecError);
    expect(app.child('rates').status).toBe('ready');
  });

  test('a path that is not there is refused', async () => {
    await using app = await supervise(shop);
    expect(() => app.child('workers/nobody' as never)).toThrow(UnknownChildError);
  });

  test('a start that fails leaves nothing behind', async () => {
    let released = false;
    const tree = supervisor('shop', {
      children: [
        task('first', async (ctx) => {
          ctx.defer(() => (released = true));
          await idle(ctx);
        }),
        task('second', () => Promise.reject(new Error('no database')), { ready: 'explicit' }),
      ],
    });
    await expect(supervise(tree)).rejects.toThrow(StartError);
    await expect(supervise(tree)).rejects.toThrow(/"shop\/second" did not start: failed: Error: no database/);
    expect(released).toBe(true);
  });

  test('a tree that gives up rejects done, with the history', async () => {
    const crash = async (): Promise<never> => {
      await new Promise(setImmediate);
      throw new Error('out of paper');
    };
    const app = await supervise(supervisor('shop', { intensity: 0, children: [task('print', crash)] }));
    const error = await app.done.catch((it: unknown) => it);
    expect(error).toBeInstanceOf(TreeFailedError);
    expect(error).toMatchObject({ root: 'shop', exit: { type: 'gave-up', child: 'shop/print' } });
    expect((error as Error).cause).toEqual(new Error('out of paper'));
  });

  test('a tree whose significant child finishes is completed', async () => {
    const once = task('once', () => new Promise(setImmediate), { restart: 'transient', significant: true });
    const app = await supervise(supervisor('job', { autoShutdown: 'any_significant', children: [once] }));
    expect(await app.done).toEqual({ type: 'completed' });
  });
});

describe('supervise() of one child', () => {
  const hosts: IncarnationHost[] = [];
  /** A child that ends as it is told by its last host. */
  const program = <Id extends string>(id: Id): ChildSpec<Id> => ({
    id,
    kind: 'program',
    driver: {
      start: (host) => {
        hosts.push(host);
        host.ready();
        const end = (): void => host.exited({ type: 'shutdown' });
        return { drain: () => host.drained(), stop: end, kill: end };
      },
    },
  });

  test('puts it under a root, from which its path leads', async () => {
    await using app = await supervise(task('mail', idle));
    expect(app.child('mail').path).toBe('root/mail');
  });

  test('restarts it for ever, unless told otherwise', async () => {
    let runs = 0;
    const flaky = async (ctx: ChildContext): Promise<void> => {
      runs += 1;
      await new Promise(setImmediate);
      if (runs < 20) throw new Error('again');
      await idle(ctx);
    };
    const spec = task('flaky', flaky, { backoff: { type: 'none' } });
    const app = await supervise(spec, { signals: false });
    while (runs < 20) await new Promise(setImmediate);
    await app.stop();

    runs = 0;
    const limited = await supervise(spec, { signals: false, intensity: 3, periodMs: 60_000 });
    await expect(limited.done).rejects.toThrow(TreeFailedError);
    expect(runs).toBe(4);
  });

  test('a child that its exit keeps down ends the program, which has failed as it has', async () => {
    const app = await supervise(program('misconfigured'));
    hosts.at(-1)?.exited({ type: 'code', code: 78 });
    await expect(app.done).rejects.toThrow('The tree "root" has failed: exited with code 78.');
  });

  test('a child that was to run once leaves the program, so that it can be brought up again', async () => {
    const app = await supervise(program('job'));
    await app.child('job').start({ once: true });
    hosts.at(-1)?.exited({ type: 'code', code: 78 });
    await new Promise(setImmediate);
    expect(app.child('job').status).toBe('down');
    await app.child('job').start();
    await app.stop();
    await expect(app.done).resolves.toMatchObject({ type: 'stopped' });
  });

  test('a temporary child ends the program, which has failed if the child has', async () => {
    const restart = 'temporary';
    const good = await supervise(task('try', () => new Promise(setImmediate), { restart }));
    expect(await good.done).toEqual({ type: 'completed' });
    const bad = await supervise(task('try', () => Promise.reject(new Error('no')), { restart }));
    await expect(bad.done).rejects.toThrow(/The tree "root" has failed: failed: Error: no/);
  });

  test('a permanent child that returns is started again', async () => {
    let runs = 0;
    const app = await supervise(
      task('loop', async () => {
        runs += 1;
        await new Promise(setImmediate);
      }),
    );
    while (runs < 3) await new Promise(setImmediate);
    expect((await app.stop()).survivors).toEqual([]);
  });
});

describe('what cannot be supervised', () => {
  const cases: readonly (readonly [string, unknown, object?])[] = [
    ['nothing', undefined],
    ['a number', 42],
    ['an array of specs', [task('a', idle)]],
    ['a grace of 0', shop, { graceMs: 0 }],
    ['a grace of NaN', shop, { graceMs: Number.NaN }],
    ['an endless grace', shop, { graceMs: Number.POSITIVE_INFINITY }],
    ['a linger of 0', shop, { lingerMs: 0 }],
    ['reraise as a word', shop, { reraise: 'yes' }],
    ['a signal that is none', shop, { signals: { SIGNAL: 'drain' } }],
    ['signals: true', shop, { signals: true }],
    ['a listener that is none', shop, { onEvent: 'log' }],
    ['a logger without warn', shop, { logger: { info: () => {} } }],
    ['an option that does not exist', shop, { gracMs: 5 }],
    ['a policy for a tree that has its own', shop, { intensity: 5 }],
  ];

  test.each(cases)('%s is refused before anything starts', async (_, what, options) => {
    await expect(supervise(what as never, options as never)).rejects.toThrow(InvalidSpecError);
  });
});

describe('events', () => {
  test('onEvent hears everything from the first start on', async () => {
    const types: string[] = [];
    const app = await supervise(shop, { onEvent: ({ type }) => types.push(type) });
    await app.stop();
    expect(types[0]).toBe('supervisor:starting');
    expect(types.at(-1)).toBe('supervisor:stopped');
  });

  test('listeners may be added, once or until removed', async () => {
    const app = await supervise(shop);
    const heard: string[] = [];
    app.events.once('child:starting', ({ child }) => heard.push(`once ${child}`));
    const off = app.events.on('child:starting', ({ child }) => heard.push(`on ${child}`));
    await app.child('rates').restart();
    off();
    await app.child('rates').restart();
    await app.stop();
    expect(heard).toEqual(['once shop/rates', 'on shop/rates']);
  });

  test('an iteration over them ends with the tree', async () => {
    const app = await supervise(shop);
    const reading = (async () => {
      const types: string[] = [];
      for await (const { type } of app.events) types.push(type);
      return types;
    })();
    await new Promise(setImmediate);
    await app.stop();
    expect(await reading).toContain('child:exited');
    expect((await reading).at(-1)).toBe('supervisor:stopped');
    for await (const event of app.events) expect.unreachable(event.type);
  });

  test('an iteration may be left', async () => {
    const app = await supervise(shop);
    const reading = (async () => {
      for await (const { type } of app.events) return type;
      return undefined;
    })();
    await new Promise(setImmediate);
    await app.stop();
    expect(await reading).toBe('supervisor:stopping');
  });

  test('a diagnostics channel has them for those who subscribed before', async () => {
    const heard: SupervisionEvent[] = [];
    const listen = (event: unknown): void => void heard.push(event as SupervisionEvent);
    subscribe('treewarden:event', listen);
    const app = await supervise(shop);
    await app.stop();
    unsubscribe('treewarden:event', listen);
    expect(heard.map(({ type }) => type)).toContain('supervisor:ready');
  });
});

test('the logger gets a line for what an operator must know, and no other', async () => {
  const lines: string[] = [];
  const write = (level: string) => (_facts: object, message?: string) =>
    void lines.push(`${level}: ${message}`);
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
  const crash = async (): Promise<never> => {
    await new Promise(setImmediate);
    throw new Error('out of paper');
  };
  const tree = supervisor('shop', { intensity: 1, children: [task('print', crash), task('calm', idle)] });
  const app = await supervise(tree, { logger });
  await expect(app.done).rejects.toThrow(TreeFailedError);
  expect(lines).toEqual([
    'warn: shop/print failed: Error: out of paper',
    'warn: shop/print failed: Error: out of paper',
    'error: shop gives up: 2 restarts in 5000 ms',
  ]);
});

describe('signals, in this process', () => {
  test('drain the tree, and the program goes on if it says so', async () => {
    const levels: number[] = [];
    const app = await supervise(shop, {
      reraise: false,
      onEvent: (event) => event.type === 'signal:received' && levels.push(event.level),
    });
    process.kill(process.pid, 'SIGINT');
    expect(await app.done).toMatchObject({ type: 'stopped', by: 'SIGINT' });
    expect(levels).toEqual([1]);
  });

  test('leave those who have joined the shutdown a share of the grace, however long the tree takes', async () => {
    const held = task('held', (ctx) =>
      ctx.critical(
        () => new Promise<void>((resolve) => ctx.deadline.addEventListener('abort', () => resolve())),
      ),
    );
    const leave = joinShutdown('flush', () => sleep(10));
    const app = await supervise(held, { reraise: false, graceMs: 500 });
    process.kill(process.pid, 'SIGTERM');
    expect(await app.done).toMatchObject({ report: { failures: [], survivors: [] } });
    leave();
  });

  test('a second one waits no longer for those who have joined the shutdown', async () => {
    let call = (): void => {};
    const called = new Promise<void>((resolve) => (call = resolve));
    const leave = joinShutdown('slow', () => {
      call();
      return new Promise(() => {});
    });
    const app = await supervise(shop, { reraise: false });
    process.kill(process.pid, 'SIGINT');
    await called;
    // Any sooner, and it would count as the first one's echo.
    await sleep(200);
    process.kill(process.pid, 'SIGINT');
    expect(await app.done).toMatchObject({ report: { failures: [{ subject: 'slow' }] } });
    leave();
  });

  test('during a stop by call end the program, too', async () => {
    let asked = (): void => {};
    const stopping = new Promise<void>((resolve) => (asked = resolve));
    const slow = task('slow', async (ctx) => {
      await idle(ctx);
      asked();
      await sleep(50);
    });
    const app = await supervise(slow, { reraise: false });
    const stopped = app.stop();
    await stopping;
    process.kill(process.pid, 'SIGTERM');
    await stopped;
    expect(await app.done).toMatchObject({ type: 'stopped', by: 'SIGTERM' });
  });
});
