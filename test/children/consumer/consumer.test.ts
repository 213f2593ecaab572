import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { Observable, Subject } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { type ConsumerContext, type ConsumerOptions, consumer, ignore } from '../../../src/children/index.js';
import { DrainingError, InvalidSpecError, NotStoppableError } from '../../../src/core/index.js';
import { Gate } from '../fakes/queue.js';
import { launch, settle } from '../recording-host.js';

/** A client that ends by one method, and writes down that it was called. */
const endsBy = (name: PropertyKey, calls: unknown[]): { close(): void } =>
  // Safe: the tests below name a method that the library knows.
  ({ [name]: () => calls.push(name) }) as unknown as { close(): void };

describe('a consumer is recognised by its shape', () => {
  test('one that makes nothing is done when its promise is, and is ready once it looks at its signal', async () => {
    const loop = consumer('loop', async (ctx) => {
      while (!ctx.signal.aborted) await settle();
    });
    const { host, incarnation } = launch(loop);
    await host.heard('ready');
    incarnation.drain(1000);
    await host.ended();
    expect(host.said).toEqual(['ready', 'drained', 'exited: stopped when asked']);
  });

  test('one that makes nothing and never looks at its signal is ready with its first job or heartbeat', async () => {
    const gate = new Gate();
    const { host } = launch(
      consumer('loop', async (ctx) => {
        await gate.passed;
        ctx.heartbeat();
        await ctx.job(() => settle());
      }),
    );
    await settle();
    expect(host.said).toEqual([]);
    gate.open();
    await host.ended();
    expect(host.said.filter((line) => line !== 'heartbeat')).toEqual(['ready', 'exited: completed']);
  });

  test('an async generator is pumped, completes at its end, and fails when it throws', async () => {
    const seen: number[] = [];
    const counts = consumer('counts', async function* () {
      yield seen.push(1);
      yield seen.push(2);
    });
    const { host } = launch(counts);
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect(seen).toEqual([1, 2]);

    const fails = launch(
      consumer('fails', async function* () {
        yield 1;
        throw new Error('lost');
      }),
    );
    await fails.host.heard('fault: failed: Error: lost');
    fails.incarnation.stop(1000);
    await fails.host.ended();
  });

  test('an async generator gets return() when it is stopped, so that its finally blocks run', async () => {
    const undone: string[] = [];
    const { host, incarnation } = launch(
      consumer('numbers', async function* () {
        try {
          for (let number = 0; ; number += 1) {
            await settle();
            yield number;
          }
        } finally {
          undone.push('finally');
        }
      }),
    );
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(undone).toEqual(['finally']);
  });

  test('a stream is an async iterable', async () => {
    const { host } = launch(consumer('stream', () => Readable.from(['a', 'b'])));
    expect(await host.ended()).toEqual({ type: 'completed' });
  });

  test('an observable completes, fails, or is unsubscribed from', async () => {
    const completes = launch(consumer('a', () => new Observable<number>((it) => it.complete())));
    expect(await completes.host.ended()).toEqual({ type: 'completed' });

    const subject = new Subject<number>();
    const fails = launch(consumer('b', () => subject));
    await fails.host.heard('ready');
    subject.error(new Error('broken'));
    await fails.host.heard('fault: failed: Error: broken');
    fails.incarnation.stop(1000);
    await fails.host.ended();

    const endless = new Subject<number>();
    const stopped = launch(consumer('c', () => endless));
    await stopped.host.heard('ready');
    expect(endless.observed).toBe(true);
    stopped.incarnation.stop(1000);
    expect(await stopped.host.ended()).toEqual({ type: 'shutdown' });
    expect(endless.observed).toBe(false);
  });

  test.each([Symbol.asyncDispose, Symbol.dispose, 'close', 'stop', 'disconnect', 'shutdown', 'unsubscribe'])(
    'an object is ended by its own method: %s',
    async (name) => {
      const calls: unknown[] = [];
      const { host, incarnation } = launch(consumer('client', () => endsBy(name, calls)));
      await host.heard('ready');
      incarnation.stop(1000);
      expect(await host.ended()).toEqual({ type: 'shutdown' });
      expect(calls).toEqual([name]);
    },
  );

  test('disposal comes before close, and close before the others', async () => {
    const calls: unknown[] = [];
    const client = {
      stop: () => calls.push('stop'),
      close: () => calls.push('close'),
      async [Symbol.asyncDispose]() {
        calls.push('dispose');
      },
    };
    const { host, incarnation } = launch(consumer('client', () => client));
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(calls).toEqual(['dispose']);
  });

  test('a client with a subscribe of its own is no observable', async () => {
    const calls: string[] = [];
    const client = {
      subscribe: () => {
        calls.push('subscribe');
        return { unsubscribe: () => undefined };
      },
      disconnect: () => calls.push('disconnect'),
    };
    const { host, incarnation } = launch(consumer('kafka-like', () => client));
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(calls).toEqual(['disconnect']);
  });

  test.each([[42], [{ hello: 1 }], [null], ['text']])(
    'what nobody can stop is a failed start: %o',
    async (value) => {
      const { host } = launch(consumer('thing', () => value as never));
      const exit = await host.ended();
      expect(host.said).toEqual([expect.stringContaining('which nobody can stop')]);
      expect(exit).toMatchObject({ type: 'failed', error: { thrown: expect.any(NotStoppableError) } });
    },
  );

  test('with a close hook anything will do', async () => {
    const closed: unknown[] = [];
    const { host, incarnation } = launch(
      consumer('thing', () => ({ hello: 1 }), {
        close: (thing, { force }) => closed.push([thing.hello, force]),
      }),
    );
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(closed).toEqual([[1, false]]);
  });

  test('it may decline to run', async () => {
    const { host } = launch(consumer('off', async () => ignore as never));
    await host.heard('ignored');
  });
});

