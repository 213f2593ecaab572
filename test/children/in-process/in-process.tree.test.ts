/** Tasks and consumers under a real supervisor, in this very process. */
import { afterEach, describe, expect, test } from 'vitest';
import { type ConsumerContext, consumer, task } from '../../../src/children/index.js';
import { constantBackoff, noBackoff, type SupervisionEvent } from '../../../src/core/index.js';
import { type ChildSpec, Supervisor, supervisor } from '../../../src/runtime/index.js';
import { BullWorker } from '../fakes/bullmq.js';
import { FakeQueue } from '../fakes/queue.js';

const running: Supervisor[] = [];

afterEach(async () => {
  for (const root of running.splice(0)) await root.stop();
});

async function run(...children: readonly ChildSpec[]) {
  const root: Supervisor = new Supervisor(
    supervisor('root', { intensity: 100, periodMs: 1000, backoff: noBackoff(), children }),
  );
  const events: SupervisionEvent[] = [];
  root.on('*', (event) => events.push(event));
  running.push(root);
  await root.start();
  return { root, events };
}

/** Resolves to the first event, past or to come, that is meant. */
function heard(
  { root, events }: { readonly root: Supervisor; readonly events: readonly SupervisionEvent[] },
  isMeant: (event: SupervisionEvent) => boolean,
): Promise<SupervisionEvent> {
  return new Promise((resolve) => {
    const past = events.find(isMeant);
    if (past !== undefined) return resolve(past);
    const off = root.on('*', (event) => {
      if (!isMeant(event)) return;
      off();
      resolve(event);
    });
    return undefined;
  });
}

const secondReady = (event: SupervisionEvent): boolean =>
  event.type === 'child:ready' && event.incarnation === 2;

const idle = (ctx: { readonly signal: AbortSignal }): Promise<void> =>
  new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve()));

describe('under a supervisor', () => {
  test('a stray error restarts the task that it belongs to, and no other', async () => {
    const tree = await run(
      task('careless', (ctx) => {
        if (ctx.incarnation === 1) {
          setTimeout(() => {
            throw new Error('stray');
          }, 1);
        }
        return idle(ctx);
      }),
      task('bystander', idle),
    );
    await heard(tree, secondReady);
    const { root, events } = tree;
    expect(root.child('careless')).toMatchObject({ incarnation: 2, status: 'ready' });
    expect(root.child('bystander')).toMatchObject({ incarnation: 1, status: 'ready' });
    const exit = events.find((event) => event.type === 'child:exited');
    expect(exit).toMatchObject({
      child: 'root/careless',
      exit: { type: 'failed', error: { message: 'stray' } },
    });
  });

  test('an error that a task leaves behind while it waits for its restart is told, and ends nothing', async () => {
    const tree = await run(
      task(
        'leaver',
        (ctx) => {
          if (ctx.incarnation > 1) return idle(ctx);
          setTimeout(() => {
            throw new Error('left behind');
          }, 1);
          return Promise.reject(new Error('boom'));
        },
        { backoff: constantBackoff(50) },
      ),
      task('bystander', idle),
    );
    const stray = await heard(tree, (event) => event.type === 'child:stray-error');
    expect(stray).toMatchObject({ child: 'root/leaver', incarnation: 1, error: { message: 'left behind' } });
    await heard(tree, secondReady);
    expect(tree.events.filter((event) => event.type === 'child:exited')).toHaveLength(1);
  });

  test('nothing is left installed in the process once the tree has ended', async () => {
    const count = (): number => process.listenerCount('uncaughtExceptionMonitor');
    const before = count();
    const { root } = await run(task('a', idle), task('b', idle));
    expect(count()).toBe(before + 1);
    await root.stop();
    expect(count()).toBe(before);
  });

  test('what is started because a task became ready does not belong to that task', async () => {
    let owner: unknown = 'unknown';
    await run(
      task(
        'first',
        (ctx) => {
          setImmediate(() => ctx.ready());
          return idle(ctx);
        },
        { ready: 'explicit' },
      ),
      task(
        'second',
        (ctx) => {
          owner = presentOwner();
          return idle(ctx);
        },
        { contain: false },
      ),
    );
    expect(owner).toBeUndefined();
  });

  test('a consumer that is alive but settles nothing is made anew, and goes on with the work', async () => {
    const queue = new FakeQueue();
    const made: number[] = [];
    const wedges = (ctx: ConsumerContext): BullWorker => {
      made.push(ctx.incarnation);
      // The first one takes nothing, like a worker whose blocking connection is lost.
      const source = ctx.incarnation === 1 ? new FakeQueue() : queue;
      return new BullWorker(source, (job) => ctx.job(async () => job));
    };
    const tree = await run(
      consumer('mail', wedges, { progress: { withinMs: 20, backlog: () => queue.backlog } }),
    );
    queue.put('one', 'two');
    await heard(tree, secondReady);
    await new Promise<void>((resolve) => {
      const look = (): void => (queue.acked.length === 2 ? resolve() : void setImmediate(look));
      look();
    });
    expect(made).toEqual([1, 2]);
    expect(tree.events.find((event) => event.type === 'child:exited')).toMatchObject({
      exit: { type: 'stalled', silentMs: 20 },
    });
  });
});

/** Who would answer for an error thrown here. */
function presentOwner(): unknown {
  const shared = globalThis as { [key: symbol]: { readonly contexts: { getStore(): unknown } } };
  return shared[Symbol.for('treewarden/containment/1')]?.contexts.getStore();
}
