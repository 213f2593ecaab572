import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { constantBackoff, noBackoff } from '../../src/core/index.js';
import { type ChildSpec, dynamic, Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeChild, type TestTree, testTree } from '../../src/testing/index.js';

const settings = { intensity: 5, backoff: constantBackoff(100, { free: 0 }) };

function tree(): Promise<TestTree<ReturnType<typeof spec>>> {
  return testTree(spec());
}

const spec = () =>
  supervisor('root', {
    ...settings,
    children: [
      fakeChild('a'),
      fakeChild('b', { restart: 'temporary' }),
      fakeChild('c', { restart: 'transient' }),
    ],
  });

/** Brings child `a` into each state that a request can find it in. */
const states: Readonly<Record<string, (of: Awaited<ReturnType<typeof tree>>) => Promise<void>>> = {
  ready: async () => undefined,
  starting: async (of) => {
    of.fake('a').holdStart();
    await of.crash('a');
    await of.advance(100);
  },
  waiting: (of) => of.crash('a'),
  down: (of) => of.run(of.root.terminateChild('a')),
  stopping: async (of) => {
    of.fake('a').onStop(700);
    void of.root.terminateChild('a');
    await of.settle();
  },
};

/** How each request ends in each state: an obstacle, or the status afterwards. */
const answers = {
  terminateChild: { ready: 'down', starting: 'down', waiting: 'down', down: 'down', stopping: 'down' },
  restartChild: {
    ready: 'running',
    starting: 'running',
    waiting: 'restarting',
    down: 'ready',
    stopping: 'ready',
  },
  deleteChild: {
    ready: 'running',
    starting: 'running',
    waiting: 'restarting',
    down: 'gone',
    stopping: 'gone',
  },
  startChild: {
    ready: 'already_started',
    starting: 'already_started',
    waiting: 'already_present',
    down: 'already_present',
    stopping: 'already_present',
  },
} as const;

const table = Object.entries(answers).flatMap(([request, byState]) =>
  Object.entries(byState).map(([state, answer]) => ({
    request: request as keyof typeof answers,
    state,
    answer,
  })),
);

describe('a request', () => {
  test.each(table)(
    '$request of a child that is $state is answered: $answer',
    async ({ request, state, answer }) => {
      const of = await tree();
      await states[state]?.(of);
      expect(of.child('a').status).toBe(state);
      const asked =
        request === 'startChild' ? of.root.startChild(of.faked(fakeChild('a'))) : of.root[request]('a');
      const ended = await of.run(
        asked.then(
          () => of.root.whichChildren().find(({ id }) => id === 'a')?.status ?? 'gone',
          (error: { obstacle: string }) => error.obstacle,
        ),
      );
      expect(ended).toBe(answer);
    },
  );

  test.each(['terminateChild', 'restartChild', 'deleteChild'] as const)(
    '%s of nobody is refused',
    async (request) => {
      const of = await tree();
      const failure = { code: 'UNKNOWN_CHILD', child: 'nobody', known: ['a', 'b', 'c'] };
      await expect(of.run<unknown>(of.root[request]('nobody'))).rejects.toMatchObject(failure);
    },
  );

  test('is refused before the start and once the supervisor stops, but not left open', async () => {
    const fresh = new Supervisor(spec());
    await expect(fresh.terminateChild('a')).rejects.toMatchObject({ obstacle: 'not_running' });
    const of = await tree();
    of.fake('a').onStop(500);
    const stopped = of.root.stop();
    await of.settle();
    await expect(of.run(of.root.restartChild('a'))).rejects.toMatchObject({ obstacle: 'stopping' });
    await of.run(stopped);
    await expect(of.run(of.root.startChild(fakeChild('d')))).rejects.toMatchObject({ obstacle: 'stopping' });
  });

  test('for a wrong spec is refused at the door, with nothing started', async () => {
    const of = await tree();
    await expect(of.root.startChild({ id: 'x' } as ChildSpec)).rejects.toMatchObject({
      code: 'INVALID_SPEC',
    });
    of.expectStarts([]);
  });

  test('waits until the termination before it is over', async () => {
    const of = await tree();
    of.fake('a').onStop(400);
    const stopped = of.root.terminateChild('a');
    const restarted = of.root.restartChild('c').catch(({ obstacle }) => obstacle);
    await of.advance(399);
    expect(of.stops().length).toBe(0);
    await of.run(Promise.all([stopped, restarted]));
    expect(await restarted).toBe('running');
  });

  test('to start a child that fails forgets it again', async () => {
    const of = await tree();
    const failing = of.faked(fakeChild('d'));
    of.fake('d' as never).failNextStarts(1, new Error('no such host'));
    await expect(of.run(of.root.startChild(failing))).rejects.toMatchObject({
      code: 'START_FAILED',
      child: 'root/d',
    });
    expect(of.root.whichChildren().map(({ id }) => id)).toEqual(['c', 'b', 'a']);
    await of.run(of.root.startChild(failing));
    expect(of.root.countChildren()).toEqual({ specs: 4, active: 4, supervisors: 0, workers: 4 });
  });

  test('to start a child again that fails leaves it down, and is not tried again', async () => {
    const of = await tree();
    await of.run(of.root.terminateChild('a'));
    of.fake('a').failNextStarts(1);
    await expect(of.run(of.root.restartChild('a'))).rejects.toMatchObject({ code: 'START_FAILED' });
    await of.advance(10_000);
    of.expectStatus('a', 'down');
  });

  test('to terminate a temporary child forgets it', async () => {
    const of = await tree();
    await of.run(of.root.terminateChild('b'));
    expect(() => of.child('b')).toThrow(/has no child "b"/);
  });

  test('to terminate what outlives its kill is refused with its name', async () => {
    const of = await tree();
    of.fake('a').onStop('ignore').onKill('survive');
    await expect(of.run(of.root.terminateChild('a'))).rejects.toMatchObject({
      code: 'SURVIVOR',
      survivor: { child: 'root/a', kind: 'fake' },
    });
    of.expectStatus('a', 'survivor');
  });
});