describe('a consumer starts', () => {
  test('and is ready once its factory and its start hook have resolved', async () => {
    const [made, started] = [new Gate(), new Gate()];
    const { host } = launch(
      consumer('client', () => made.passed.then(() => endsBy('close', [])), { start: () => started.passed }),
    );
    made.open();
    await settle();
    expect(host.said).toEqual([]);
    started.open();
    await host.heard('ready');
  });

  test('with explicit readiness when it says so', async () => {
    const { host } = launch(consumer('client', () => endsBy('close', []), { ready: 'explicit' }));
    await settle();
    expect(host.said).toEqual([]);
    let context: ConsumerContext | undefined;
    const says = consumer(
      'client',
      (ctx) => {
        context = ctx;
        return endsBy('close', []);
      },
      { ready: 'explicit' },
    );
    const other = launch(says);
    await settle();
    context?.ready();
    expect(other.host.said).toEqual(['ready']);
  });

  test('fails before it is ready when its factory fails', async () => {
    const { host } = launch(consumer('client', () => Promise.reject(new Error('no broker'))));
    await host.ended();
    expect(host.said).toEqual(['exited: failed: Error: no broker']);
  });

  test('is at fault when its start hook fails, and what was made is closed by the stop that follows', async () => {
    const calls: unknown[] = [];
    const { host, incarnation } = launch(
      consumer('client', () => endsBy('close', calls), {
        start: () => Promise.reject(new Error('no topic')),
      }),
    );
    await host.heard('fault: failed: Error: no topic');
    incarnation.stop(1000);
    await host.ended();
    expect(calls).toEqual(['close']);
    expect(host.said).not.toContain('ready');
  });

  test('and is taken down as soon as it is there, when it was asked to stop meanwhile', async () => {
    const made = new Gate();
    const calls: unknown[] = [];
    const { host, incarnation } = launch(
      consumer('client', () => made.passed.then(() => endsBy('close', calls)), {
        start: () => calls.push('start'),
      }),
    );
    incarnation.stop(1000);
    made.open();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(calls).toEqual(['close']);
  });
});

