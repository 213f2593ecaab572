import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ignore, task } from '../../../src/children/index.js';
import { DrainingError, InvalidSpecError, StopRequestedError } from '../../../src/core/index.js';
import type { ChildContext } from '../../../src/runtime/index.js';
import { launch, settle } from '../recording-host.js';

/** A task's function that ends when it is asked to. */
const untilAsked = async (ctx: ChildContext): Promise<void> => {
  await once(ctx.signal, 'abort');
};

describe('a task starts', () => {
  test('is ready as soon as its function has been called, before start returns', () => {
    const { host } = launch(task('a', untilAsked));
    expect(host.said).toEqual(['ready']);
  });

  test('with explicit readiness is ready when it says so, and says so once', async () => {
    const { host } = launch(
      task(
        'a',
        async (ctx) => {
          await settle();
          ctx.ready();
          ctx.ready();
          await untilAsked(ctx);
        },
        { ready: 'explicit' },
      ),
    );
    expect(host.said).toEqual([]);
    await host.heard('ready');
    await settle();
    expect(host.said).toEqual(['ready']);
  });

  test('is ready when its port accepts, which it cannot say itself', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port } = free.address() as { port: number };
    free.close();
    await once(free, 'close');
    const listens = task(
      'server',
      async (ctx) => {
        ctx.ready();
        const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
        ctx.defer(() => server.close());
        await untilAsked(ctx);
      },
      { ready: { port, host: '127.0.0.1' } },
    );
    const { host, incarnation } = launch(listens);
    expect(host.said).toEqual([]);
    await host.heard('ready');
    incarnation.stop(1000);
    await host.ended();
    expect(host.said).toEqual(['ready', 'exited: stopped when asked']);
  });

  test('is asked no more by its readiness probe once it has ended', async () => {
    let probes = 0;
    const probe = (): boolean => {
      probes += 1;
      return false;
    };
    const { host } = launch(task('a', () => settle(), { ready: { probe, everyMs: 1 } }));
    await host.ended();
    const asked = probes;
    await delay(20);
    expect(probes).toBe(asked);
    expect(host.said).toEqual(['exited: completed']);
  });

  test('knows who and where it is', () => {
    let facts: readonly unknown[] = [];
    launch(
      task('a', (ctx) => {
        facts = [ctx.id, ctx.path, ctx.incarnation];
      }),
      { incarnation: 7 },
    );
    expect(facts).toEqual(['a', 'root/a', 7]);
  });

  test('declines to run by returning ignore, at once or before it is ready', async () => {
    expect(launch(task('a', () => ignore)).host.said).toEqual(['ignored']);
    const late = launch(task('a', async () => ignore, { ready: 'explicit' }));
    await late.host.heard('ignored');
    expect(late.host.said).toEqual(['ignored']);
  });

  test('returning ignore after it was ready is an end like any other', async () => {
    const { host } = launch(task('a', async () => ignore));
    await host.ended();
    expect(host.said).toEqual(['ready', 'exited: completed']);
  });
});

describe('a task ends', () => {
  const boom = new Error('boom');
  test.each([
    ['returning', () => undefined],
    ['returning a value', () => 42],
    ['resolving', async () => undefined],
    // biome-ignore lint/suspicious/noThenProperty: a promise of another make is what is tested
    ['resolving a thenable of another make', () => ({ then: (done: () => void): void => done() })],
  ])('as completed by %s', async (_, run) => {
    const { host } = launch(task('a', run));
    await host.ended();
    expect(host.said).toEqual(['ready', 'exited: completed']);
  });

  test.each([
    ['throwing', () => raise(boom)],
    ['rejecting', () => Promise.reject(boom)],
    ['rejecting later', () => settle().then(() => raise(boom))],
  ])('as failed by %s, with the very error', async (_, run) => {
    const { host } = launch(task('a', run));
    const exit = await host.ended();
    expect(host.said).toEqual(['ready', 'exited: failed: Error: boom']);
    expect(exit).toMatchObject({ type: 'failed', error: { thrown: boom } });
  });

  test.each([
    ['nothing', () => undefined],
    ['a text', () => 'text'],
    ['a function', () => () => 1],
    [
      'an object whose getters throw',
      () => ({
        get message(): string {
          throw boom;
        },
      }),
    ],
  ])('as failed also where what is thrown is no error: %s', async (_, thrown) => {
    const { host } = launch(task('a', () => Promise.reject(thrown())));
    expect(await host.ended()).toMatchObject({ type: 'failed' });
  });

  test('without a promise at once, before start returns', () => {
    expect(launch(task('a', () => undefined)).host.exit).toEqual({ type: 'completed' });
  });

  test('an abort that nobody asked for is a failure', async () => {
    const { host } = launch(task('a', () => delay(1000, undefined, { signal: AbortSignal.abort() })));
    expect(await host.ended()).toMatchObject({ type: 'failed', error: { name: 'AbortError' } });
  });
});

