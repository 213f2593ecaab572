import { describe, expect, test } from 'vitest';
import { type AfterExit, type ChildSettings, type EventOf, noBackoff } from '../../src/core/index.js';
import { supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

type Hook = NonNullable<ChildSettings['afterExit']>;

function treeOf(afterExit: Hook, settings: ChildSettings = {}) {
  return testTree(
    supervisor('root', {
      intensity: 9,
      backoff: noBackoff(),
      children: [fakeChild('a', { ...settings, afterExit }), fakeChild('b')],
    }),
  );
}

/** A hook that goes on until it is let go. */
function held(): { readonly hook: Hook; readonly seen: AfterExit[]; release(answer?: 'stay-down'): void } {
  const seen: AfterExit[] = [];
  let go: (answer: 'stay-down' | undefined) => void = () => undefined;
  const hook: Hook = (ended) => {
    seen.push(ended);
    return new Promise((resolve) => {
      go = resolve;
    });
  };
  return { hook, seen, release: (answer) => go(answer) };
}

describe('afterExit', () => {
  test('is called once with the record of every end, and the next start waits for it', async () => {
    const { hook, seen, release } = held();
    const tree = await treeOf(hook);
    await tree.exitBy('a', 3);
    expect(seen).toMatchObject([
      { record: { child: 'root/a', incarnation: 1, exit: { type: 'code', code: 3 }, asked: false } },
    ]);
    expect(tree.fake('a').starts).toBe(1);
    release();
    await tree.settle();
    expect(tree.fake('a').starts).toBe(2);
    expect(seen).toHaveLength(1);
  });

  test('keeps the child down if it says so', async () => {
    const tree = await treeOf(({ record }) => (record.exit.type === 'code' ? 'stay-down' : undefined));
    const told: EventOf<'child:kept-down'>[] = [];
    tree.root.on('child:kept-down', (event) => told.push(event));
    await tree.crash('a');
    tree.expectStatus('a', 'ready');
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'down');
    expect(told).toMatchObject([{ child: 'root/a', incarnation: 2, why: 'its afterExit said so' }]);
  });

  test.each<[string, Hook]>([
    [
      'throws',
      () => {
        throw new Error('no disk');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no disk'))],
  ])('that %s is noted, and passed over', async (_, hook) => {
    const tree = await treeOf(hook);
    const notes: EventOf<'child:noted'>[] = [];
    tree.root.on('child:noted', (event) => notes.push(event));
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'ready');
    expect(notes).toMatchObject([{ note: 'its afterExit failed', error: { message: 'no disk' } }]);
  });

  test('that takes too long is noted, told by its signal, and passed over', async () => {
    const { hook, seen, release } = held();
    const tree = await treeOf(hook, { afterExitMs: 700 });
    const notes: string[] = [];
    tree.root.on('child:noted', ({ note }) => notes.push(note));
    await tree.exitBy('a', 1);
    await tree.advance(699);
    expect(tree.fake('a').starts).toBe(1);
    expect(seen[0]?.signal.aborted).toBe(false);
    await tree.advance(1);
    expect(seen[0]?.signal.aborted).toBe(true);
    expect(tree.fake('a').starts).toBe(2);
    expect(notes).toEqual(['its afterExit takes longer than 700 ms, and is waited for no longer']);
    // What it says afterwards is too late.
    release('stay-down');
    await tree.settle();
    await tree.crash('a');
    await tree.advance(700);
    tree.expectStatus('a', 'ready');
  });

  test.each<[string, ChildSettings]>([
    ['that asks', {}],
    ['that kills at once', { shutdown: 'brutal_kill' }],
  ])('is waited for by a stop %s', async (_, settings) => {
    const { hook, seen, release } = held();
    const tree = await treeOf(hook, settings);
    const stopping = tree.child('a').stop();
    await tree.settle();
    expect(seen).toMatchObject([{ record: { asked: true } }]);
    expect(tree.child('a').status).not.toBe('down');
    // Its limits of the stop do not hold for what is gone already.
    await tree.advance(4999);
    expect(tree.child('a').status).not.toBe('survivor');
    release();
    await tree.run(stopping);
    tree.expectStatus('a', 'down');
  });

  test('is waited for by the end of the tree, within its own time', async () => {
    const { hook } = held();
    const tree = await treeOf(hook, { afterExitMs: 2000 });
    const { tookMs, survivors } = await tree.stop();
    expect(tookMs).toBe(2000);
    expect(survivors).toEqual([]);
    tree.expectNothingLeft();
  });

  test('never keeps a tree from ending: it is left when the grace time is over', async () => {
    const { hook, seen } = held();
    const tree = await treeOf(hook, { afterExitMs: 600_000 });
    const { tookMs, failures } = await tree.stop({ graceMs: 3000 });
    expect(tookMs).toBe(3000);
    expect(seen[0]?.signal.aborted).toBe(true);
    expect(failures).toEqual([]);
    tree.expectNothingLeft();
  });

  test('that a stop finds at work is waited for, and the child is not started again', async () => {
    const { hook, seen, release } = held();
    const tree = await treeOf(hook);
    await tree.exitBy('a', 1);
    const stopping = tree.root.stop();
    await tree.settle();
    expect(tree.root.status).toBe('stopping');
    release();
    await tree.run(stopping);
    expect(tree.fake('a').starts).toBe(1);
    expect(seen).toHaveLength(1);
  });

  test('finds a program that has ended: it is neither paused nor reloaded, and nothing stands in its way', async () => {
    const { hook, release } = held();
    const tree = await treeOf(hook);
    tree
      .fake('a')
      .onExplain([
        { verdict: 'ignored', pid: 7, command: 'sleep', why: 'it ignores SIGTERM', advice: 'Kill it.' },
      ]);
    expect(tree.child('a').explainStop()).toHaveLength(1);
    await tree.exitBy('a', 1);
    expect(tree.child('a').pause()).toBe(false);
    expect(tree.child('a').reload()).toBe(false);
    expect(tree.child('a').explainStop()).toEqual([]);
    release();
    await tree.settle();
    expect(tree.child('a').pause()).toBe(true);
  });

  test('of a start that failed keeps the child down if it says so', async () => {
    const { hook, release } = held();
    const tree = await treeOf(hook);
    tree.fake('a').failNextStarts(9, { type: 'code', code: 9 });
    await tree.exitBy('a', 1);
    release();
    await tree.settle();
    release('stay-down');
    await tree.settle();
    tree.expectStatus('a', 'down');
    expect(tree.fake('a').starts).toBe(2);
  });

  test('is called for a start that failed, which is tried again after it', async () => {
    const { hook, seen, release } = held();
    const tree = await treeOf(hook);
    tree.fake('a').failNextStarts(1, { type: 'code', code: 9 });
    await tree.exitBy('a', 1);
    release();
    await tree.settle();
    expect(seen).toMatchObject([
      { record: { exit: { code: 1 } } },
      { record: { incarnation: 2, exit: { code: 9 } } },
    ]);
    release();
    await tree.settle();
    tree.expectStatus('a', 'ready');
  });
});