describe('a start hook that hangs', () => {
  test('does not outlive what it starts', async () => {
    const { host, incarnation } = launch(
      consumer('client', () => endsBy('close', []), { start: () => new Promise(() => undefined) }),
    );
    await settle();
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(host.said).toEqual(['exited: stopped when asked']);
  });

  test('and comes back after the end begins nothing', async () => {
    const started = new Gate();
    let followed = false;
    const { host, incarnation } = launch(
      consumer('client', () => endsBy('close', []), {
        start: () => started.passed,
        done: () => {
          followed = true;
          return Promise.resolve();
        },
        progress: { withinMs: 1 },
      }),
    );
    await settle();
    incarnation.stop(1000);
    await host.ended();
    started.open();
    await settle();
    expect(followed).toBe(false);
  });
});

describe('a consumer ends by itself', () => {
  const running = (options: ConsumerOptions<{ close(): void }>) => {
    const calls: unknown[] = [];
    return { calls, ...launch(consumer('client', () => endsBy('close', calls), options)) };
  };

  test('as completed when done resolves, and has its close hook called', async () => {
    const closed: boolean[] = [];
    const { host, calls } = running({
      done: () => settle(),
      close: (_, { force }) => closed.push(force),
    });
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect([closed, calls]).toEqual([[false], []]);
  });

  test('without a close hook its own method is left alone, since it may not be called twice', async () => {
    const { host, calls } = running({ done: () => settle() });
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect(calls).toEqual([]);
  });

  test('as completed also when its close hook fails, which is noted', async () => {
    const { host } = running({
      done: () => settle(),
      close: () => {
        throw new Error('gone already');
      },
    });
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect(host.said).toContain('noted: closing it failed: gone already');
  });

  test('a close hook that hangs then is forced after the time for a stop', async () => {
    const closed: boolean[] = [];
    const { host } = running({
      shutdown: 5,
      done: () => settle(),
      close: (_, { force }) => {
        closed.push(force);
        return force ? undefined : new Promise(() => undefined);
      },
    });
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect(closed).toEqual([false, true]);
  });

  test('as at fault when done rejects, and is closed by the stop that follows', async () => {
    const { host, incarnation, calls } = running({ done: () => Promise.reject(new Error('fatal')) });
    await host.heard('fault: failed: Error: fatal');
    incarnation.stop(1000);
    await host.ended();
    expect(calls).toEqual(['close']);
  });
});

describe('a consumer stops', () => {
  const hooked = (order: string[], hooks: ConsumerOptions<object> = {}) =>
    launch(
      consumer('client', () => ({}), {
        pause: () => order.push('pause'),
        drain: () => settle().then(() => order.push('drain')),
        close: (_, { force }) => order.push(force ? 'force' : 'close'),
        ...hooks,
      }),
    );

  test('by pause and drain in the drain step, and by close in the stop step', async () => {
    const order: string[] = [];
    const { host, incarnation } = hooked(order);
    await host.heard('ready');
    incarnation.drain(1000);
    await host.heard('drained');
    expect(order).toEqual(['pause', 'drain']);
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(order).toEqual(['pause', 'drain', 'close']);
  });

  test('past a hook that fails, which is noted', async () => {
    const order: string[] = [];
    const { host, incarnation } = hooked(order, { pause: () => Promise.reject(new Error('not now')) });
    await host.heard('ready');
    incarnation.drain(1000);
    await host.heard('drained');
    expect(order).toEqual(['drain']);
    expect(host.said).toContain('noted: its pause hook failed: not now');
  });

  test('by closing in the drain step where it has neither a pause nor a drain hook', async () => {
    const finished = new Gate();
    const { host, incarnation } = launch(consumer('client', () => ({ close: () => finished.passed })));
    await host.heard('ready');
    incarnation.drain(1000);
    await settle();
    expect(host.said).toEqual(['ready']);
    finished.open();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
  });

  test('by force when a close that hangs is killed', async () => {
    const order: string[] = [];
    const { host, incarnation } = hooked(order, {
      close: (_, { force }) => {
        order.push(force ? 'force' : 'close');
        return force ? undefined : new Promise(() => undefined);
      },
    });
    await host.heard('ready');
    incarnation.stop(10);
    await settle();
    expect(host.exit).toBeUndefined();
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
    expect(order).toEqual(['close', 'force']);
  });

  test('by force at once when its close fails', async () => {
    const order: string[] = [];
    const { host, incarnation } = hooked(order, {
      close: (_, { force }) => {
        order.push(force ? 'force' : 'close');
        if (!force) throw new Error('not connected');
      },
    });
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(order).toEqual(['close', 'force']);
  });

  test('as failed when nothing has ended it, with every failure noted', async () => {
    const { host, incarnation } = hooked([], {
      close: (_, { force }) => {
        throw new Error(`no ${force}`);
      },
    });
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toMatchObject({ type: 'failed' });
    expect(host.said).toEqual([
      'ready',
      'noted: closing it failed: no false',
      'noted: closing it by force failed: no true',
      expect.stringMatching(/^exited: failed/),
    ]);
  });

  test('by terminate, destroy or kill where it has no close hook', async () => {
    const calls: string[] = [];
    const client = {
      stop: () => new Promise<void>(() => undefined),
      destroy: () => calls.push('destroy'),
    };
    const { host, incarnation } = launch(consumer('client', () => client));
    await host.heard('ready');
    incarnation.stop(10);
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
    expect(calls).toEqual(['destroy']);
  });

  test('and is still there while nothing can end it', async () => {
    const { host, incarnation } = launch(
      consumer('client', () => ({ stop: () => new Promise(() => undefined) })),
    );
    await host.heard('ready');
    incarnation.stop(10);
    incarnation.kill();
    await settle();
    expect(host.exit).toBeUndefined();
  });
});

