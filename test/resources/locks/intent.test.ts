import { expect, test } from 'vitest';
import { whoAmI } from '../../../src/resources/guard/identity.js';
import { Intent } from '../../../src/resources/locks/intent.js';
import type { Words } from '../../../src/resources/locks/words.js';
import { type Clock, systemClock } from '../../../src/runtime/index.js';

function twoThreads(firstStartTicks = whoAmI().startTicks) {
  const memory = new Int32Array(64);
  const load = (word: number) => memory[word] ?? 0;
  const store = (word: number, value: number) => {
    memory[word] = value;
  };
  const words: Words = {
    load,
    store,
    plainLoad: load,
    plainStore: store,
    range: (word, count) => memory.subarray(word, word + count),
  };
  let nowMs = 0;
  const clock: Clock = { ...systemClock, now: () => nowMs };
  const first = new Intent(words, { ...whoAmI(), startTicks: firstStartTicks }, clock);
  const second = new Intent(words, whoAmI(), clock);
  return { first, second, pass: (ms: number) => (nowMs += ms) };
}

test('all others let one pass who has claimed the next turn, until it has had it', () => {
  const { first, second } = twoThreads();
  first.claim(25, 'exclusive');
  expect([first.stepsAside('exclusive'), second.stepsAside('exclusive')]).toEqual([false, true]);
  expect(second.stepsAside('shared')).toBe(true);
  first.withdraw();
  expect(second.stepsAside('exclusive')).toBe(false);
});

test('readers do not step aside for readers', () => {
  const { first, second } = twoThreads();
  first.claim(25, 'shared');
  expect([second.stepsAside('shared'), second.stepsAside('exclusive')]).toEqual([false, true]);
});

test('one who has waited longer takes the turn over, one who has not leaves it', () => {
  const { first, second } = twoThreads();
  first.claim(25, 'exclusive');
  second.claim(22, 'exclusive');
  expect(second.stepsAside('exclusive')).toBe(true);
  second.claim(60, 'exclusive');
  expect([first.stepsAside('exclusive'), second.stepsAside('exclusive')]).toEqual([true, false]);
});

test('a claim that is not renewed counts no more, and one that is goes on counting', () => {
  const { first, second, pass } = twoThreads();
  first.claim(25, 'exclusive');
  expect(second.stepsAside('exclusive')).toBe(true);
  pass(40);
  first.claim(65, 'exclusive');
  expect(second.stepsAside('exclusive')).toBe(true);
  pass(40);
  expect(second.stepsAside('exclusive')).toBe(true);
  pass(20);
  expect(second.stepsAside('exclusive')).toBe(false);
});

test('nobody steps aside for the dead', () => {
  // This pid, in an earlier life of it.
  const { first, second } = twoThreads(1);
  first.claim(25, 'exclusive');
  expect(second.stepsAside('exclusive')).toBe(false);
});
