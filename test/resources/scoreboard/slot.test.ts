import { expect, test } from 'vitest';
import type { Banks } from '../../../src/resources/scoreboard/banks.js';
import { OwnSlot } from '../../../src/resources/scoreboard/slot.js';

test('a slot is shown as free before anybody else may have it, so that the next owner is not overwritten', () => {
  const order: string[] = [];
  const names = { slots: 1, jobBytes: 8, states: ['idle'], counters: [] };
  // Safe: a slot only publishes.
  const banks = {
    publish: (_, { owner }) => void order.push(owner === undefined ? 'free' : 'owned'),
  } as Pick<Banks, 'publish'> as Banks;
  const slot = new OwnSlot('the board', names, banks, { part: 0, giveUp: () => void order.push('given up') });
  slot.release();
  slot.release();
  expect(order).toEqual(['owned', 'free', 'given up']);
});
