/** Tasks and consumers under a real supervisor, in this very process. */
import { afterEach, describe, expect, test } from 'vitest';
import { type ConsumerContext, consumer, task } from '../../src/children/index.js';
import { constantBackoff, noBackoff, type SupervisionEvent } from '../../src/core/index.js';
import { type ChildSpec, Supervisor, supervisor } from '../../src/runtime/index.js';
import { BullWorker } from './fakes/bullmq.js';
import { FakeQueue } from './fakes/queue.js';

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

function next<Type extends SupervisionEvent['type']>(root: Supervisor, type: Type, times = 1) {
  return new Promise<Extract<SupervisionEvent, { type: Type }>>((resolve) => {
    let left = times;
    const off = root.on(type, (event) => {
      left -= 1;
      if (left > 0) return;
      off();
      // Safe: an event is emitted under its own type.
      resolve(event as Extract<SupervisionEvent, { type: Type }>);
    });
  });
}

const idle = (ctx: { readonly signal: AbortSignal }): Promise<void> =>
  new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve()));

describe('under a supervisor', () => {
  test('a stray error restarts the task that it belongs to, and no other', async () => {
    const { root, events } = await run(
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
    await next(root, 'child:ready');
    expect(root.child('careless')).toMatchObject({ incarnation: 2, status: 'ready' });
    expect(root.child('bystander')).toMatchObject({ incarnation: 1, status: 'ready' });
    const exit = events.find((event) => event.type === 'child:exited');
    expect(exit).toMatchObject({
      child: 'root/careless',
      exit: { type: 'failed', error: { message: 'stray' } },
    });
  });

  test('an error that a task leaves behind while it waits for its restart is told, and ends nothing', async () => {
    const { root, events } = await run(
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
    const stray = await next(root, 'child:stray-error');
    expect(stray).toMatchObject({ child: 'root/leaver', incarnation: 1, error: { message: 'left behind' } });
    if (root.child('leaver').status !== 'ready') await next(root, 'child:ready');
    expect(events.filter((event) => event.type === 'child:exited')).toHaveLength(1);
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
    const { root, events } = await run(
      consumer('mail', wedges, { progress: { withinMs: 20, backlog: () => queue.backlog } }),
    );
    queue.put('one', 'two');
    await next(root, 'child:ready');
    await new Promise<void>((resolve) => {
      const look = (): void => (queue.acked.length === 2 ? resolve() : void setImmediate(look));
      look();
    });
    expect(made).toEqual([1, 2]);
    expect(events.find((event) => event.type === 'child:exited')).toMatchObject({
      exit: { type: 'stalled', silentMs: 20 },
    });
  });
});

/** Who would answer for an error thrown here. */
function presentOwner(): unknown {
  const shared = globalThis as { [key: symbol]: { readonly contexts: { getStore(): unknown } } };
  return shared[Symbol.for('treewarden/containment/1')]?.contexts.getStore();
}
