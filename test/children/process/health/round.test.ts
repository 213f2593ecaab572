import { expect, test } from 'vitest';
import { lookEvery } from '../../../../src/children/process/health/round.js';
import type { Clock } from '../../../../src/runtime/index.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';

test('all who look as often look together, by one timer, and there is none when nobody looks', async () => {
  const clock = new VirtualClock();
  const looks: string[] = [];
  await clock.advance(30);
  const endFirst = lookEvery(clock, 100, () => looks.push(`first at ${clock.now()}`));
  await clock.advance(40);
  const endSecond = lookEvery(clock, 100, () => looks.push(`second at ${clock.now()}`));
  const endThird = lookEvery(clock, 50, () => looks.push(`third at ${clock.now()}`));
  expect(clock.timers).toBe(1);
  await clock.advance(80);
  expect(looks).toEqual(['first at 100', 'second at 100', 'third at 100', 'third at 150']);
  endFirst();
  endSecond();
  expect(clock.timers).toBe(1);
  endThird();
  endThird();
  expect(clock.timers).toBe(0);
});

test('a look may end its own watch and that of others', async () => {
  const clock = new VirtualClock();
  const looks: string[] = [];
  const endFirst = lookEvery(clock, 100, () => {
    looks.push('first');
    endFirst();
    endSecond();
  });
  const endSecond = lookEvery(clock, 100, () => looks.push('second'));
  await clock.advance(300);
  expect(looks).toEqual(['first']);
  expect(clock.timers).toBe(0);
});

test('looks that were missed while the machine slept are not made up for', async () => {
  let nowMs = 0;
  const due: (() => void)[] = [];
  const clock: Clock = {
    now: () => nowMs,
    after: (_delayMs, run, keepAlive) => {
      expect(keepAlive).toBe(false);
      due.push(run);
      return { cancel: () => due.splice(due.indexOf(run), 1) };
    },
    yield: () => undefined,
  };
  let looks = 0;
  const end = lookEvery(clock, 100, () => {
    looks += 1;
  });
  nowMs = 100_000;
  due.shift()?.();
  expect(looks).toBe(1);
  expect(due).toHaveLength(1);
  end();
  expect(due).toHaveLength(0);
});
