import { expect, test } from 'vitest';
import { type Climb, climb, GROUND, SAME_WISH_MS, type SignalAction } from '../../src/signals/index.js';

const levels = (
  ...signals: readonly (readonly [atMs: number, action: SignalAction])[]
): readonly number[] => {
  let state: Climb = GROUND;
  return signals.map(([atMs, action]) => {
    state = climb(state, action, atMs);
    return state.level;
  });
};

test('the first signal drains, the second cuts the drain short, the third ends at once', () => {
  expect(levels([0, 'drain'], [1000, 'drain'], [2000, 'drain'])).toEqual([1, 2, 3]);
});

test('a fourth signal has nothing left to climb', () => {
  expect(levels([0, 'drain'], [1000, 'drain'], [2000, 'drain'], [3000, 'drain']).at(-1)).toBe(3);
});

test('signals in one breath are one wish', () => {
  expect(levels([0, 'drain'], [3, 'drain'], [SAME_WISH_MS - 1, 'drain'])).toEqual([1, 1, 1]);
});

test('the breath is counted from the signal that counted, so a held key cannot stretch it', () => {
  expect(
    levels([0, 'drain'], [100, 'drain'], [SAME_WISH_MS, 'drain'], [250, 'drain'], [300, 'drain']),
  ).toEqual([1, 1, 2, 2, 3]);
});

test('a signal that means more counts at once', () => {
  expect(levels([0, 'drain'], [1, 'stop'], [2, 'kill'])).toEqual([1, 2, 3]);
});

test('a signal may begin further up, and the next one goes on from there', () => {
  expect(levels([0, 'stop'], [1000, 'drain'])).toEqual([2, 3]);
});

test('a milder signal never leads back down', () => {
  expect(levels([0, 'stop'], [10, 'drain'], [1000, 'drain'])).toEqual([2, 2, 3]);
});

test('an ignored signal changes nothing', () => {
  expect(levels([0, 'ignore'], [1000, 'drain'], [2000, 'ignore'])).toEqual([0, 1, 1]);
});
