import { expect, test } from 'vitest';
import type { ProcessTree } from '../../../../src/children/process/owned/tree.js';
import { TreeEnd } from '../../../../src/children/process/owned/tree-end.js';
import type { Clock } from '../../../../src/runtime/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';

/** A tree that is made up: it has somebody left until a test says otherwise. */
function watched(groupIsEmpty = false, clock: Clock = new VirtualClock()) {
  const looks: { readonly atMs: number; readonly thoroughly: boolean }[] = [];
  const told: string[] = [];
  const left = { is: true };
  const tree = {
    groupIsEmpty,
    isEmpty: (thoroughly: boolean): boolean => {
      looks.push({ atMs: clock.now(), thoroughly });
      return !left.is;
    },
  } as ProcessTree;
  const end = new TreeEnd(
    tree,
    clock,
    () => told.push('left'),
    () => told.push('empty'),
  );
  return { end, looks, told, left, clock };
}

const moments = (looks: readonly { readonly atMs: number }[]): number[] => looks.map(({ atMs }) => atMs);

test('a tree that is about to end is looked at less and less often, and told once of its end', async () => {
  const clock = new VirtualClock();
  const { end, looks, told, left } = watched(false, clock);
  end.follow();
  await clock.advance(255);
  expect(moments(looks)).toEqual([1, 3, 7, 15, 31, 63, 127, 191, 255]);
  expect(told).toEqual(Array(9).fill('left'));
  left.is = false;
  await clock.advance(1000);
  expect(told.slice(9)).toEqual(['empty']);
  expect(end.look(true)).toBe(true);
  expect(told.slice(9)).toEqual(['empty']);
  expect(clock.timers).toBe(0);
});

test('one that nobody has asked to end is looked at once a second in the end', async () => {
  const clock = new VirtualClock();
  const { end, looks } = watched(false, clock);
  end.follow('idle');
  await clock.advance(60_000);
  expect(moments(looks).slice(0, 11)).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 2023]);
  expect(looks.length).toBe(68);
  end.cancel();
  expect(clock.timers).toBe(0);
});

test('the first looks are cheap, unless the group has nobody left that they could see', async () => {
  const clock = new VirtualClock();
  const usual = watched(false, clock);
  usual.end.follow();
  const escaped = watched(true, clock);
  escaped.end.follow();
  await clock.advance(7);
  expect(usual.looks.map(({ thoroughly }) => thoroughly)).toEqual([false, false, true]);
  expect(escaped.looks.map(({ thoroughly }) => thoroughly)).toEqual([true, true, true]);
  usual.end.cancel();
  escaped.end.cancel();
});

test('what is looked at keeps this program running only as long as that is wished', () => {
  const kept: (boolean | undefined)[] = [];
  const due: (() => void)[] = [];
  const clock: Clock = {
    now: () => 0,
    after: (_delayMs, run, keepAlive) => {
      kept.push(keepAlive);
      due.push(run);
      return { cancel: () => undefined };
    },
    yield: () => undefined,
  };
  const { end } = watched(false, clock);
  end.follow();
  end.keepAlive = false;
  due.shift()?.();
  expect(kept).toEqual([true, false]);
});

test('once it is cancelled nothing is looked at, nor told', () => {
  const { end, looks, told, left } = watched();
  end.cancel();
  left.is = false;
  end.follow();
  expect(end.look(true)).toBe(true);
  expect(looks).toEqual([]);
  expect(told).toEqual([]);
});