describe('a task that is asked to stop', () => {
  test.each<[string, (ctx: ChildContext) => unknown]>([
    ['returns', untilAsked],
    ['throws the reason of its signal', (ctx) => untilAsked(ctx).then(() => ctx.signal.throwIfAborted())],
    ['was waiting with its signal', (ctx) => delay(60_000, undefined, { signal: ctx.signal })],
    [
      'begins a critical section too late',
      (ctx) => untilAsked(ctx).then(() => ctx.critical(() => undefined)),
    ],
  ])('ends as stopped when it %s', async (_, run) => {
    const { host, incarnation } = launch(task('a', run));
    incarnation.stop(1000);
    await host.ended();
    expect(host.said).toEqual(['ready', 'exited: stopped when asked']);
  });

  test('has still failed when it throws something else', async () => {
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        await untilAsked(ctx);
        throw new Error('could not flush');
      }),
    );
    incarnation.stop(1000);
    expect(await host.ended()).toMatchObject({ type: 'failed' });
  });

  test('finds a StopRequestedError in its signal, also when it looks only afterwards', () => {
    let context: ChildContext | undefined;
    const { incarnation } = launch(
      task('a', (ctx) => {
        context = ctx;
        return new Promise(() => undefined);
      }),
    );
    incarnation.stop(1000);
    expect(context?.signal.aborted).toBe(true);
    expect(context?.signal.reason).toBeInstanceOf(StopRequestedError);
    expect(context?.deadline.aborted).toBe(false);
  });

  test('and does not heed it is told of its deadline by the kill, and counts as killed once it ends', async () => {
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        await once(ctx.deadline, 'abort');
      }),
    );
    incarnation.stop(0);
    await settle();
    expect(host.exit).toBeUndefined();
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
  });

  test('and fails after its deadline counts as killed, and its error is noted', async () => {
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        await once(ctx.deadline, 'abort');
        throw new Error('too late');
      }),
    );
    incarnation.kill();
    await host.ended();
    expect(host.said).toEqual([
      'ready',
      'noted: it failed after its deadline: too late',
      'exited: killed by its supervisor',
    ]);
  });

  test('keeps the supervisor waiting 100 ms at most after the kill', () => {
    expect(task('a', untilAsked).driver.killWaitMs).toBe(100);
  });
});

