// Promises of docs/semantics.md that are about a whole tree, held in virtual time.

import {
  type ChildSettings,
  type Clock,
  constantBackoff,
  exponentialBackoff,
  noBackoff,
  StartError,
  type SupervisionEvent,
  Supervisor,
  type SupervisorOptions,
  supervisor,
  task,
  WrongStateError,
} from 'treewarden';
import { TestTree, testTree } from 'treewarden/testing';
import { describe, expect, test } from 'vitest';

const leaf = <const Id extends string>(id: Id, settings: ChildSettings = {}) =>
  task(id, async () => undefined, settings);

const group = (options: Omit<SupervisorOptions, 'children'> = {}) =>
  supervisor('shop', {
    intensity: Number.POSITIVE_INFINITY,
    backoff: noBackoff(),
    ...options,
    children: [leaf('a'), leaf('b'), leaf('c')],
  });

/** What each child is asked, in order: `drain a`, `stop a`, `kill a`. */
function asked(tree: { readonly root: Supervisor }): string[] {
  const steps: string[] = [];
  tree.root.on('child:stopping', ({ step, child }) => steps.push(`${step} ${child.split('/').at(-1)}`));
  return steps;
}

describe('starting', () => {
  test('children start in the order of the list, each when the one before is ready', async () => {
    const tree = new TestTree(group(), { prepare: (fake) => fake('b').onStart('hold') });
    await tree.start();
    tree.expectStarts(['a', 'b']);
    await tree.becomeReady('b');
    tree.expectStarts(['a', 'b', 'c']);
    expect(tree.root.status).toBe('ready');
  });

  test('a start that fails stops those that had started, last first, and start() rejects', async () => {
    const tree = new TestTree(group(), { prepare: (fake) => fake('c').failNextStarts(1) });
    await expect(tree.start()).rejects.toBeInstanceOf(StartError);
    tree.expectStops(['b', 'a']);
    tree.expectNothingLeft();
  });

  test('a child that declines to run leaves the others to start, and stays down', async () => {
    const tree = new TestTree(group(), { prepare: (fake) => fake('b').declineNextStarts(1) });
    await tree.start();
    tree.expectStatus('b', 'down');
    tree.expectStatus('c', 'ready');
  });

  test('a start that takes too long is stopped, and has failed', async () => {
    const tree = new TestTree(supervisor('shop', { children: [leaf('slow', { startTimeoutMs: 100 })] }), {
      prepare: (fake) => fake('slow').onStart('hold'),
    });
    await tree.start();
    await tree.advance(100);
    tree.expectOutcome({ type: 'child-not-started', child: 'shop/slow' });
  });
});

