import { afterEach, expect, test } from 'vitest';
import { runShutdown } from '../../src/app/run-shutdown.js';
import { joinShutdown, type ShutdownCall } from '../../src/app/shutdown.js';
import { systemClock } from '../../src/runtime/clock.js';

const bus = (): Set<unknown> | undefined =>
  (globalThis as unknown as Record<symbol, Set<unknown> | undefined>)[Symbol.for('treewarden/shutdown/1')];
const never = new AbortController().signal;
const leave: (() => void)[] = [];
const join = (...args: Parameters<typeof joinShutdown>): void => void leave.push(joinShutdown(...args));
const run = (withinMs = 10_000, hurry = never): ReturnType<typeof runShutdown> =>
  runShutdown('SIGTERM', { withinMs, clock: systemClock, hurry });

afterEach(() => {
  for (const leaving of leave.splice(0)) leaving();
  expect(bus()?.size).toBe(0);
});

test('everybody who joined is told of the signal, and of how long they have', async () => {
  const calls: ShutdownCall[] = [];
  join('a', (call) => calls.push(call));
  join('b', async (call) => calls.push(call));
  expect(await run(1234)).toEqual([]);
  expect(calls).toMatchObject([
    { signal: 'SIGTERM', withinMs: 1234 },
    { signal: 'SIGTERM', withinMs: 1234 },
  ]);
});

test('nobody waits for another to begin', async () => {
  const begun: string[] = [];
  let meet = (): void => {};
  const met = new Promise<void>((resolve) => (meet = resolve));
  for (const name of ['a', 'b']) {
    join(name, () => {
      if (begun.push(name) === 2) meet();
      return met;
    });
  }
  await run();
  expect(begun).toEqual(['a', 'b']);
});

test('who has left is not called', async () => {
  let called = false;
  joinShutdown('gone', () => (called = true))();
  await run();
  expect(called).toBe(false);
});

test('a library joins by the well-known symbol alone', async () => {
  const key = Symbol.for('treewarden/shutdown/1');
  const shared = globalThis as unknown as { [key]?: Set<unknown> };
  shared[key] ??= new Set();
  const bus = shared[key];
  let signal: string | undefined;
  const participant = { name: 'foreign', stop: (call: ShutdownCall) => (signal = call.signal) };
  bus.add(participant);
  await run();
  bus.delete(participant);
  expect(signal).toBe('SIGTERM');
});

test('failures are told by name and keep nobody from stopping', async () => {
  let reached = false;
  join('throws', () => {
    throw new Error('no disk');
  });
  join('rejects', () => Promise.reject(new Error('no network')));
  join('works', () => (reached = true));
  expect(await run()).toEqual([
    { subject: 'throws', message: 'failed: no disk' },
    { subject: 'rejects', message: 'failed: no network' },
  ]);
  expect(reached).toBe(true);
});

test('what is not a participant is named instead of breaking the stop', async () => {
  bus()?.add(null);
  const failures = await run();
  bus()?.delete(null);
  expect(failures).toEqual([{ subject: 'undefined', message: expect.stringContaining('failed:') }]);
});

test('whoever is not done in time is told so, named, and left behind', async () => {
  let deadline: AbortSignal | undefined;
  join('slow', (call) => {
    deadline = call.deadline;
    return new Promise(() => {});
  });
  expect(await run(10)).toEqual([{ subject: 'slow', message: expect.stringContaining('was not done') }]);
  expect(deadline?.aborted).toBe(true);
});

test('a stop in a hurry waits no longer', async () => {
  const hurry = new AbortController();
  join('slow', () => {
    hurry.abort();
    return new Promise(() => {});
  });
  expect(await run(60_000, hurry.signal)).toHaveLength(1);
});
