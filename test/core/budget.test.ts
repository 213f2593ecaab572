import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { killReserveMs, ladderWithin, longestDrain, shareOf } from '../../src/core/index.js';

const settings = { drainMs: 20_000, shutdown: 5000 } as const;

describe("a child's ladder", () => {
  test('is its own settings where there is no budget', () => {
    expect(ladderWithin(settings, 100, Number.POSITIVE_INFINITY)).toEqual({ ...settings, killWaitMs: 100 });
  });

  test('by default just fits into the default budget, but for the reserve', () => {
    const { drainMs, shutdown } = ladderWithin(settings, 100, 25_000);
    expect(drainMs + (shutdown as number)).toBe(24_000);
    expect(shutdown).toBe(5000);
  });

  test('never takes longer than its budget less the reserve, and never loses both rungs', () => {
    const shutdowns = fc.oneof(fc.integer({ min: 0, max: 60_000 }), fc.constant('infinity' as const));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60_000 }),
        shutdowns,
        fc.integer({ min: 1, max: 60_000 }),
        (drainMs, shutdown, budgetMs) => {
          const cut = ladderWithin({ drainMs, shutdown }, 100, budgetMs);
          const total = cut.drainMs + (cut.shutdown as number);
          expect(total).toBeLessThanOrEqual(budgetMs - killReserveMs(budgetMs) + 1e-6);
          if (shutdown !== 0) expect(total).toBeGreaterThan(0);
        },
      ),
    );
  });

  test('leaves a brutal kill as it is', () => {
    expect(ladderWithin({ drainMs: 5, shutdown: 'brutal_kill' }, 100, 50).shutdown).toBe('brutal_kill');
  });
});

describe('the share of one of several stages', () => {
  test('is in proportion to its own stages', () => {
    expect(shareOf(9000, 1, 3)).toBe(3000);
    expect(shareOf(9000, 2, 3)).toBe(6000);
    expect(shareOf(9000, 1, 1)).toBe(9000);
  });

  test('of what is left goes to the last whole, however little the others used', () => {
    let leftMs = 9000;
    for (const stagesLeft of [3, 2]) leftMs -= Math.min(100, shareOf(leftMs, 1, stagesLeft));
    expect(shareOf(leftMs, 1, 1)).toBe(8800);
  });

  test('of nothing is nothing, never less', () => {
    expect(shareOf(-5, 1, 2)).toBe(0);
  });
});

describe('an extended drain', () => {
  test('is at most twice its length', () => {
    expect(longestDrain({ drainMs: 100, shutdown: 50, killWaitMs: 5 }, Number.POSITIVE_INFINITY)).toBe(200);
  });

  test('never takes what the stop step was left', () => {
    expect(longestDrain({ drainMs: 100, shutdown: 50, killWaitMs: 5 }, 200)).toBe(130);
  });
});