describe('a restart', () => {
  test.each([
    ['one_for_one', ['end b', 'start b']],
    ['one_for_all', ['end b', 'end c', 'end a', 'start a', 'start b', 'start c']],
    ['rest_for_one', ['end b', 'end c', 'start b', 'start c']],
  ] as const)('by %s stops and starts who shares the fate of the failed child', async (strategy, order) => {
    const tree = await testTree(group({ strategy }));
    await tree.crash('b');
    tree.expectOrder(order);
  });

  test('of the first failure is at once, and each one after it waits longer', async () => {
    const tree = await testTree(group({ backoff: exponentialBackoff({ jitter: 'none' }) }));
    for (const waitMs of [0, 100, 200, 400]) {
      await tree.crash('a');
      await tree.advance(waitMs);
    }
    tree.expectStarts([0, 100, 300, 700].map((atMs) => ({ child: 'a', atMs })));
  });

  test('after a healthy life is at once again', async () => {
    const tree = await testTree(group({ backoff: exponentialBackoff({ resetAfterMs: 1000 }) }));
    await tree.crash('a');
    await tree.advance(1000);
    await tree.crash('a');
    tree.expectStarts([
      { child: 'a', atMs: 0 },
      { child: 'a', atMs: 1000 },
    ]);
  });

  test('that waits has stopped those who share its fate already', async () => {
    const backoff = constantBackoff(500, { free: 0 });
    const tree = await testTree(group({ strategy: 'rest_for_one', backoff }));
    await tree.crash('b');
    tree.expectStatus('b', 'waiting');
    tree.expectStops(['c']);
    tree.expectStatus('c', 'down');
    await tree.advance(500);
    tree.expectStarts(['b', 'c']);
  });

  test('that fails to start is tried again, and counts each time', async () => {
    const tree = await testTree(group({ intensity: 2, backoff: noBackoff() }));
    tree.fake('a').failNextStarts(Number.POSITIVE_INFINITY);
    await tree.crash('a');
    tree.expectOutcome({ type: 'gave-up', restarts: 3 });
  });

  test('is counted by a window in milliseconds, so one that falls out of it is forgotten', async () => {
    const tree = await testTree(group({ intensity: 1, periodMs: 999 }));
    await tree.crash('a');
    await tree.advance(1000);
    await tree.crash('a');
    tree.expectOutcome('alive');
    await tree.advance(999);
    await tree.crash('a');
    tree.expectOutcome({ type: 'gave-up', restarts: 2 });
  });

  test('counts at the moment of the exit, and the window stands still while siblings stop', async () => {
    const tree = await testTree(group({ strategy: 'one_for_all', intensity: 1, periodMs: 1000 }));
    tree.fake('b').onStop(3000);
    await tree.crash('a');
    await tree.advance(3000);
    tree.expectStatus('a', 'ready');
    await tree.crash('a');
    await tree.advance(3000);
    tree.expectOutcome({ type: 'gave-up' });
  });

  test('a child that is killed by its supervisor for a fault counts with that fault', async () => {
    const tree = await testTree(group());
    tree.fake('a').onStop('ignore');
    await tree.fail('a', new Error('lost'));
    await tree.advance(5000);
    tree.expectExit('a', { type: 'failed' });
    tree.expectStatus('a', 'ready');
  });
});

describe('giving up', () => {
  test('stops the children, and tells the parent as a failure with the history', async () => {
    const tree = await testTree(group({ intensity: 1 }));
    await tree.crash('a', new Error('one'));
    await tree.crash('a', new Error('two'));
    tree.expectStops(['c', 'b']);
    const exit = tree.outcome;
    expect(exit).toMatchObject({ type: 'gave-up', child: 'shop/a', restarts: 2, periodMs: 5000 });
    const messages = exit?.type === 'gave-up' ? exit.attempts.map((attempt) => attempt.exit) : [];
    expect(messages).toMatchObject([{ error: { message: 'one' } }, { error: { message: 'two' } }]);
    tree.expectNothingLeft();
  });

  test("as 'shutdown' cannot be told from finishing, as in OTP", async () => {
    const tree = await testTree(group({ intensity: 0, giveUpAs: 'shutdown' }));
    await tree.crash('a');
    tree.expectOutcome({ type: 'shutdown' });
  });

  test('makes the parent restart the branch as a whole', async () => {
    const branch = supervisor('branch', { intensity: 0, children: [leaf('x'), leaf('y')] });
    const tree = await testTree(supervisor('shop', { backoff: noBackoff(), children: [branch] }));
    await tree.crash('branch/x');
    tree.expectOrder(['end branch/x', 'end branch/y', 'start branch/x', 'start branch/y']);
    expect(tree.starts('branch').map(({ incarnation }) => incarnation)).toEqual([2]);
  });

  test('a significant child that finishes ends its supervisor, whose parent sees a normal end', async () => {
    const tree = await testTree(
      supervisor('shop', {
        autoShutdown: 'any_significant',
        children: [leaf('a'), leaf('job', { restart: 'transient', significant: true })],
      }),
    );
    await tree.finish('job');
    tree.expectStops(['a']);
    tree.expectOutcome({ type: 'shutdown' });
  });
});

