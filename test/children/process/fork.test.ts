import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { type ForkSettings, fork } from '../../../src/children/index.js';
import { InvalidSpecError } from '../../../src/core/index.js';
import { startRecorded } from '../../../src/testing/recording-host.js';
import { program } from '../programs.js';

const start = (file: string, settings: ForkSettings = {}): ReturnType<typeof startRecorded> =>
  startRecorded(fork('fork', program(file), { stderr: 'capture', ...settings }));

const strays: unknown[] = [];
const onStray = (error: unknown): void => void strays.push(error);
afterEach(() => {
  process.off('unhandledRejection', onStray);
  expect(strays).toEqual([]);
});

test('calls that race with the death of their program are all settled, and nobody else hears of a closed channel', async () => {
  process.on('unhandledRejection', onStray);
  for (const dying of [1, 2, 7, 50]) {
    const { host, incarnation } = start('answers-until-it-dies.mjs', { args: [String(dying)] });
    const outcomes: string[] = [];
    const calling = async (): Promise<void> => {
      while (!host.said('exited')) {
        try {
          await incarnation.call?.('echo', [1], {});
          outcomes.push('answered');
        } catch (error) {
          outcomes.push((error as { failure: string }).failure);
          if (outcomes.at(-1) === 'child-not-running') await host.next('exited');
        }
      }
    };
    await Promise.all(Array.from({ length: 10 }, calling));
    expect((await host.next('exited')).exit).toEqual({ type: 'signal', signal: 'SIGKILL' });
    expect(outcomes.filter((outcome) => !OUTCOMES.includes(outcome))).toEqual([]);
    expect(outcomes).toContain('child-exited');
    expect(host.count('noted')).toBe(0);
  }
});

const OUTCOMES = ['answered', 'child-exited', 'child-not-running'];

test('a fork that crashes says by what error, and has Node’s words in its record', async () => {
  const { host } = start('throws-at-once.mjs');
  const { exit, stderr } = await host.next('exited');
  expect(exit).toMatchObject({
    type: 'failed',
    error: { name: 'TypeError', message: 'out of luck', code: 'E_LUCK' },
  });
  expect(stderr?.join('\n')).toContain('TypeError: out of luck');
});

test('a fork that knows nothing of treewarden gets its stop signal at once', async () => {
  const { host, incarnation } = start('knows-nothing-of-us.mjs', { stopSignal: 'SIGINT' });
  await host.next('ready');
  incarnation.drain(5000);
  await host.next('drained');
  incarnation.stop(60_000);
  expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
});

test.runIf(process.platform !== 'win32')(
  'a helper of a fork that was stopped by message ends with it',
  async () => {
    const told: unknown[] = [];
    const settings = { ready: 'explicit', onMessage: (message: unknown) => told.push(message) } as const;
    const { host, incarnation } = start('starts-a-helper.mjs', settings);
    await host.next('ready');
    const [{ helper }] = told as [{ helper: number }];
    incarnation.drain(5000);
    incarnation.stop(60_000);
    expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
    expect(isAlive(helper)).toBe(false);
  },
);

test.runIf(process.platform !== 'win32')(
  'a fork that is suspended is woken, to hear that it is asked to stop',
  async () => {
    const { host, incarnation } = start('sends-what-it-is-told.mjs', { ready: 'explicit' });
    await host.next('ready');
    process.kill(incarnation.facts?.().pid ?? 0, 'SIGSTOP');
    incarnation.drain(60_000);
    await host.next('drained');
    process.kill(incarnation.facts?.().pid ?? 0, 'SIGSTOP');
    incarnation.stop(60_000);
    expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
  },
);

test('a fork that needs more heap than it may have is out of memory', async () => {
  const { host } = start('fills-its-heap.mjs', { execArgv: ['--max-old-space-size=16'] });
  expect((await host.next('exited')).exit).toMatchObject({ type: 'out-of-memory' });
});

test.each([
  ['an entry that is none', () => fork('x', undefined as never), 'entry'],
  ['arguments that are no strings', () => fork('x', 'x.js', { args: [1] as never }), 'args'],
  ['a working directory that is none', () => fork('x', 'x.js', { cwd: 7 as never }), 'cwd'],
  ['a signal that is none', () => fork('x', 'x.js', { stopSignal: 'SIGNOTHING' as never }), 'stopSignal'],
])('a fork with %s is refused at the door', (_, make, field) => {
  expect(make).toThrow(InvalidSpecError);
  expect(make).toThrow(expect.objectContaining({ field }));
});

/** Whether a process runs. One that has ended and waits to be reaped by init counts as ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