describe('whenReady of a sibling that shares the fate of one that waits', () => {
  async function waiting() {
    const settings = {
      strategy: 'one_for_all',
      intensity: 5,
      backoff: constantBackoff(100, { free: 0 }),
    } as const;
    const tree = await testTree(
      supervisor('root', { ...settings, children: [fakeChild('a'), fakeChild('b')] }),
    );
    await tree.crash('a');
    tree.expectStatus('b', 'down');
    return tree;
  }

  test('resolves once the group has been started again', async () => {
    const tree = await waiting();
    const ready = tree.child('b').whenReady();
    await tree.advance(100);
    await ready;
    tree.expectStatus('b', 'ready');
  });

  test('rejects when the restart of the group is cancelled', async () => {
    const tree = await waiting();
    const ready = tree.child('b').whenReady();
    const refused = expect(ready).rejects.toMatchObject({ code: 'WRONG_STATE', obstacle: 'not_running' });
    await tree.run(tree.root.terminateChild('a'));
    await refused;
  });
});

describe('whenReady', () => {
  test('resolves at once for what is ready, and when it becomes so for what is not', async () => {
    const of = await tree();
    await of.child('a').whenReady();
    await of.crash('a');
    const ready = of.child('a').whenReady();
    await of.run(ready);
    expect(of.nowMs).toBe(100);
  });

  test('can be taken back by a signal, which keeps no listener once it has settled', async () => {
    const of = await tree();
    await of.crash('a');
    const [gone, stays] = [new AbortController(), new AbortController()];
    const given = of.child('a').whenReady({ signal: gone.signal });
    const kept = of.child('a').whenReady({ signal: stays.signal });
    gone.abort('no more');
    await expect(given).rejects.toBe('no more');
    await expect(of.child('a').whenReady({ signal: gone.signal })).rejects.toBe('no more');
    await of.run(kept);
    for (const { signal } of [gone, stays]) expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test.each<[string, (of: Awaited<ReturnType<typeof tree>>) => Promise<unknown>]>([
    ['is stopped by request', (of) => of.root.terminateChild('a')],
    ['declines its restart', async (of) => of.fake('a').declineNextStarts(1)],
    ['loses its supervisor', (of) => of.root.stop()],
  ])('rejects when the child that was to be restarted %s', async (_, end) => {
    const of = await tree();
    await of.crash('a');
    const ready = of.child('a').whenReady();
    ready.catch(() => undefined);
    await of.run(end(of));
    await expect(of.run(ready)).rejects.toMatchObject({ obstacle: 'not_running' });
  });

  test('rejects when the start it waits for was asked for, and fails', async () => {
    const of = await tree();
    await of.run(of.root.terminateChild('a'));
    of.fake('a').holdStart();
    const restarted = of.root.restartChild('a').catch(({ code }) => code);
    await of.settle();
    const ready = of.child('a').whenReady();
    ready.catch(() => undefined);
    await of.crash('a');
    expect(await restarted).toBe('START_FAILED');
    await expect(of.run(ready)).rejects.toMatchObject({ obstacle: 'not_running' });
  });
});

describe('a dynamic supervisor', () => {
  const pool = () =>
    dynamic('pool', (id: string) => fakeChild(id), { maxChildren: 2, intensity: 5, backoff: noBackoff() });

  test('numbers its instances, and holds no more than maxChildren', async () => {
    const of = await testTree(pool());
    await of.run(of.root.startChild('w'));
    const second = await of.run(of.root.startChild('w'));
    expect([second.id, second.path]).toEqual(['w-2', 'pool/w-2']);
    await expect(of.run(of.root.startChild('w'))).rejects.toMatchObject({ obstacle: 'max_children' });
    await of.run(of.root.terminateChild('w-1'));
    expect((await of.run(of.root.startChild('w'))).id).toMatch(/^w-[3-9]$/);
    expect(of.root.countChildren()).toEqual({ specs: 1, active: 2, supervisors: 0, workers: 2 });
  });

  test('restarts an instance alone, and has no restartChild or deleteChild', async () => {
    const of = await testTree(pool());
    await of.run(of.root.startChild('w'));
    await of.run(of.root.startChild('w'));
    await of.crash('w-1');
    of.expectOrder(['start w-1', 'start w-2', 'end w-1', 'start w-1']);
    for (const request of ['restartChild', 'deleteChild'] as const)
      await expect(of.run<unknown>(of.root[request]('w-1'))).rejects.toMatchObject({
        obstacle: 'simple_one_for_one',
      });
  });
});

test('a request about an id that is no string is refused, and the supervisor goes on', async () => {
  const of = await tree();
  const id = Symbol('a') as unknown as string;
  for (const request of ['terminateChild', 'restartChild', 'deleteChild'] as const)
    await expect(of.run<unknown>(of.root[request](id))).rejects.toBeInstanceOf(Error);
  await of.run(of.root.terminateChild('a'));
  of.expectStatus('a', 'down');
});