describe('stopping', () => {
  test('asks independent children together, last started first', async () => {
    const tree = await testTree(group());
    const steps = asked(tree);
    for (const id of ['a', 'b', 'c'] as const) tree.fake(id).onDrain(1000);
    const { tookMs } = await tree.stop();
    expect(steps.slice(0, 3)).toEqual(['drain c', 'drain b', 'drain a']);
    expect(tookMs).toBe(1000);
  });

  test('asks children that depend on each other one after another, dependants first', async () => {
    const tree = await testTree(group({ strategy: 'rest_for_one' }));
    const steps = asked(tree);
    for (const id of ['a', 'b', 'c'] as const) tree.fake(id).onDrain(1000);
    const { tookMs } = await tree.stop();
    expect(steps).toEqual(['drain c', 'stop c', 'drain b', 'stop b', 'drain a', 'stop a']);
    expect(tookMs).toBe(3000);
  });

  test('one by one as well where stopOrder says so', async () => {
    const tree = await testTree(group({ stopOrder: 'reverse' }));
    const steps = asked(tree);
    await tree.stop();
    expect(steps).toEqual(['drain c', 'stop c', 'drain b', 'stop b', 'drain a', 'stop a']);
  });

  test('climbs the ladder by its times: drainMs, then shutdown, then the kill', async () => {
    const tree = await testTree(
      supervisor('shop', { children: [leaf('deaf', { drainMs: 3000, shutdown: 2000 })] }),
    );
    tree.fake('deaf').onDrain('ignore').onStop('ignore');
    const at: [string, number][] = [];
    tree.root.on('child:stopping', ({ step, atMs }) => at.push([step, atMs]));
    const { children } = await tree.stop();
    expect(at).toEqual([
      ['drain', 0],
      ['stop', 3000],
      ['kill', 5000],
    ]);
    expect(children).toMatchObject([{ child: 'shop/deaf', steps: { drain: 3000, stop: 2000, kill: 0 } }]);
  });

  test('never asks a child to drain that was not ready', async () => {
    const tree = new TestTree(supervisor('shop', { children: [leaf('slow')] }), {
      prepare: (fake) => fake('slow').onStart('hold'),
    });
    await tree.start();
    const steps = asked(tree);
    await tree.stop();
    expect(steps).toEqual(['stop slow']);
  });

  test('fits into its budget, however many stages it has', async () => {
    const tree = await testTree(group({ strategy: 'rest_for_one' }));
    for (const id of ['a', 'b', 'c'] as const) tree.fake(id).onDrain('ignore').onStop('ignore');
    const { tookMs, children } = await tree.stop({ graceMs: 9000 });
    expect(tookMs).toBeLessThanOrEqual(9000);
    for (const { steps } of children) expect(steps.drain).toBeGreaterThan(0);
  });

  test('overtakes a restart that waits', async () => {
    const tree = await testTree(group({ backoff: constantBackoff(500, { free: 0 }) }));
    await tree.crash('a');
    await tree.stop();
    tree.expectStarts([]);
    tree.expectNothingLeft();
  });

  test('twice is once: the same report', async () => {
    const tree = await testTree(group());
    const first = tree.root.stop();
    const second = tree.root.stop();
    expect(await tree.run(second)).toBe(await first);
  });

  test('is hastened: out of the drain, or to the kill', async () => {
    const tree = await testTree(group());
    for (const id of ['a', 'b', 'c'] as const) tree.fake(id).onDrain('ignore').onStop('ignore');
    const steps = asked(tree);
    const stopped = tree.root.stop();
    await tree.settle();
    tree.root.hurry('stop');
    await tree.settle();
    expect(steps.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
    tree.root.hurry('kill');
    await tree.run(stopped);
    expect(steps.slice(6)).toEqual(['kill c', 'kill b', 'kill a']);
    expect(tree.nowMs).toBe(0);
  });

  test('refuses requests from then on, by their name', async () => {
    const tree = await testTree(group());
    const stopped = tree.root.stop();
    const refused = tree.root.restartChild('a').catch((error: unknown) => error);
    await tree.run(stopped);
    expect(await refused).toBeInstanceOf(WrongStateError);
    expect(await refused).toMatchObject({ obstacle: 'stopping', operation: 'restartChild' });
  });
});

describe('never two incarnations', () => {
  test('what outlives its kill is named, and its restart waits until it is gone', async () => {
    const tree = await testTree(group());
    tree.fake('a').onStop('ignore').onKill('survive');
    const survived: SupervisionEvent[] = [];
    tree.root.on('child:survived', (event) => survived.push(event));
    await tree.fail('a');
    await tree.advance(60_000);
    expect(survived).toMatchObject([{ child: 'shop/a', incarnation: 1 }]);
    tree.expectStatus('a', 'survivor');
    tree.expectStarts([]);
    await tree.exit('a', { type: 'killed' });
    tree.expectStarts(['a']);
  });

  test("with survivor: 'replace' its restart waits no longer than for the kill", async () => {
    const tree = await testTree(
      supervisor('shop', { backoff: noBackoff(), children: [leaf('a', { survivor: 'replace' })] }),
    );
    tree.fake('a').onStop('ignore').onKill('survive');
    await tree.fail('a');
    await tree.advance(60_000);
    tree.expectStarts(['a']);
    tree.expectStatus('a', 'ready');
  });

  test('the end of a tree does not wait for what outlives its kill, but names it', async () => {
    const tree = await testTree(group());
    tree.fake('b').onStop('ignore').onKill('survive');
    const { survivors } = await tree.stop();
    expect(survivors).toMatchObject([{ child: 'shop/b', incarnation: 1, kind: 'task' }]);
    expect(tree.outcome).toEqual({ type: 'shutdown' });
  });
});

describe('a stalled child', () => {
  test('is one that gave no heartbeat at four looks in a row, and is restarted with that as its exit', async () => {
    const tree = await testTree(
      supervisor('shop', { backoff: noBackoff(), children: [leaf('a', { stallAfterMs: 400 })] }),
    );
    await tree.advance(1000);
    tree.expectStarts([]);
    await tree.stall('a');
    await tree.advance(500);
    tree.expectExit('a', { type: 'stalled', silentMs: 400 });
    tree.expectStarts(['a']);
  });

  test('is not one on a machine that slept: looks are counted, not time', async () => {
    let slept = 0;
    const tree = await testTree(group());
    const clock: Clock = {
      now: () => tree.clock.now() + slept,
      after: (delayMs, run) => tree.clock.after(delayMs, run),
      yield: (run) => tree.clock.yield(run),
    };
    const beating = task(
      'a',
      async (ctx) => {
        const beat = (): void => {
          ctx.heartbeat();
          if (!ctx.signal.aborted) clock.after(90, beat);
        };
        beat();
        await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
      },
      { stallAfterMs: 400 },
    );
    const root = new Supervisor(supervisor('root', { children: [beating] }), { clock });
    const exits: SupervisionEvent[] = [];
    root.on('child:fault', (event) => exits.push(event));
    await tree.run(root.start());
    slept = 3_600_000;
    await tree.advance(2000);
    expect(exits).toEqual([]);
    await tree.run(root.stop());
  });
});

describe('events', () => {
  test('a listener that throws disturbs neither the supervisor nor other listeners', async () => {
    const tree = await testTree(group());
    const failed: string[] = [];
    const heard: string[] = [];
    tree.root.on('listener:failed', ({ event, error }) => failed.push(`${event}: ${error.message}`));
    tree.root.on('child:exited', () => {
      throw new Error('not today');
    });
    tree.root.on('child:exited', ({ child }) => heard.push(child));
    await tree.crash('a');
    expect(failed).toEqual(['child:exited: not today']);
    expect(heard).toEqual(['shop/a']);
    tree.expectStatus('a', 'ready');
  });
});

describe('a function that ends as soon as it is called', () => {
  test('has been ready, so it ends like any other and does not fail the start', async () => {
    const events: string[] = [];
    const root = new Supervisor(
      supervisor('root', {
        children: [task('done', () => undefined, { restart: 'transient' }), leaf('next')],
      }),
    );
    root.on('*', (event) => {
      if ('child' in event) events.push(`${event.type} ${event.child}`);
    });
    await root.start();
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.slice(0, 2)).toEqual(['child:starting root/done', 'child:ready root/done']);
    expect(events).toContain('child:exited root/done');
    expect(root.child('done').lastExit?.exit).toEqual({ type: 'completed' });
    await root.stop();
  });

  test('by throwing has crashed, which its supervisor counts and restarts', async () => {
    const root = new Supervisor(
      supervisor('root', {
        children: [
          task('broken', () => {
            throw new Error('at once');
          }),
        ],
      }),
    );
    await root.start();
    expect(await root.done).toMatchObject({ type: 'gave-up', child: 'root/broken', restarts: 2 });
  });
});