describe('a task that drains', () => {
  test('with nothing in hand has drained at once', () => {
    const { host, incarnation } = launch(task('a', () => new Promise(() => undefined)));
    incarnation.drain(1000);
    expect(host.said).toEqual(['ready', 'drained']);
  });

  test('closes its intake first, then runs its hooks last to first, then finishes its critical sections', async () => {
    const order: string[] = [];
    let finish = (): void => undefined;
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        ctx.signal.addEventListener('abort', () => order.push('intake closed'));
        ctx.onDrain(() => order.push('first hook'));
        ctx.onDrain(() => settle().then(() => order.push('second hook')));
        await ctx.critical(async () => {
          await new Promise<void>((resolve) => (finish = resolve));
          order.push('critical section');
        });
      }),
    );
    incarnation.drain(1000);
    await settle();
    await settle();
    expect(host.said).toEqual(['ready']);
    finish();
    await host.heard('drained');
    expect(order).toEqual(['intake closed', 'second hook', 'first hook', 'critical section']);
  });

  test('has ended once its hooks and critical sections are over, though its function returned as soon as it was asked', async () => {
    const done: string[] = [];
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        ctx.onDrain(() => delay(10).then(() => done.push('flushed')));
        void ctx.critical(() => delay(20).then(() => done.push('both steps')));
        ctx.defer(() => done.push('released'));
        await untilAsked(ctx);
      }),
    );
    incarnation.drain(1000);
    await host.ended();
    expect(done).toEqual(['flushed', 'both steps', 'released']);
    expect(host.exit).toEqual({ type: 'shutdown' });
  });

  test.each(['stop', 'kill'] as const)(
    'whose function has returned is kept no longer than until %s',
    async (rung) => {
      const { host, incarnation } = launch(
        task('a', async (ctx) => {
          ctx.onDrain(() => new Promise(() => undefined));
          await untilAsked(ctx);
        }),
      );
      incarnation.drain(1000);
      await settle();
      expect(host.exit).toBeUndefined();
      incarnation[rung](1000);
      await host.ended();
      expect(host.exit).toEqual({ type: rung === 'stop' ? 'shutdown' : 'killed' });
    },
  );

  test('begins no critical section any more', async () => {
    let refused: unknown;
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        await untilAsked(ctx);
        refused = await ctx.critical(() => 'run').catch((error: unknown) => error);
      }),
    );
    incarnation.drain(1000);
    await host.ended();
    expect(refused).toBeInstanceOf(DrainingError);
  });

  test('runs every hook, also after one that fails, which is noted', async () => {
    const ran: number[] = [];
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        ctx.onDrain(() => ran.push(1));
        ctx.onDrain(() => raise(new Error('flush')));
        ctx.onDrain(() => ran.push(3));
        await once(ctx.deadline, 'abort');
      }),
    );
    incarnation.drain(1000);
    await host.heard('drained');
    expect(ran).toEqual([3, 1]);
    expect(host.said).toEqual(['ready', 'noted: a drain hook failed: flush', 'drained']);
  });

  test('and ends meanwhile was stopped, as it was asked to', async () => {
    const { host, incarnation } = launch(task('a', untilAsked));
    incarnation.drain(1000);
    await host.ended();
    expect(host.said).toEqual(['ready', 'drained', 'exited: stopped when asked']);
  });

  test('may ask for more time', () => {
    let granted: number | undefined;
    const { incarnation } = launch(
      task('a', (ctx) => {
        ctx.onDrain(() => {
          granted = ctx.extend(5000);
        });
        return new Promise(() => undefined);
      }),
    );
    incarnation.drain(1000);
    expect(granted).toBe(1000);
  });
});

describe('a task at fault', () => {
  test('says so at once, goes on until it is stopped, and finds the fault in its signal', async () => {
    const lost = new Error('connection lost');
    let reason: unknown;
    const { host, incarnation } = launch(
      task('a', async (ctx) => {
        ctx.fail(lost);
        await untilAsked(ctx);
        reason = ctx.signal.reason;
      }),
    );
    expect(host.said).toEqual(['fault: failed: Error: connection lost']);
    incarnation.stop(1000);
    await host.ended();
    expect(reason).toBe(lost);
  });

  test('tells its first fault as the fault, and notes the others', async () => {
    const { host } = launch(
      task('a', (ctx) => {
        queueMicrotask(() => {
          ctx.fail('one');
          ctx.fail('two');
        });
        return new Promise(() => undefined);
      }),
    );
    await settle();
    expect(host.said).toEqual([
      'ready',
      'fault: failed: Error: thrown value: one',
      'noted: one more fault: thrown value: two',
    ]);
  });
});

