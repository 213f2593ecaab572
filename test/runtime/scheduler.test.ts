import { describe, expect, test } from 'vitest';
import { noBackoff } from '../../src/core/index.js';
import { type Clock, Supervisor, supervisor, systemClock } from '../../src/runtime/index.js';
import { type Actor, Scheduler } from '../../src/runtime/scheduler.js';
import { fakeChild } from '../../src/testing/index.js';

/** Has so many messages, and handles as many at a time as it may. */
class Busy implements Actor {
  left: number;
  readonly turns: number[] = [];
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, messages: number) {
    this.#scheduler = scheduler;
    this.left = messages;
  }

  turn(limit: number): number {
    const handled = Math.min(limit, this.left);
    this.left -= handled;
    this.turns.push(handled);
    if (this.left > 0) this.#scheduler.wake(this);
    return handled;
  }
}

describe('a scheduler', () => {
  test('gives turns in a microtask, in the order in which actors woke', async () => {
    const scheduler = new Scheduler(systemClock);
    const order: string[] = [];
    const actor = (name: string): Actor => ({
      turn: () => {
        order.push(name);
        return 1;
      },
    });
    scheduler.wake(actor('a'));
    scheduler.wake(actor('b'));
    expect(order).toEqual([]);
    await Promise.resolve();
    expect(order).toEqual(['a', 'b']);
  });

  test('yields to the event loop after 256 messages, and goes on afterwards', async () => {
    const yields: number[] = [];
    const clock: Clock = Object.create(systemClock, {
      yield: {
        value: (run: () => void) => {
          yields.push(actor.left);
          setImmediate(run);
        },
      },
    });
    const scheduler = new Scheduler(clock);
    const actor = new Busy(scheduler, 1000);
    scheduler.wake(actor);
    await Promise.resolve();
    expect(1000 - actor.left).toBeLessThanOrEqual(256);
    while (actor.left > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(yields.length).toBeGreaterThanOrEqual(3);
  });

  test('a crash loop without backoff does not starve a timer of 1 ms', async () => {
    let lives = 0;
    let over = false;
    const loop = {
      ...fakeChild('loop'),
      driver: {
        start: (host: Parameters<ReturnType<typeof fakeChild>['driver']['start']>[0]) => {
          lives += 1;
          host.ready();
          if (!over) queueMicrotask(() => host.exited({ type: 'code', code: 1 }));
          return {
            drain: () => host.drained(),
            stop: () => host.exited({ type: 'shutdown' }),
            kill: () => host.exited({ type: 'killed' }),
          };
        },
      },
    };
    const root = new Supervisor(
      supervisor('root', { intensity: Number.POSITIVE_INFINITY, backoff: noBackoff(), children: [loop] }),
    );
    await root.start();
    for (let ticks = 0; ticks < 20; ticks += 1) await new Promise((resolve) => setTimeout(resolve, 1));
    over = true;
    expect(lives).toBeGreaterThan(1000);
    await root.stop();
  });
});
