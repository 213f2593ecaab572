import { afterEach, expect, test } from 'vitest';
import { constantBackoff, type ExitRecord } from '../../src/core/index.js';
import { Supervisor, supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';

const DAY_MS = 86_400_000;
const { now } = Date;

afterEach(() => {
  Date.now = now;
});

/** Sets the wall clock of this process forwards or backwards, as an administrator or a time server would. */
function jump(ms: number): void {
  Date.now = () => now() + ms;
}

function next(root: Supervisor, type: 'child:ready'): Promise<unknown> {
  return new Promise((resolve) => {
    const forget = root.on(type, (event) => {
      forget();
      resolve(event);
    });
  });
}

const settings = { intensity: 2, periodMs: 60_000, backoff: constantBackoff(20, { free: 0 }) };

test('a wall clock that jumps changes nothing in virtual time', async () => {
  const run = async (jumps: boolean): Promise<string> => {
    const tree = await testTree(
      supervisor('shop', { ...settings, children: [fakeChild('api', { stallAfterMs: 400 })] }),
    );
    for (const ms of [DAY_MS, -DAY_MS, 3 * DAY_MS]) {
      if (jumps) jump(ms);
      await tree.crash('api');
      await tree.advance(500);
    }
    return String(tree.timeline);
  };
  expect(await run(true)).toBe(await run(false));
});

test('a wall clock that jumps moves no backoff, window or record of a real tree', async () => {
  const ends: ExitRecord[] = [];
  let fail: () => void = () => undefined;
  const child = {
    ...fakeChild('api'),
    driver: {
      start: (host) => {
        fail = () => host.exited({ type: 'code', code: 1 });
        host.ready();
        return {
          drain: () => host.drained(),
          stop: () => host.exited({ type: 'shutdown' }),
          kill: () => undefined,
        };
      },
    },
  } satisfies ReturnType<typeof fakeChild>;
  const root = new Supervisor(supervisor('shop', { ...settings, children: [child] }));
  root.on('child:exited', (event) => ends.push(event));
  await root.start();
  for (const ms of [DAY_MS, -DAY_MS]) {
    jump(ms);
    const ready = next(root, 'child:ready');
    fail();
    await ready;
  }
  // The third crash within a minute is one too many, whatever the wall clock says of the first two.
  fail();
  expect(await root.done).toMatchObject({ type: 'gave-up', restarts: 3 });
  const times = ends.map(({ atMs }) => atMs);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
  expect((times.at(-1) as number) - (times[0] as number)).toBeLessThan(60_000);
  expect(ends.every(({ ranMs }) => ranMs >= 0 && ranMs < 60_000)).toBe(true);
});