describe('what a task defers', () => {
  test('is undone before its end is told, last deferred first, also when it throws', async () => {
    const undone: string[] = [];
    const { host } = launch(
      task('a', async (ctx) => {
        ctx.defer(() => settle().then(() => undone.push(`first, exit ${host.exit?.type}`)));
        ctx.defer(() => undone.push('second'));
        throw new Error('boom');
      }),
    );
    expect(await host.ended()).toMatchObject({ type: 'failed' });
    expect(undone).toEqual(['second', 'first, exit undefined']);
  });

  test('is all undone even if a part fails, and each failure is noted', async () => {
    const undone: number[] = [];
    const { host } = launch(
      task('a', (ctx) => {
        ctx.defer(() => undone.push(1));
        ctx.defer(() => raise(new Error('busy')));
        ctx.defer(() => Promise.reject(new Error('gone')));
        ctx.defer(() => undone.push(4));
      }),
    );
    await host.ended();
    expect(undone).toEqual([4, 1]);
    expect(host.said).toEqual([
      'ready',
      'noted: a deferred release failed: gone',
      'noted: a deferred release failed: busy',
      'exited: completed',
    ]);
  });

  test('is undone also by a task that declined to run', async () => {
    const undone: number[] = [];
    const { host } = launch(
      task('a', (ctx) => {
        ctx.defer(() => undone.push(1));
        return ignore;
      }),
    );
    await host.heard('ignored');
    expect(undone).toEqual([1]);
  });

  test('after its end is undone at once', async () => {
    let context: ChildContext | undefined;
    const undone: number[] = [];
    const { host } = launch(
      task('a', (ctx) => {
        context = ctx;
      }),
    );
    context?.defer(() => undone.push(1));
    expect(undone).toEqual([1]);
    context?.defer(() => raise(new Error('lost')));
    await settle();
    expect(host.said).toEqual(['ready', 'exited: completed', 'stray: lost']);
  });
});

describe('a task that has ended', () => {
  test('has its signal aborted, however it ended, so that what it left behind goes on beside no next incarnation', async () => {
    let context: ChildContext | undefined;
    let whileReleasing: boolean | undefined;
    const { host } = launch(
      task('a', async (ctx) => {
        context = ctx;
        void delay(60_000, undefined, { signal: ctx.signal });
        ctx.defer(() => (whileReleasing = ctx.deadline.aborted));
        await settle();
        throw new Error('one of two loops');
      }),
    );
    await host.ended();
    await settle();
    expect(context?.signal.aborted).toBe(true);
    expect([whileReleasing, context?.deadline.aborted]).toEqual([false, true]);
    await expect(context?.critical(() => 'run')).rejects.toBeInstanceOf(DrainingError);
    // What waited with the signal has rejected, as it should: that is no stray error.
    expect(host.said).toEqual(['ready', 'exited: failed: Error: one of two loops']);
  });

  test('says nothing more but stray errors', async () => {
    let context: ChildContext | undefined;
    const { host, incarnation } = launch(
      task(
        'a',
        (ctx) => {
          context = ctx;
        },
        { ready: 'explicit' },
      ),
    );
    context?.ready();
    context?.heartbeat();
    expect(context?.extend(1000)).toBe(0);
    context?.fail(new Error('late'));
    incarnation.stop(0);
    incarnation.kill();
    await settle();
    expect(host.said).toEqual(['exited: completed', 'stray: late']);
  });
});

describe('a task spec', () => {
  const refused = (make: () => unknown): Partial<InvalidSpecError> => {
    try {
      make();
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidSpecError);
      return error as InvalidSpecError;
    }
    throw new Error('was accepted');
  };

  test.each<[string, string, () => unknown]>([
    ['invalid_id', 'id', () => task('a/b', untilAsked)],
    ['invalid_start', 'run', () => task('a', 42 as never)],
    ['invalid_ready', 'ready', () => task('a', untilAsked, { ready: { line: /up/ } })],
    ['invalid_shutdown', 'shutdown', () => task('a', untilAsked, { shutdown: -1 })],
    ['invalid_option', 'contain', () => task('a', untilAsked, { contain: 'yes' as never })],
  ])('is refused at the door with %s, naming the field %s', (rule, field, make) => {
    expect(refused(make)).toMatchObject({ rule, field });
  });

  test('carries its literal id and its policy, and is significant where its supervisor allows it', () => {
    const spec = task('rates', untilAsked, { restart: 'transient', significant: true });
    const id: 'rates' = spec.id;
    expect(spec).toMatchObject({ id, kind: 'task', restart: 'transient', significant: true });
  });

  test('names its function in the facts of an incarnation', () => {
    expect(launch(task('a', untilAsked)).incarnation.facts?.().command).toBe('untilAsked');
  });
});

function raise(error: unknown): never {
  throw error;
}
