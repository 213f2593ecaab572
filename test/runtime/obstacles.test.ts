import { expect, test } from 'vitest';
import type { EventOf, StopObstacle } from '../../src/core/index.js';
import { type ChildDriver, Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

const IGNORES: StopObstacle = {
  verdict: 'ignored',
  pid: 7,
  command: 'sleep 60',
  why: 'it ignores SIGTERM',
  advice: 'Choose another stopSignal.',
};

const treeOf = (shutdown: number | 'brutal_kill' = 100) =>
  testTree(supervisor('root', { children: [fakeChild('a', { shutdown }), fakeChild('b')] }));

test('what stood in the way of a stop is told with the kill, and in the report', async () => {
  const tree = await treeOf();
  const steps: EventOf<'child:stopping'>[] = [];
  tree.root.on('child:stopping', (event) => steps.push(event));
  tree.fake('a').onStop('ignore').onExplain([IGNORES]);
  const { children } = await tree.stop();
  expect(children.find(({ child }) => child === 'root/a')?.obstacles).toEqual([IGNORES]);
  expect(children.find(({ child }) => child === 'root/b')?.obstacles).toBeUndefined();
  expect(steps.filter(({ obstacles }) => obstacles !== undefined)).toMatchObject([
    { child: 'root/a', step: 'kill', obstacles: [IGNORES] },
  ]);
});

test('a child that was killed without being asked is not explained', async () => {
  const tree = await treeOf('brutal_kill');
  tree.fake('a').onExplain([IGNORES]);
  const { children } = await tree.stop();
  expect(children.find(({ child }) => child === 'root/a')).toMatchObject({ obstacles: undefined });
});

test('a survivor says in words what is worst, and lists the rest', async () => {
  const tree = await treeOf();
  tree.fake('a').onStop('ignore').onKill('survive').onExplain([IGNORES]);
  await expect(tree.run(tree.child('a').stop())).rejects.toThrow(
    '"root/a" has not ended: it ignores SIGTERM.',
  );
  const { survivors } = await tree.stop();
  expect(survivors).toMatchObject([{ child: 'root/a', why: 'it ignores SIGTERM', obstacles: [IGNORES] }]);
});

test('explainStop() asks the child, and of a supervisor those below it', async () => {
  const tree = await testTree(
    supervisor('root', { children: [supervisor('in', { children: [fakeChild('a'), fakeChild('b')] })] }),
  );
  tree.fake('in/b').onExplain([IGNORES]);
  expect(tree.child('in/b').explainStop()).toEqual([IGNORES]);
  expect(tree.child('in').explainStop()).toEqual([IGNORES]);
  expect(tree.child('in/a').explainStop()).toEqual([]);
});

test('a driver that fails to explain changes nothing about the stop', async () => {
  const driver: ChildDriver = {
    killWaitMs: 10,
    start: (host) => {
      host.ready();
      return {
        drain: () => host.drained(),
        stop: () => undefined,
        kill: () => host.exited({ type: 'killed' }),
        explain: () => {
          throw new Error('no /proc');
        },
      };
    },
  };
  const broken = { ...fakeChild('broken', { shutdown: 10 }), driver };
  const root = await new Supervisor(supervisor('root', { children: [broken] })).start();
  const { children, failures } = await root.stop();
  expect(children).toMatchObject([{ obstacles: undefined, exit: { exit: { type: 'killed' } } }]);
  expect(failures).toMatchObject([{ message: expect.stringContaining('no /proc') }]);
});
