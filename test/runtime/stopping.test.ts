import { describe, expect, test } from 'vitest';
import { task } from '../../src/children/index.js';
import { noBackoff } from '../../src/core/index.js';
import { type ChildContext, type ChildDriver, Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

describe('a stop', () => {
  test('goes on when a driver throws, and ends within its grace time', async () => {
    const fails = (): never => {
      throw new Error('the driver is broken');
    };
    const driver: ChildDriver = {
      killWaitMs: 10,
      start: (host) => {
        host.ready();
        return { drain: fails, stop: fails, kill: fails };
      },
    };
    const broken = { ...fakeChild('broken', { drainMs: 10, shutdown: 10 }), driver };
    const root = await new Supervisor(supervisor('root', { children: [fakeChild('a'), broken] })).start();
    const { survivors, failures } = await root.stop({ graceMs: 1000 });
    expect(survivors).toMatchObject([{ child: 'root/broken' }]);
    expect(failures).toHaveLength(3);
  });

  test('is the end of the time that a root is up, which began when it was ready', async () => {
    const root = new Supervisor(supervisor('root', { children: [fakeChild('a')] }));
    expect(root.snapshot().upMs).toBeUndefined();
    await root.start();
    expect(root.snapshot().upMs).toBeGreaterThanOrEqual(0);
    await root.stop();
    expect(root.snapshot().upMs).toBeUndefined();
  });

  test('of a supervisor that was never started is its end: it cannot be started afterwards', async () => {
    const root = new Supervisor(supervisor('root', { children: [fakeChild('a')] }));
    const report = await root.stop();
    expect(report.children).toEqual([]);
    await expect(root.done).resolves.toEqual({ type: 'shutdown' });
    expect(root.status).toBe('stopped');
    await expect(root.start()).rejects.toMatchObject({ code: 'WRONG_STATE', obstacle: 'stopping' });
  });

  test('blames no child for its silence while it ends', async () => {
    const tree = await testTree(supervisor('root', { children: [fakeChild('a', { stallAfterMs: 400 })] }));
    tree.fake('a').onStop(2000);
    await tree.stall('a');
    const { children } = await tree.stop();
    expect(children).toMatchObject([{ child: 'root/a', exit: { exit: { type: 'shutdown' } } }]);
    tree.expectNothingLeft();
  });

  test('names what had outlived its kill before the tree ended', async () => {
    const tree = await testTree(supervisor('root', { children: [fakeChild('a'), fakeChild('b')] }));
    tree.fake('a').onStop('ignore').onKill('survive');
    await expect(tree.run(tree.root.terminateChild('a'))).rejects.toMatchObject({ code: 'SURVIVOR' });
    const { survivors, tookMs } = await tree.stop();
    expect(survivors.map(({ child }) => child)).toEqual(['root/a']);
    expect(tookMs).toBe(0);
  });

  test('is not held up by a nested supervisor that waits for what outlived its kill', async () => {
    const tree = await testTree(
      supervisor('root', { children: [supervisor('in', { children: [fakeChild('a')] })] }),
    );
    tree.fake('in/a').onStop('ignore').onKill('survive');
    void tree.root.terminateChild('in').catch(() => undefined);
    await tree.advance(60_000);
    tree.expectStatus('in/a', 'survivor');
    const { survivors, tookMs } = await tree.stop({ graceMs: 1000 });
    expect(survivors.map(({ child }) => child)).toEqual(['root/in/a']);
    expect(tookMs).toBeLessThanOrEqual(1000);
  });

  test('of a tree that is ending already keeps to its grace time, down to the last branch', async () => {
    const tree = await testTree(
      supervisor('root', {
        strategy: 'rest_for_one',
        intensity: 0,
        backoff: noBackoff(),
        children: [
          fakeChild('a'),
          supervisor('in', { children: [fakeChild('slow')] }),
          fakeChild('deaf', { shutdown: 'infinity' }),
        ],
      }),
    );
    tree.fake('in/slow').onDrain('ignore');
    tree.fake('deaf').onStop('ignore');
    await tree.crash('a');
    expect(tree.root.status).toBe('stopping');
    const { tookMs } = await tree.stop({ graceMs: 100 });
    expect(tookMs).toBe(100);
    tree.expectNothingLeft();
  });

  test('calls nobody a survivor whose end was known, though it came while others were waited for', async () => {
    const tree = await testTree(
      supervisor('root', {
        intensity: 0,
        stopOrder: 'reverse',
        children: [fakeChild('a'), fakeChild('b', { shutdown: 'brutal_kill' }), fakeChild('slow')],
      }),
    );
    tree.fake('slow').onDrain('ignore');
    tree.fake('a').crash();
    tree.fake('b').fail();
    await tree.settle();
    const { survivors } = await tree.stop({ graceMs: 60_000 });
    expect(survivors).toEqual([]);
    expect(tree.timeline.entries.some(({ type }) => type === 'child:survived')).toBe(false);
  });

  test('during the start ends it: start() rejects, and nothing is left', async () => {
    const tree = await testTree(supervisor('root', { children: [fakeChild('a'), fakeChild('b')] }), {
      prepare: (fake) => fake('b').holdStart(),
    });
    expect(tree.root.status).toBe('starting');
    await tree.stop();
    tree.expectOutcome({ type: 'shutdown' });
    tree.expectNothingLeft();
  });

  test('names what was replaced although it lived on, until that has ended', async () => {
    const spec = supervisor('root', {
      intensity: 5,
      backoff: noBackoff(),
      children: [fakeChild('a', { survivor: 'replace' })],
    });
    const tree = await testTree(spec);
    tree.fake('a').onStop('ignore').onKill('survive');
    await tree.fail('a', new Error('broken'));
    await tree.advance(20_000);
    tree.expectStatus('a', 'ready');
    tree.fake('a').onStop('end').onKill('end');
    const { survivors } = await tree.stop();
    expect(survivors).toMatchObject([{ child: 'root/a', incarnation: 1 }]);
  });
});

test('a child that waits for its own termination is ended by the times of its ladder', async () => {
  let go: (end: () => Promise<void>) => void = () => undefined;
  const told = new Promise<() => Promise<void>>((resolve) => (go = resolve));
  const run = async (ctx: ChildContext): Promise<void> => {
    const late = new Promise<void>((resolve) => ctx.deadline.addEventListener('abort', () => resolve()));
    const end = await told;
    // Its own end, which waits for this very function.
    await Promise.race([late, end()]);
  };
  const tree = await testTree(supervisor('root', { children: [task('a', run)] }), { real: ['a'] });
  go(() => tree.root.terminateChild('a'));
  await tree.advance(4999);
  tree.expectStatus('a', 'stopping');
  await tree.advance(1);
  tree.expectStatus('a', 'down');
});
