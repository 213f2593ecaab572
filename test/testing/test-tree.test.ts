import { AssertionError } from 'node:assert';
import { describe, expect, test } from 'vitest';
import { constantBackoff, noBackoff } from '../../src/core/index.js';
import { type ChildSpec, dynamic, supervisor } from '../../src/runtime/index.js';
import { fakeChild, TestTree, testTree } from '../../src/testing/index.js';

const shop = () =>
  supervisor('shop', {
    strategy: 'rest_for_one',
    intensity: 5,
    periodMs: 60_000,
    children: [
      fakeChild('rates'),
      supervisor('workers', {
        intensity: 3,
        children: [fakeChild('hash'), fakeChild('resize', { restart: 'transient', shutdown: 1000 })],
      }),
      fakeChild('mail', { drainMs: 3000, stallAfterMs: 400 }),
    ],
  });

describe('a test tree', () => {
  test('is ready at 0 ms, with a fake for every leaf and none of the real drivers started', async () => {
    const real: ChildSpec<'real'> = {
      id: 'real',
      kind: 'command',
      driver: {
        start: () => {
          throw new Error('the real driver was started');
        },
      },
    };
    const tree = await testTree(supervisor('shop', { children: [supervisor('in', { children: [real] })] }));
    expect(tree.nowMs).toBe(0);
    expect(tree.root.status).toBe('ready');
    expect(tree.child('in/real').kind).toBe('command');
    tree.expectStatus('in/real', 'ready');
    expect(tree.fake('in/real').alive).toBe(1);
  });

  test('shows who starts and stops because of a crash, in order', async () => {
    const tree = await testTree(shop());
    await tree.crash('rates', new Error('connection lost'));
    tree.expectOrder([
      'end rates',
      'end mail',
      'end workers/resize',
      'end workers/hash',
      'start rates',
      'start workers/hash',
      'start workers/resize',
      'start mail',
    ]);
    tree.expectStops(['mail', 'workers/resize', 'workers/hash']);
    tree.expectStarts([{ child: 'rates', atMs: 0 }, 'workers/hash', 'workers/resize', 'mail']);
    expect(tree.starts('workers').map(({ incarnation }) => incarnation)).toEqual([2]);
    tree.expectExit('rates', { type: 'failed' });
    tree.mark();
    tree.expectOrder([]);
  });

  test('shows the start itself to those who begin it themselves', async () => {
    const tree = new TestTree(shop());
    await tree.start();
    tree.expectStarts(['rates', 'workers/hash', 'workers/resize', 'mail']);
  });

  test('keeps the settings of the leaves', async () => {
    const tree = await testTree(shop());
    expect(tree.child('workers/resize').spec.shutdown).toBe(1000);
    await tree.finish('workers/resize');
    tree.expectStatus('workers/resize', 'down');
    tree.expectStarts([]);
    expect(tree.root.getChildSpec('mail').drainMs).toBe(3000);
  });

  test('waits in virtual time for a backoff', async () => {
    const tree = await testTree(
      supervisor('shop', {
        intensity: 9,
        backoff: constantBackoff(500, { free: 0 }),
        children: [fakeChild('api')],
      }),
    );
    await tree.crash('api');
    tree.expectStatus('api', 'waiting');
    await tree.advance(499);
    tree.expectStarts([]);
    await tree.advance(1);
    tree.expectStarts([{ child: 'api', atMs: 500 }]);
  });

  test('holds a start until it is told to be ready, or until it times out', async () => {
    const tree = await testTree(
      supervisor('shop', {
        intensity: 9,
        backoff: noBackoff(),
        children: [fakeChild('db', { startTimeoutMs: 2000 }), fakeChild('api')],
      }),
      { prepare: (fake) => fake('db').holdStart() },
    );
    expect(tree.root.status).toBe('starting');
    tree.expectStatus('db', 'starting');
    await tree.advance(1999);
    await tree.becomeReady('db');
    expect(tree.root.status).toBe('ready');
    tree.expectStarts(['api']);
    await tree.crash('db');
    await tree.advance(2000);
    tree.expectExit('db', { type: 'start-timeout', waitedMs: 2000 });
  });

  test('fails its start as the tree would', async () => {
    const failing = testTree(shop(), { prepare: (fake) => fake('workers/hash').failNextStarts(1) });
    await expect(failing).rejects.toMatchObject({ code: 'START_FAILED', child: 'shop/workers' });
  });

  test('declines starts', async () => {
    const tree = await testTree(shop(), { prepare: (fake) => fake('rates').declineNextStarts(1) });
    tree.expectStatus('rates', 'down');
    tree.expectStatus('mail', 'ready');
  });

  test('is slow or deaf when asked to drain, stop or die', async () => {
    const tree = await testTree(shop());
    tree.fake('mail').onDrain(2000).onStop('ignore').onKill(100);
    tree.fake('rates').onStop(700);
    const report = await tree.stop({ graceMs: 100_000 });
    expect(report.tookMs).toBe(2000 + 5000 + 100 + 700);
    expect(report.survivors).toEqual([]);
    expect(report.children[0]).toMatchObject({
      child: 'shop/mail',
      steps: { drain: 2000, stop: 5000, kill: 100 },
    });
    tree.expectOutcome({ type: 'shutdown' });
    tree.expectNothingLeft();
  });

  test('survives its kill if told so, and is named', async () => {
    const tree = await testTree(shop());
    tree.fake('mail').onStop('ignore').onKill('survive');
    const report = await tree.stop();
    expect(report.survivors.map(({ child }) => child)).toEqual(['shop/mail']);
    expect(() => tree.expectNothingLeft()).toThrow(/"mail"/);
  });

  test('stalls, and hangs', async () => {
    const tree = await testTree(shop());
    await tree.advance(10_000);
    tree.expectStarts([]);
    await tree.stall('mail');
    await tree.advance(500);
    tree.expectExit('mail', { type: 'stalled' });
    tree.expectStarts(['mail']);
    tree.mark();
    await tree.hang('mail');
    await tree.advance(500);
    tree.expectStatus('mail', 'stopping');
    await tree.advance(5000);
    tree.expectStarts(['mail']);
  });

  test('shows an outcome', async () => {
    const tree = await testTree(supervisor('shop', { children: [fakeChild('api')] }));
    tree.expectOutcome('alive');
    await tree.crash('api');
    tree.expectOutcome('alive');
    await tree.crash('api');
    tree.expectOutcome({ type: 'gave-up', child: 'shop/api' });
    expect(await tree.root.done).toBe(tree.outcome);
  });

  test('carries out requests, of dynamic supervisors too', async () => {
    const tree = await testTree(
      supervisor('shop', {
        children: [dynamic('pool', (kind: string) => fakeChild(kind), { maxChildren: 2 })],
      }),
    );
    const pool = tree.child('pool').supervisor;
    await tree.run(pool!.startChild('worker'));
    await tree.crash('pool/worker-1');
    tree.expectStarts(['pool/worker-1', 'pool/worker-1']);
    tree.fake('pool/worker-2').onStart(300);
    await tree.run(pool!.startChild('worker'));
    expect(tree.nowMs).toBe(300);
    await expect(tree.run(pool!.startChild('worker'))).rejects.toMatchObject({ obstacle: 'max_children' });
    await tree.run(tree.root.startChild(tree.faked(fakeChild('extra'))));
    await tree.run(tree.root.terminateChild('extra'));
    expect(tree.stops('extra' as never).length).toBe(1);
  });

  test('runs children as they are that it is told to, on the virtual clock', async () => {
    let beatAtMs = -1;
    const ticker: ChildSpec<'ticker'> = {
      id: 'ticker',
      kind: 'ticker',
      driver: {
        start(host) {
          const timer = host.clock.after(250, () => {
            beatAtMs = host.clock.now();
          });
          host.ready();
          return {
            drain: () => host.drained(),
            stop: () => {
              timer.cancel();
              host.exited({ type: 'shutdown' });
            },
            kill: () => undefined,
          };
        },
      },
    };
    const tree = await testTree(supervisor('shop', { children: [ticker, fakeChild('api')] }), {
      real: ['ticker'],
    });
    await tree.advance(1000);
    expect(beatAtMs).toBe(250);
    expect(() => tree.fake('ticker')).toThrow(/no fake "ticker".*api/);
    await tree.stop();
  });

  test('is the same every time', async () => {
    const run = async (): Promise<string> => {
      const tree = await testTree(shop());
      await tree.crash('mail');
      await tree.crash('mail');
      await tree.advance(70);
      await tree.crash('workers/hash');
      await tree.stop();
      return String(tree.timeline);
    };
    const first = await run();
    expect(await run()).toBe(first);
    expect(first.split('\n').length).toBeGreaterThan(20);
  });

  test('shows the timeline when an expectation fails, in an error that every framework knows', async () => {
    const tree = await testTree(shop());
    await tree.crash('mail', new Error('connection lost'));
    const failure = caught(() => tree.expectStarts(['rates']));
    expect(failure).toBeInstanceOf(AssertionError);
    expect(failure).toMatchObject({ code: 'ERR_ASSERTION', actual: ['mail'], expected: ['rates'] });
    expect(failure.message).toContain('must be [ "rates" ], but is [ "mail" ]');
    expect(failure.message).toMatch(/> mail +crash: Error: connection lost/);
    expect(failure.message).toMatch(/ {2}mail +ends \(1\): failed: Error: connection lost/);
  });

  test('shows the timeline when time cannot help', async () => {
    const tree = await testTree(
      supervisor('shop', {
        intensity: Number.POSITIVE_INFINITY,
        backoff: noBackoff(),
        children: [fakeChild('api')],
      }),
    );
    tree.fake('api').failNextStarts(Number.POSITIVE_INFINITY);
    await expect(tree.crash('api')).rejects.toThrow(
      /never becomes quiet[\s\S]*Timeline of "shop"[\s\S]*earlier events/,
    );
    await expect(tree.run(new Promise(() => undefined))).rejects.toThrow(/Timeline/);
  });

  test('says so when a child that does not live is told something', async () => {
    const tree = await testTree(shop());
    await tree.finish('workers/resize');
    await expect(tree.crash('workers/resize')).rejects.toThrow(
      /"workers\/resize" cannot end now[\s\S]*Timeline/,
    );
    // @ts-expect-error the tree has no such path
    expect(() => tree.fake('workers/typo')).toThrow(/The fakes are: rates, workers\/hash/);
    expect(() => tree.fake('workers').onStop(1)).toThrow(/no fake "workers"/);
  });
});

function caught(run: () => void): AssertionError {
  try {
    run();
  } catch (error) {
    return error as AssertionError;
  }
  throw new Error('it did not throw');
}