describe('a consumer that tells of its jobs', () => {
  const withJobs = (options: ConsumerOptions<{ close(): void }> = {}) => {
    let context: ConsumerContext | undefined;
    const launched = launch(
      consumer(
        'client',
        (ctx) => {
          context = ctx;
          return { close: () => undefined };
        },
        { pause: () => undefined, ...options },
      ),
    );
    // Safe: the factory is called before launch returns.
    return { ctx: context as unknown as ConsumerContext, ...launched };
  };

  test('shows how many are in flight', async () => {
    const gate = new Gate();
    const { ctx, incarnation } = withJobs();
    expect(incarnation.facts?.().inFlight).toBeUndefined();
    const jobs = [ctx.job(() => gate.passed), ctx.job(() => gate.passed)];
    expect(incarnation.facts?.().inFlight).toBe(2);
    gate.open();
    await Promise.all(jobs);
    expect(incarnation.facts?.().inFlight).toBe(0);
  });

  test('has drained when the last has settled, taken ones included', async () => {
    const [first, second] = [new Gate(), new Gate()];
    const { ctx, host, incarnation } = withJobs();
    await host.heard('ready');
    const bad = ctx.job(() => first.passed.then(() => Promise.reject(new Error('bad job')))).catch(String);
    incarnation.drain(1000);
    const good = ctx.job(() => second.passed.then(() => 'done'));
    first.open();
    await settle();
    expect(host.said).not.toContain('drained');
    second.open();
    await host.heard('drained');
    expect([await bad, await good]).toEqual(['Error: bad job', 'done']);
  });

  test('refuses a job once the drain is over, without running it', async () => {
    const { ctx, host, incarnation } = withJobs();
    await host.heard('ready');
    incarnation.stop(1000);
    let ran = false;
    await expect(
      ctx.job(() => {
        ran = true;
      }),
    ).rejects.toBeInstanceOf(DrainingError);
    expect(ran).toBe(false);
    await host.ended();
  });

  test('is not gone before its jobs are, until it is killed', async () => {
    const { ctx, host, incarnation } = withJobs();
    await host.heard('ready');
    void ctx.job(() => new Promise(() => undefined));
    incarnation.stop(10);
    await settle();
    expect(host.exit).toBeUndefined();
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
    expect(host.said).toContain('noted: 1 of its jobs were still in flight');
  });
});

