import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../../src/resources/on-abort.js';

const listening = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

test('however many wait by a signal, it has one listener, and none when the last has left', () => {
  const { signal } = new AbortController();
  const leave = Array.from({ length: 20 }, () => onAbort(signal, () => undefined));
  expect(listening(signal)).toBe(1);
  for (const one of leave) one();
  for (const one of leave) one();
  expect(listening(signal)).toBe(0);
  const again = onAbort(signal, () => undefined);
  expect(listening(signal)).toBe(1);
  again();
  expect(listening(signal)).toBe(0);
});

test('an abort is told to each who has not left, once, in the order in which they came', () => {
  const stop = new AbortController();
  const told: number[] = [];
  const leave = [1, 2, 3].map((number) => onAbort(stop.signal, () => told.push(number)));
  leave[1]?.();
  stop.abort();
  stop.abort();
  expect(told).toEqual([1, 3]);
});
