import { describe, expect, test } from 'vitest';
import {
  type ChildSettings,
  constantBackoff,
  noBackoff,
  type SupervisionEvent,
} from '../../src/core/index.js';
import { supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

const treeOf = (settings: ChildSettings = {}) =>
  testTree(
    supervisor('root', {
      intensity: 9,
      children: [fakeChild('a', { backoff: noBackoff(), ...settings }), fakeChild('b')],
    }),
  );

type Tree = Awaited<ReturnType<typeof treeOf>>;

function typesOf(tree: Tree): string[] {
  const types: string[] = [];
  tree.root.on('*', ({ type }: SupervisionEvent) => types.push(type));
  return types;
}

describe('start()', () => {
  test('brings up a child that is down, and leaves one that is up alone', async () => {
    const tree = await treeOf();
    await tree.run(tree.child('a').stop());
    await tree.run(tree.child('a').start());
    await tree.run(tree.child('a').start());
    tree.expectStatus('a', 'ready');
    expect(tree.fake('a').starts).toBe(2);
    expect(tree.snapshot().children?.[0]).toMatchObject({ restarts: 0 });
  });

  test('does not wait for a restart that is due only later', async () => {
    const tree = await treeOf({ backoff: constantBackoff(9000, { free: 0 }) });
    await tree.crash('a');
    tree.expectStatus('a', 'waiting');
    await tree.run(tree.child('a').start());
    tree.expectStatus('a', 'ready');
    expect(tree.nowMs).toBe(0);
    await tree.advance(9000);
    expect(tree.fake('a').starts).toBe(2);
  });

  test('brings up the whole group of a child that waits for its restart', async () => {
    const tree = await testTree(
      supervisor('root', {
        strategy: 'one_for_all',
        backoff: constantBackoff(9000, { free: 0 }),
        children: [fakeChild('a'), fakeChild('b')],
      }),
    );
    await tree.crash('a');
    tree.expectStatus('b', 'down');
    await tree.run(tree.child('a').start());
    tree.expectStatus('b', 'ready');
  });

  test('rejects with what the start failed of', async () => {
    const tree = await treeOf();
    await tree.run(tree.child('a').stop());
    tree.fake('a').failNextStarts(1, { type: 'code', code: 2 });
    await expect(tree.run(tree.child('a').start())).rejects.toMatchObject({ code: 'START_FAILED' });
    tree.expectStatus('a', 'down');
  });

  test('once: its end is no reason for a restart, until the next ordinary start', async () => {
    const tree = await treeOf();
    const types = typesOf(tree);
    await tree.run(tree.child('a').stop());
    await tree.run(tree.child('a').start({ once: true }));
    expect(tree.child('a').snapshot().once).toBe(true);
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'down');
    expect(types).toContain('child:kept-down');
    await tree.run(tree.child('a').start());
    expect(tree.child('a').snapshot().once).toBeUndefined();
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'ready');
  });

  test('once: holds for a child that runs already, and restart() ends it', async () => {
    const tree = await treeOf();
    await tree.run(tree.child('a').start({ once: true }));
    expect(tree.fake('a').starts).toBe(1);
    await tree.run(tree.child('a').restart());
    await tree.exitBy('a', 1);
    tree.expectStatus('a', 'ready');
  });
});

describe('a start of what has outlived its kill', () => {
  const survivor = async () => {
    const tree = await treeOf({ shutdown: 100 });
    tree.fake('a').onStop('ignore').onKill('survive');
    const stopping = tree.child('a').stop();
    stopping.catch(() => undefined);
    await tree.advance(10_000);
    tree.expectStatus('a', 'survivor');
    return tree;
  };

  test('is refused once that is gone, as it was stopped and stays down', async () => {
    const tree = await survivor();
    const starting = tree.child('a').start();
    await tree.settle();
    tree.fake('a').exit({ type: 'killed' });
    await expect(tree.run(starting)).rejects.toMatchObject({ code: 'WRONG_STATE' });
    tree.expectStatus('a', 'down');
  });

  test('keeps nobody waiting for its readiness for ever', async () => {
    const tree = await survivor();
    const waiting = tree.child('a').whenReady();
    await tree.settle();
    tree.fake('a').exit({ type: 'killed' });
    await expect(tree.run(waiting)).rejects.toMatchObject({ code: 'WRONG_STATE' });
  });
});

describe('a pause', () => {
  test('is shown and told, and over with resume()', async () => {
    const tree = await treeOf();
    const types = typesOf(tree);
    expect(tree.child('a').pause()).toBe(true);
    expect(tree.child('a').pause()).toBe(true);
    expect(tree.child('a').snapshot().paused).toBe(true);
    expect(tree.child('a').resume()).toBe(true);
    expect(tree.child('a').snapshot().paused).toBeUndefined();
    expect(types).toEqual(['child:paused', 'child:resumed']);
  });

  test('is over with a restart', async () => {
    const tree = await treeOf();
    tree.child('a').pause();
    await tree.exitBy('a', 'SIGKILL');
    tree.expectStatus('a', 'ready');
    expect(tree.child('a').snapshot().paused).toBeUndefined();
  });

  test('of a child that is being stopped is refused: it could not heed what it was asked', async () => {
    const tree = await treeOf({ drainMs: 5000 });
    tree.fake('a').onDrain('ignore');
    const stopping = tree.child('a').stop();
    await tree.settle();
    tree.expectStatus('a', 'draining');
    expect(tree.child('a').pause()).toBe(false);
    await tree.run(stopping);
    tree.expectStatus('a', 'down');
  });

  test('is over before a stop, so that the child can heed it', async () => {
    const tree = await treeOf();
    const types = typesOf(tree);
    tree.child('a').pause();
    await tree.run(tree.child('a').stop());
    expect(types.slice(0, 3)).toEqual(['child:paused', 'child:resumed', 'child:stopping']);
  });

  test('is not over before a kill, so that the child does nothing more', async () => {
    const tree = await treeOf({ shutdown: 'brutal_kill' });
    const types = typesOf(tree);
    tree.child('a').pause();
    await tree.run(tree.child('a').stop());
    expect(types).toContain('child:exited');
    expect(types).not.toContain('child:resumed');
  });

  test('is not blamed on the child as silence', async () => {
    const tree = await treeOf({ stallAfterMs: 400 });
    tree.child('a').pause();
    await tree.advance(10_000);
    tree.expectStatus('a', 'ready');
    expect(tree.fake('a').starts).toBe(1);
    tree.child('a').resume();
    await tree.stall('a');
    await tree.advance(500);
    expect(tree.fake('a').starts).toBe(2);
  });

  test('a child that is down, or has no process, cannot be paused or reloaded', async () => {
    const tree = await treeOf();
    await tree.run(tree.child('a').stop());
    expect(tree.child('a').pause()).toBe(false);
    expect(tree.child('a').resume()).toBe(false);
    expect(tree.child('a').reload()).toBe(false);
    expect(tree.child('a').usage()).toBeUndefined();
    expect(tree.child('a').output()).toBeUndefined();
    expect(tree.child('a').explainStop()).toEqual([]);
  });
});

test('reload() asks the child, and tells', async () => {
  const tree = await treeOf();
  const types = typesOf(tree);
  expect(tree.child('a').reload()).toBe(true);
  expect(types).toEqual(['child:reloading']);
});
