import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Backoff,
  constantBackoff,
  DEFAULT_BACKOFF,
  decorrelatedBackoff,
  exponentialBackoff,
  linearBackoff,
  nextDelay,
  noBackoff,
  steppedBackoff,
  wasHealthy,
} from '../../src/core/index.js';

const most = () => 0.999_999;
const least = () => 0;

function delays(backoff: Backoff, count: number, random = most): number[] {
  const seen: number[] = [];
  for (let failures = 1; failures <= count; failures++)
    seen.push(nextDelay(backoff, failures, seen.at(-1) ?? 0, random));
  return seen;
}

describe('a backoff', () => {
  test.each([
    { name: 'none', backoff: noBackoff(), waits: [0, 0, 0] },
    { name: 'constant', backoff: constantBackoff(250), waits: [0, 250, 250] },
    {
      name: 'constant from the first failure on',
      backoff: constantBackoff(250, { free: 0 }),
      waits: [250, 250],
    },
    {
      name: 'linear',
      backoff: linearBackoff({ initialMs: 10, stepMs: 5, jitter: 'none' }),
      waits: [0, 10, 15, 20],
    },
    {
      name: 'exponential',
      backoff: exponentialBackoff({ initialMs: 100, jitter: 'none' }),
      waits: [0, 100, 200, 400, 800],
    },
    {
      name: 'exponential, capped',
      backoff: exponentialBackoff({ initialMs: 100, capMs: 300, jitter: 'none' }),
      waits: [0, 100, 200, 300, 300],
    },
    // systemd's own example: three steps from 2 s to 16 s.
    {
      name: 'steps',
      backoff: steppedBackoff({ initialMs: 2000, capMs: 16_000, steps: 3, free: 0 }),
      waits: [2000, 4000, 8000, 16_000, 16_000],
    },
  ])('$name waits $waits ms', ({ backoff, waits }) => {
    expect(delays(backoff, waits.length)).toEqual(waits);
  });

  test('half jitter waits from half of the time to all of it', () => {
    const backoff = exponentialBackoff({ initialMs: 100, jitter: 'half' });
    expect(delays(backoff, 3, least)).toEqual([0, 50, 100]);
    expect(delays(backoff, 3, most)).toEqual([0, 100, 200]);
  });

  test('full jitter waits from nothing to all of it', () => {
    expect(delays(exponentialBackoff({ initialMs: 100, jitter: 'full' }), 3, least)).toEqual([0, 0, 0]);
  });

  test('decorrelated jitter stays between the first wait and three times the previous one', () => {
    const backoff = decorrelatedBackoff({ initialMs: 100, capMs: 10_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.integer({ min: 100, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, previousMs, chance) => {
          const waitMs = nextDelay(backoff, failures, previousMs, () => chance);
          expect(waitMs).toBeGreaterThanOrEqual(100);
          expect(waitMs).toBeLessThanOrEqual(Math.min(10_000, previousMs * 3));
        },
      ),
    );
  });

  test('no kind ever waits longer than its cap, nor a negative or fractional time', () => {
    const kinds = [
      linearBackoff(),
      exponentialBackoff(),
      decorrelatedBackoff(),
      steppedBackoff({ steps: 7 }),
      constantBackoff(60_000),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        (backoff, failures, chance) => {
          const waitMs = nextDelay(backoff, failures, 30_000, () => chance);
          expect(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= 30_000).toBe(true);
        },
      ),
    );
  });

  test('by default restarts the first failure at once, so that a single crash costs no wait', () => {
    expect(delays(DEFAULT_BACKOFF, 4)).toEqual([0, 100, 200, 400]);
  });

  test('is forgotten after a healthy life', () => {
    expect(wasHealthy(exponentialBackoff({ resetAfterMs: 1000 }), 999)).toBe(false);
    expect(wasHealthy(exponentialBackoff({ resetAfterMs: 1000 }), 1000)).toBe(true);
  });
});
