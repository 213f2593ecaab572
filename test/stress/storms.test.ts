import { describe, expect, test } from 'vitest';
import { STORMS } from './storms.js';

/** The short form of `npm run stress`. */
const KILLS = 35;

describe('after random deaths of its users nothing is lost, torn or stuck', () => {
  for (const storm of STORMS) {
    test.skipIf(storm.skip)(
      storm.name,
      async () => {
        const report = await storm.run({ kills: KILLS, seed: 1 });
        expect(report.faults).toEqual([]);
        expect(report.uses).toBeGreaterThan(0);
      },
      240_000,
    );
  }
});
