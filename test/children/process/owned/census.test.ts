import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
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

/** A process that carries these marks, and has become what it is to be. */
async function carrier(marks: string): Promise<ChildProcess> {
  const child = spawn('sh', ['-c', 'echo; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, TREEWARDEN_MARK: marks },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

test.runIf(process.platform === 'linux')('who carries a mark carries all of it, and to its end', async () => {
  const mark = `${process.pid}x${process.hrtime.bigint().toString(36)}`.padEnd(16, 'z');
  const [inner, outer] = [await carrier(`${mark}0:1;${mark}:1;`), await carrier(`${mark}:1;0${mark}:7;`)];
  for (const marks of [`${mark}:12;`, `0${mark}:1;`, `${mark}0:1;`, `${mark}:1`]) await carrier(marks);
  const carriers = censusSince(systemClock, systemClock.now()).carriers(`${mark}:1;`);
  expect(new Set(carriers.map(({ pid }) => pid))).toEqual(new Set([inner.pid, outer.pid]));
});
