import { describe, expect, test } from 'vitest';
import { RestartWindow } from '../../src/core/index.js';

function verdicts(intensity: number, periodMs: number, timesMs: readonly number[]): boolean[] {
  const window = new RestartWindow(intensity, periodMs);
  return timesMs.map((atMs) => window.record(atMs));
}

describe('the restart window', () => {
  test.each([
    { intensity: 0, timesMs: [0], allowed: [false] },
    { intensity: 1, timesMs: [0, 10], allowed: [true, false] },
    { intensity: 3, timesMs: [0, 1, 2, 3], allowed: [true, true, true, false] },
    { intensity: 1, timesMs: [0, 100], allowed: [true, false] },
    { intensity: 1, timesMs: [0, 100.5], allowed: [true, true] },
    { intensity: 2, timesMs: [0, 60, 120, 180], allowed: [true, true, true, true] },
    { intensity: 2, timesMs: [0, 60, 90, 180], allowed: [true, true, false, true] },
  ])(
    'with intensity $intensity in 100 ms, exits at $timesMs are allowed as $allowed',
    ({ intensity, timesMs, allowed }) => {
      expect(verdicts(intensity, 100, timesMs)).toEqual(allowed);
    },
  );

  test('an infinite intensity allows everything, and keeps nothing', () => {
    const window = new RestartWindow(Number.POSITIVE_INFINITY, 100);
    for (let n = 0; n < 1000; n++) expect(window.record(0)).toBe(true);
    expect(window.count).toBe(0);
  });

  test('stands still while siblings are stopped, so that a slow stop does not defeat the limit', () => {
    const window = new RestartWindow(1, 1000);
    expect(window.record(0)).toBe(true);
    window.standStill(2200);
    expect(window.record(2200)).toBe(false);
  });

  test('without standing still, the same slow stop would defeat the limit', () => {
    expect(verdicts(1, 1000, [0, 2200])).toEqual([true, true]);
  });

  test('counts only what is within the period, over a million restarts', () => {
    const window = new RestartWindow(1e9, 1000);
    for (let atMs = 0; atMs < 1_000_000; atMs++) window.record(atMs);
    expect(window.count).toBe(1001);
  });
});