describe('the events of a client', () => {
  const emitting = (options: ConsumerOptions<EventEmitter & { close(): void }> = {}) => {
    const client = Object.assign(new EventEmitter(), { close: () => undefined });
    return { client, ...launch(consumer('client', () => client, options)) };
  };

  test('an error is noted and changes nothing, and a storm of them is counted', async () => {
    const { client, host } = emitting();
    await host.heard('ready');
    for (let count = 1; count <= 1000; count += 1) client.emit('error', new Error('ECONNREFUSED'));
    expect(host.said).toEqual([
      'ready',
      ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map(
        (count) => `noted: error event no. ${count} of the client: ECONNREFUSED`,
      ),
    ]);
  });

  test('an error after the end still finds a listener', async () => {
    const { client, host, incarnation } = emitting();
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(() => client.emit('error', new Error('late'))).not.toThrow();
  });

  test('one that failOn names is the fault, once', async () => {
    const { client, host } = emitting({ failOn: ['close', 'error'] });
    await host.heard('ready');
    const broken = new Error('broken pipe');
    client.emit('error', broken);
    client.emit('error', broken);
    client.emit('close');
    expect(host.said).toEqual([
      'ready',
      'fault: failed: Error: broken pipe',
      'noted: error event no. 1 of the client: broken pipe',
    ]);
    expect(host.faults).toMatchObject([{ error: { thrown: broken } }]);
  });

  test('one without an error is told by its name', async () => {
    const { client, host } = emitting({ failOn: ['close'] });
    await host.heard('ready');
    client.emit('close');
    expect(host.said).toContain('fault: failed: Error: the consumer emitted "close"');
  });

  test('one that closing causes is no fault', async () => {
    const client = Object.assign(new EventEmitter(), { close: () => client.emit('close') });
    const { host, incarnation } = launch(consumer('client', () => client, { failOn: ['close'] }));
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(host.faults).toEqual([]);
  });

  test('one of an EventTarget counts as well', async () => {
    const client = Object.assign(new EventTarget(), { close: () => undefined });
    const { host } = launch(consumer('socket', () => client, { failOn: ['close'] }));
    await host.heard('ready');
    client.dispatchEvent(new Event('close'));
    expect(host.said).toContain('fault: failed: Error: the consumer emitted "close"');
  });

  test('failOn for a client without events is a failed start', async () => {
    const { host } = launch(consumer('client', () => endsBy('close', []), { failOn: ['close'] }));
    await host.heard('fault');
    expect(host.faults).toMatchObject([{ error: { thrown: expect.any(InvalidSpecError) } }]);
  });
});

describe('a consumer spec', () => {
  test('of an instance is temporary, and ends with the instance', async () => {
    const calls: unknown[] = [];
    const spec = consumer('client', endsBy('close', calls));
    expect(spec).toMatchObject({ id: 'client', kind: 'consumer', restart: 'temporary' });
    const { host, incarnation } = launch(spec);
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(calls).toEqual(['close']);
  });

  test('carries no hooks into its policy', () => {
    const spec = consumer('client', () => endsBy('close', []), { drain: () => undefined, drainMs: 7 });
    expect(Object.keys(spec).sort()).toEqual(['drainMs', 'driver', 'id', 'kind']);
  });

  test.each<[string, object]>([
    ['start', { start: 'now' }],
    ['failOn', { failOn: 'error' }],
    ['progress.withinMs', { progress: { withinMs: 0 } }],
    ['progress.withinMs', { progress: {} }],
    ['progress.backlog', { progress: { withinMs: 1, backlog: 3 } }],
    ['progress.events', { progress: { withinMs: 1, events: 'completed' } }],
    ['drainMs', { drainMs: -1 }],
  ])('is refused at the door, naming %s', (field, options) => {
    const make = () => consumer('client', () => endsBy('close', []), options as never);
    expect(make).toThrow(InvalidSpecError);
    expect(make).toThrow(field);
  });

  test('of an instance cannot be restarted', () => {
    expect(() => consumer('client', endsBy('close', []), { restart: 'permanent' as never })).toThrow(
      /restart is "permanent", but must be 'temporary'/,
    );
  });
});
