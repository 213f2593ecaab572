import { describe, expect, test } from 'vitest';
import {
  type ChildSettings,
  constantBackoff,
  type EventOf,
  type ExitCause,
  noBackoff,
  type SupervisorSettings,
} from '../../src/core/index.js';
import { supervisor } from '../../src/runtime/index.js';
import { fakeChild, simulate, type TestTree, testTree } from '../../src/testing/index.js';

function treeOf(settings: ChildSettings, policy: SupervisorSettings = {}) {
  return testTree(
    supervisor('root', {
      intensity: 9,
      ...policy,
      children: [fakeChild('a', { backoff: noBackoff(), ...settings }), fakeChild('b')],
    }),
  );
}

function keptDown({ root }: { readonly root: TestTree['root'] }): EventOf<'child:kept-down'>[] {
  const events: EventOf<'child:kept-down'>[] = [];
  root.on('child:kept-down', (event) => events.push(event));
  return events;
}

describe('the cause of an exit decides before the restart type', () => {
  test.each<[string, ChildSettings, ExitCause, 'ready' | 'down']>([
    ['code 78 keeps any child down', {}, 78, 'down'],
    ['another code does not', {}, 77, 'ready'],
    ['preventOn takes the place of its default', { preventOn: [3] }, 78, 'ready'],
    ['preventOn holds for signals', { preventOn: ['SIGTERM'] }, 'SIGTERM', 'down'],
    ['forceOn restarts a transient child that completed', { restart: 'transient', forceOn: [0] }, 0, 'ready'],
    ['a transient child that completed stays down', { restart: 'transient' }, 0, 'down'],
    ['preventOn wins over forceOn', { forceOn: [4], preventOn: [4] }, 4, 'down'],
  ])('%s', async (_, settings, cause, status) => {
    const tree = await treeOf(settings);
    await tree.exitBy('a', cause);
    tree.expectStatus('a', status);
    tree.expectStatus('b', 'ready');
  });

  test('forceOn restarts a temporary child, which is otherwise forgotten', async () => {
    const tree = await treeOf({ restart: 'temporary', forceOn: [7] });
    await tree.exitBy('a', 7);
    tree.expectStatus('a', 'ready');
    await tree.exitBy('a', 8);
    expect(tree.root.whichChildren().map(({ id }) => id)).toEqual(['b']);
  });

  test('what keeps a child down is told, and only where its type would have restarted it', async () => {
    const tree = await treeOf({ restart: 'transient', preventOn: [0, 78] });
    const told = keptDown(tree);
    await tree.exitBy('a', 0);
    expect(told).toEqual([]);
    await tree.run(tree.child('a').start());
    await tree.exitBy('a', 78);
    expect(told).toMatchObject([
      { child: 'root/a', incarnation: 2, why: 'exited with code 78, which is in its preventOn' },
    ]);
    await expect(tree.run(tree.child('a').whenReady())).rejects.toMatchObject({ obstacle: 'not_running' });
  });

  test('a child that was asked to end is not restarted by forceOn', async () => {
    const tree = await treeOf({ forceOn: [5] });
    tree.fake('a').onStop({ type: 'code', code: 5 });
    await tree.run(tree.child('a').stop());
    tree.expectStatus('a', 'down');
    await tree.stop();
    tree.expectNothingLeft();
  });

  test('a significant child that preventOn keeps down has ended for good', async () => {
    const tree = await treeOf(
      { restart: 'transient', significant: true },
      { autoShutdown: 'any_significant' },
    );
    await tree.exitBy('a', 78);
    expect(tree.outcome).toEqual({ type: 'shutdown' });
  });

  test('a failed restart whose cause is in preventOn is not tried again', async () => {
    const tree = await treeOf({});
    const told = keptDown(tree);
    tree.fake('a').failNextStarts(9, { type: 'code', code: 78 });
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'down');
    expect(told).toHaveLength(1);
    expect(tree.fake('a').starts).toBe(2);
  });

  test.each(['one_for_one', 'one_for_all'] as const)(
    'a significant child whose restart preventOn keeps down has ended for good: %s',
    async (strategy) => {
      const tree = await treeOf(
        { restart: 'transient', significant: true },
        { autoShutdown: 'any_significant', strategy },
      );
      tree.fake('a').failNextStarts(9, { type: 'code', code: 78 });
      await tree.exitBy('a', 1);
      expect(tree.outcome).toEqual({ type: 'shutdown' });
      tree.expectNothingLeft();
    },
  );
});

