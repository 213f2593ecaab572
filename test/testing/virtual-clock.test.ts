import { describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../src/testing/index.js';

describe('a virtual clock', () => {
  test('stands still until it is advanced', async () => {
    const clock = new VirtualClock();
    await clock.settle();
    expect(clock.now()).toBe(0);
    await clock.advance(1500);
    expect(clock.now()).toBe(1500);
  });

  test('runs timers at their own moments, in their order, those of one moment as they were set', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    const note = (name: string) => () => ran.push(`${name}@${clock.now()}`);
    clock.after(20, note('c'));
    clock.after(10, note('a'));
    clock.after(20, note('d'));
    clock.after(10, note('b'));
    clock.after(31, note('late'));
    await clock.advance(30);
    expect(ran).toEqual(['a@10', 'b@10', 'c@20', 'd@20']);
    expect(clock.timers).toBe(1);
  });

  test('lets all that follows from one timer happen before the next of the same moment', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.after(10, () => {
      ran.push('first');
      void Promise.resolve()
        .then(() => ran.push('its promise'))
        .then(() => clock.yield(() => ran.push('its yield')));
    });
    clock.after(10, () => ran.push('second'));
    await clock.advance(10);
    expect(ran).toEqual(['first', 'its promise', 'its yield', 'second']);
  });

  test('runs a timer that was set on the way, in the same advance', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const again = (): void => {
      ran.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    await clock.advance(35);
    expect(ran).toEqual([10, 20, 30]);
  });

  test('does not run a timer that was lifted, also one of the same moment as others', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    const timers = ['a', 'b', 'c'].map((name) => clock.after(10, () => ran.push(name)));
    timers[1]?.cancel();
    timers[1]?.cancel();
    clock.after(10, () => ran.push('d'));
    await clock.advance(10);
    timers[0]?.cancel();
    expect(ran).toEqual(['a', 'c', 'd']);
    expect(clock.timers).toBe(0);
  });

  test('cuts a wait to what a Node timer takes, and a negative one to none', async () => {
    const clock = new VirtualClock();
    clock.after(Number.POSITIVE_INFINITY, () => undefined);
    expect(clock.nextAtMs).toBe(2_147_483_647);
    clock.after(-5, () => undefined);
    expect(clock.nextAtMs).toBe(0);
  });

  test('steps from timer to timer', async () => {
    const clock = new VirtualClock();
    clock.after(10, () => undefined);
    clock.after(10, () => undefined);
    clock.after(70, () => undefined);
    expect(await clock.step()).toBe(true);
    expect([clock.now(), clock.timers]).toEqual([10, 1]);
    expect(await clock.step()).toBe(true);
    expect(await clock.step()).toBe(false);
    expect(clock.now()).toBe(70);
  });

  test('lets time pass until a promise settles, and no longer', async () => {
    const clock = new VirtualClock();
    const promise = new Promise<string>((resolve) => clock.after(400, () => resolve('done')));
    clock.after(900, () => undefined);
    expect(await clock.run(promise)).toBe('done');
    expect(clock.now()).toBe(400);
    await expect(clock.run(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('says so when nothing is left that could settle a promise', async () => {
    const clock = new VirtualClock();
    clock.after(100, () => undefined);
    await expect(clock.run(new Promise(() => undefined))).rejects.toThrow(/no timer is left/);
    const beat = (): void => void clock.after(100, beat);
    beat();
    await expect(clock.run(new Promise(() => undefined), 1000)).rejects.toThrow(/at most/);
  });

  test('says so when things go on happening without time passing', async () => {
    const clock = new VirtualClock();
    const spin = (): void => clock.yield(spin);
    spin();
    await expect(clock.settle()).rejects.toThrow(/never becomes quiet/);
    const other = new VirtualClock();
    const again = (): void => void other.after(0, again);
    again();
    await expect(other.settle()).rejects.toThrow(/never becomes quiet/);
  });

  test('cannot be set back', async () => {
    await expect(new VirtualClock().advance(-1)).rejects.toThrow(RangeError);
    await expect(new VirtualClock().advance(Number.NaN)).rejects.toThrow(RangeError);
  });

  test('goes on under the fake timers of a test framework', async () => {
    vi.useFakeTimers();
    try {
      const clock = new VirtualClock();
      const ran: number[] = [];
      clock.after(50, () => ran.push(clock.now()));
      await clock.advance(60);
      expect(ran).toEqual([50]);
    } finally {
      vi.useRealTimers();
    }
  });
});
