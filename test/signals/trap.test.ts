import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SharedStateError } from '../../src/core/index.js';
import type { Clock } from '../../src/runtime/index.js';
import { type SignalMap, SignalTrap, signalTable } from '../../src/signals/index.js';

const KEY = Symbol.for('treewarden/signals/1');
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const;

/** A clock that stands still until it is moved. */
class HandClock implements Clock {
  atMs = 0;
  now(): number {
    return this.atMs;
  }
  after(): { cancel(): void } {
    return { cancel: () => undefined };
  }
  yield(): void {}
}

const counts = (): readonly number[] => SIGNALS.map((signal) => process.listenerCount(signal));

let before: readonly number[];
let open: SignalTrap[];
let clock: HandClock;

beforeEach(() => {
  before = counts();
  open = [];
  clock = new HandClock();
});

afterEach(() => {
  for (const trap of open) trap.close();
  expect(counts()).toEqual(before);
  expect(KEY in globalThis).toBe(false);
});

function trap(map: SignalMap = {}): { readonly trap: SignalTrap; readonly heard: unknown[] } {
  const heard: unknown[] = [];
  const made = new SignalTrap(signalTable(map), clock, {
    stop: (signal, level) => heard.push([signal, level]),
    forward: (signal, how) => heard.push([signal, how]),
  });
  open.push(made);
  return { trap: made, heard };
}

/** Sends this process a real signal, and waits until it has arrived. */
function send(signal: NodeJS.Signals): Promise<void> {
  const arrived = new Promise<void>((resolve) => process.once(signal, () => resolve()));
  process.kill(process.pid, signal);
  return arrived;
}

test('many traps share one listener per signal', () => {
  for (let i = 0; i < 50; i += 1) trap();
  expect(counts()).toEqual([1, 1, 1, 1, 0].map((extra, i) => extra + (before[i] ?? 0)));
});

test('a listener goes with the last trap that needs it', () => {
  const first = trap({ SIGUSR2: 'ignore' });
  trap();
  first.trap.close();
  expect(process.listenerCount('SIGUSR2')).toBe(before[4]);
  expect(process.listenerCount('SIGTERM')).toBe((before[0] ?? 0) + 1);
});

test('closing twice takes nothing from the others', () => {
  const first = trap();
  const second = trap();
  first.trap.close();
  first.trap.close();
  expect(second.trap.settle()).toBe(true);
});

test('a real signal reaches every trap, each on its own level', async () => {
  const first = trap();
  await send('SIGTERM');
  const second = trap();
  clock.atMs += 1000;
  await send('SIGINT');
  expect(first.heard).toEqual([
    ['SIGTERM', 1],
    ['SIGINT', 2],
  ]);
  expect(second.heard).toEqual([['SIGINT', 1]]);
});

test('two signals at one moment are told once', async () => {
  const { heard } = trap();
  await send('SIGINT');
  await send('SIGINT');
  expect(heard).toEqual([['SIGINT', 1]]);
});

test('a forwarded signal does not stop the tree, and may be rewritten', async () => {
  const { heard } = trap({ SIGHUP: { forward: 'workers/*', as: 'SIGUSR1' }, SIGUSR2: { forward: true } });
  await send('SIGHUP');
  await send('SIGUSR2');
  expect(heard).toEqual([
    ['SIGHUP', { forward: 'workers/*', as: 'SIGUSR1' }],
    ['SIGUSR2', { forward: true }],
  ]);
});

test('each trap has a table of its own', async () => {
  const stops = trap();
  const ignores = trap({ SIGHUP: 'ignore' });
  await send('SIGHUP');
  expect(stops.heard).toEqual([['SIGHUP', 1]]);
  expect(ignores.heard).toEqual([]);
});

test('of trees that end together exactly one is told that it is the last', () => {
  const traps = [trap(), trap(), trap()];
  expect(traps.map(({ trap }) => trap.settle())).toEqual([false, false, true]);
});

test('a trap that closes another while both are told does no harm', async () => {
  const second = trap();
  const closing = new SignalTrap(signalTable(), clock, {
    stop: () => second.trap.close(),
    forward: () => {},
  });
  open.push(closing);
  await send('SIGTERM');
  expect(second.heard).toEqual([['SIGTERM', 1]]);
});

describe('a router of another copy', () => {
  test('is joined when it speaks the same version', () => {
    const first = trap();
    const router = (globalThis as Record<symbol, unknown>)[KEY];
    const second = trap();
    expect((globalThis as Record<symbol, unknown>)[KEY]).toBe(router);
    expect([first, second].map(({ trap }) => trap.settle())).toEqual([false, true]);
  });

  test('is refused when it does not', () => {
    (globalThis as Record<symbol, unknown>)[KEY] = { version: 7 };
    expect(() => trap()).toThrow(SharedStateError);
    expect(() => trap()).toThrow(/signal router of version 7/);
    delete (globalThis as Record<symbol, unknown>)[KEY];
  });
});
