import { expect, test } from 'vitest';
import { noBackoff } from '../../src/core/index.js';
import { type IncarnationHost, Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeChild, leakCheck } from '../../src/testing/index.js';

const ROUND = 20_000;

test('100 000 restarts leave memory, listeners, timers and handles as they were', async () => {
  let host: IncarnationHost | undefined;
  let lives = 0;
  let untilLives = 0;
  let reached: () => void = () => undefined;
  const driver = {
    start(given: IncarnationHost) {
      host = given;
      lives += 1;
      given.ready();
      if (lives < untilLives) queueMicrotask(crash);
      else reached();
      return {
        drain: () => given.drained(),
        stop: () => given.exited({ type: 'shutdown' }),
        kill: () => given.exited({ type: 'killed' }),
      };
    },
  };
  const crash = (): void => host?.exited({ type: 'code', code: 1 });
  const leaks = leakCheck();
  const root = new Supervisor(
    supervisor('root', {
      // A finite limit that is never reached, so that the window is kept, too.
      intensity: 2_000_000,
      periodMs: 1,
      backoff: noBackoff(),
      children: [{ ...fakeChild('loop'), driver }],
    }),
  );
  let heard = 0;
  root.on('*', () => {
    heard += 1;
  });
  await root.start();
  const restart = async (times: number): Promise<number> => {
    untilLives = lives + times;
    const done = new Promise<void>((resolve) => {
      reached = resolve;
    });
    crash();
    await done;
    return settledHeap();
  };
  const heaps = [await restart(ROUND)];
  for (let round = 1; round < 5; round += 1) heaps.push(await restart(ROUND));
  expect(lives).toBe(5 * ROUND + 1);
  expect(heard).toBeGreaterThan(4 * 5 * ROUND - 10);
  // Flat: what 80 000 more restarts leave behind is less than 10 bytes each.
  expect(Math.min(...heaps.slice(2)) - (heaps[0] as number)).toBeLessThan(800_000);
  await root.stop();
  await leaks.expectNone();
}, 60_000);

/** What is in use once the garbage is gone; without `--expose-gc` by giving the collector something to collect. */
async function settledHeap(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round += 1) {
    for (let n = 0; n < 40; n += 1) Array.from({ length: 100_000 }, (_, at) => at);
    await new Promise((resolve) => setImmediate(resolve));
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}
