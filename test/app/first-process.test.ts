import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { seeOffOrphans } from '../../src/app/first-process.js';
import { systemClock } from '../../src/runtime/index.js';
import { endAll, fixture, type Program, run, startAsFirstProcess } from './program.js';

afterEach(endAll);

const namespaces =
  spawnSync('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']).status === 0;

/** The pid by which this namespace knows the program that is process 1 of its own. */
function pidOutside({ process: unshare }: Program): number {
  return Number(readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8'));
}

describe.runIf(namespaces)('as process 1 of a container, where no signal has a default action', () => {
  test('a program drains on SIGTERM and ends with the exit code that stands for it', async () => {
    const program = startAsFirstProcess('drains-one-job.mjs');
    await program.says(/^ready/);
    process.kill(pidOutside(program), 'SIGTERM');
    await program.says(/level 1/);
    process.kill(pidOutside(program), 'SIGUSR2');
    const { code, lines } = await program.ended;
    expect(lines.at(-1)).toBe('stopped by SIGTERM, failures 0, listeners 0 0 0 0');
    expect(code).toBe(143);
  });

  const withProc = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const asFirst = (how: string, env: readonly string[] = []): Program =>
    run('unshare', [...withProc, 'env', ...env, process.execPath, fixture('adopts-orphans.mjs'), how]);

  test('a program sees off the orphans that it is given, and takes its listener off again', async () => {
    const { lines } = await asFirst('none').ended;
    expect(lines).toEqual(['listeners 1', 'left ', 'listeners 0']);
  });
});

test.runIf(process.platform === 'linux')('what reaps orphans, and cannot be had, is warned of', async () => {
  const ended = spawn('true', { stdio: 'ignore' });
  const end = new Promise((resolve) => ended.once('exit', resolve));
  // Before the next turn of the event loop Node takes no notice of it.
  while (!readFileSync(`/proc/${ended.pid}/stat`, 'latin1').includes(') Z '));
  let lookAgain = (): void => undefined;
  const clock = {
    ...systemClock,
    after: (_: number, run: () => void) => {
      lookAgain = run;
      return { cancel: () => undefined };
    },
  };
  let takeOff = (): void => undefined;
  const warned = await new Promise((resolve) => {
    const logger = { debug() {}, info() {}, warn: resolve, error() {} };
    const openReaper = () => Promise.reject(new Error('no such file'));
    takeOff = seeOffOrphans({ clock, logger, openReaper });
    process.emit('SIGCHLD', 'SIGCHLD');
    lookAgain();
  });
  takeOff();
  await end;
  expect(warned).toMatchObject({ pids: [ended.pid], error: { message: 'no such file' } });
});