describe('siblings that share their fate', () => {
  const group = (strategy: 'one_for_all' | 'rest_for_one') =>
    testTree(
      supervisor('root', {
        strategy,
        intensity: 9,
        backoff: noBackoff(),
        children: [fakeChild('a'), fakeChild('b'), fakeChild('c')],
      }),
    );

  test.each(['one_for_all', 'rest_for_one'] as const)(
    'of a child that is kept down go on: %s',
    async (strategy) => {
      const tree = await group(strategy);
      await tree.exitBy('b', 78);
      tree.expectStatus('b', 'down');
      tree.expectOrder(['end b']);
      // The restart of its group starts all of it, as with every child that had ended.
      await tree.crash('a');
      tree.expectStatus('b', 'ready');
    },
  );

  test('are started without the one that was to run once, if its start in a restart of the group fails', async () => {
    const tree = await group('one_for_all');
    const told = keptDown(tree);
    await tree.run(tree.child('b').start({ once: true }));
    tree.fake('b').failNextStarts(1, { type: 'code', code: 1 });
    await tree.crash('a');
    tree.expectStatus('a', 'ready');
    tree.expectStatus('b', 'down');
    tree.expectStatus('c', 'ready');
    expect(told).toMatchObject([{ child: 'root/b', why: 'it was started to run once' }]);
  });

  test('are started without the one that a restart of the group finds in preventOn', async () => {
    const tree = await group('one_for_all');
    tree.fake('b').failNextStarts(1, { type: 'code', code: 78 });
    await tree.crash('a');
    tree.expectStatus('a', 'ready');
    tree.expectStatus('b', 'down');
    tree.expectStatus('c', 'ready');
  });
});

describe('slowDownOn', () => {
  test('makes the next start wait as long as the backoff ever does, and only that one', async () => {
    const backoff = constantBackoff(40_000, { capMs: 20_000, free: 2 });
    const tree = await treeOf({ backoff }, { periodMs: 600_000 });
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'ready');
    await tree.exitBy('a', 75);
    tree.expectStatus('a', 'waiting');
    await tree.advance(19_999);
    tree.expectStatus('a', 'waiting');
    await tree.advance(1);
    tree.expectStatus('a', 'ready');
  });

  test('waits 30 s where the backoff never waits', async () => {
    const { changes } = await simulate(
      supervisor('root', { children: [fakeChild('a', { backoff: noBackoff() })] }),
      [{ atMs: 0, child: 'a', fault: 'exit-by', cause: 75 }],
    );
    expect(changes).toMatchObject([
      { change: 'end', atMs: 0 },
      { change: 'start', atMs: 30_000 },
    ]);
  });
});

describe('giveUpOn', () => {
  const settings: ChildSettings = { giveUpOn: [{ on: ['SIGSEGV'], count: 3, withinMs: 60_000 }] };

  test('gives up on the third SIGSEGV within a minute, and not on three other exits', async () => {
    const tree = await treeOf(settings);
    for (const cause of [1, 'SIGSEGV', 1, 'SIGSEGV', 1] as const) await tree.exitBy('a', cause);
    tree.expectStatus('a', 'ready');
    await tree.exitBy('a', 'SIGSEGV');
    expect(tree.outcome).toMatchObject({
      type: 'gave-up',
      child: 'root/a',
      restarts: 3,
      periodMs: 60_000,
      limit: { on: ['SIGSEGV'] },
    });
    tree.expectNothingLeft();
  });

  test('forgets what is longer ago', async () => {
    const tree = await treeOf(settings, { intensity: 1 });
    for (let turn = 0; turn < 10; turn += 1) {
      await tree.exitBy('a', 'SIGSEGV');
      await tree.advance(31_000);
    }
    tree.expectStatus('a', 'ready');
  });

  test('counts starts that fail', async () => {
    const tree = await treeOf({ giveUpOn: [{ on: [70], count: 2, withinMs: 1000 }] });
    tree.fake('a').failNextStarts(1, { type: 'code', code: 70 });
    await tree.exitBy('a', 70);
    expect(tree.outcome).toMatchObject({ type: 'gave-up', restarts: 2 });
  });

  test("counts per child, and escalates as the intensity does, by its supervisor's parent", async () => {
    const limited = fakeChild('a', { ...settings, backoff: noBackoff() });
    const inner = supervisor('in', { intensity: 99, children: [limited, { ...limited, id: 'b' }] });
    const tree = await testTree(
      supervisor('root', { intensity: 5, backoff: noBackoff(), children: [inner] }),
    );
    for (const child of ['in/a', 'in/b', 'in/a', 'in/b'] as const) await tree.exitBy(child, 'SIGSEGV');
    expect(tree.child('in').incarnation).toBe(1);
    await tree.exitBy('in/a', 'SIGSEGV');
    expect(tree.child('in').lastExit?.exit).toMatchObject({ type: 'gave-up', child: 'root/in/a' });
    expect(tree.child('in').incarnation).toBe(2);
    tree.expectStatus('in/b', 'ready');
  });
});
