import { expect, test } from 'vitest';
import { censusSince, recentCensus } from '../../../../src/children/process/owned/census.js';
import { systemClock } from '../../../../src/runtime/index.js';

test('a look is recent for a while after its end, however long it took; who needs a later one gets it', () => {
  // It begins at 0, and takes longer than what counts as recent.
  const times = [0, 500, 505, 511];
  const clock = { ...systemClock, now: () => times.shift() ?? 511 };
  const first = recentCensus(clock, 10);
  expect(recentCensus(clock, 10)).toBe(first);
  expect(recentCensus(clock, 10)).not.toBe(first);
  const last = censusSince(clock, 511);
  expect(censusSince(clock, 511)).toBe(last);
});
