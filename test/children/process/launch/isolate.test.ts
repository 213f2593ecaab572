import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import type { Exit } from '../../../../src/core/index.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';

type Options = NonNullable<Parameters<typeof command>[3]>;

const works = (...args: string[]): boolean => spawnSync(args[0] ?? '', args.slice(1)).status === 0;
const isRoot = process.geteuid?.() === 0;
const namespaces = works(
  'unshare',
  ...(isRoot ? [] : ['-U', '-c', '--keep-caps']),
  '-pf',
  '--mount-proc',
  'true',
);
const ipc = works('unshare', ...(isRoot ? [] : ['-U', '-c']), '-i', 'true');
const setpriv = works('setpriv', '--pdeathsig', 'KILL', 'true');

const started = (script: string, options: Options): ReturnType<typeof startRecorded> =>
  startRecorded(
    command('program', 'sh', ['-c', script], { stdout: 'capture', stderr: 'capture', ...options }),
  );

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;

async function said(script: string, options: Options): Promise<readonly string[]> {
  const { host, incarnation } = started(script, options);
  const exit = await exitOf(host);
  const lines = (incarnation.output?.()?.tail(100) ?? []).map(({ text }) => text);
  if (exit.type !== 'completed') throw new Error(`${JSON.stringify(exit)}: ${JSON.stringify(lines)}`);
  return lines;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Living processes with a word in their command line. */
const commandsWith = (word: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(word);
      } catch {
        return false;
      }
    });

function isGone(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z');
  } catch {
    return true;
  }
}

describe.runIf(namespaces)('a program in a pid namespace', () => {
  const isolate = { pid: true };

  test('sees itself and its own alone, and is not process 1', async () => {
    const [pid, seen] = await said('echo $$; ls -d /proc/[0-9]* | wc -l', { isolate });
    expect(Number(pid)).toBeGreaterThan(1);
    expect(Number(pid)).toBeLessThan(8);
    expect(Number(seen)).toBeLessThan(8);
  });

  test.each<[string, Exit]>([
    ['exit 7', { type: 'code', code: 7 }],
    ['exit 143', { type: 'code', code: 143 }],
    ['kill -SEGV $$', { type: 'signal', signal: 'SIGSEGV' }],
    ['kill -KILL $$', { type: 'signal', signal: 'SIGKILL' }],
    ['kill -TERM $$', { type: 'signal', signal: 'SIGTERM' }],
  ])('that ends by %s is told to have ended so', async (script, exit) => {
    expect(await exitOf(started(`ulimit -c 0; ${script}`, { isolate }).host)).toEqual(exit);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'] as const)(
    'that has no handler ends by the %s of its stop',
    async (stopSignal) => {
      const { host, incarnation } = started('ulimit -c 0; exec sleep 1000', { isolate, stopSignal });
      await host.next('ready');
      incarnation.stop(10_000);
      expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    },
  );

  test('hears its stop, and has the time to answer it', async () => {
    const script = 'trap "echo heard; exit 0" USR1; echo set; while :; do sleep 0.01; done';
    const { host, incarnation } = started(script, { isolate, stopSignal: 'SIGUSR1', ready: { line: 'set' } });
    await host.next('ready');
    await until(() => (incarnation.facts?.().command ?? '') !== '');
    incarnation.stop(10_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect((incarnation.output?.()?.tail(9) ?? []).map(({ text }) => text)).toContain('heard');
  });

  test('is what its pid stands for, and what a signal goes to', async () => {
    const script = 'trap "exit 3" USR2; while :; do sleep 0.01; done';
    const { host, incarnation } = started(script, { isolate });
    await host.next('ready');
    const { pid } = incarnation.facts?.() ?? {};
    expect(readFileSync(`/proc/${pid}/status`, 'latin1')).toMatch(/^NSpid:\t\d+\t[2-9]$/m);
    await until(() =>
      /^SigCgt:\t[0-9a-f]*[89a-f][0-9a-f]{2}$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1')),
    );
    expect(incarnation.signal?.('SIGUSR2')).toBe(true);
    expect(await exitOf(host)).toEqual({ type: 'code', code: 3 });
  });

  test('leaves nobody behind, not even who has a session of its own', async () => {
    const word = `3${process.pid}7.5`;
    const { host } = started(`setsid sleep ${word} & sleep 0.05; exit 5`, { isolate, ownership: 'group' });
    expect(await exitOf(host)).toEqual({ type: 'code', code: 5 });
    await until(() => commandsWith(word).length === 0);
  });

  test('has orphans that end seen off', async () => {
    const script =
      '(sleep 0.02 &); (sleep 0.01 &); sleep 0.2; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l';
    expect(await said(script, { isolate })).toEqual(['0']);
  });

  test('that is not there is told as clearly as outside of one', async () => {
    const { host } = startRecorded(
      command('absent', 'no-such-program-here', [], { isolate, stderr: 'capture' }),
    );
    const exit = await exitOf(host);
    expect(host.news.map(({ type }) => type)).toEqual(['exited']);
    expect(exit.type === 'not-started' && exit.error.message).toContain('no directory of PATH has it');
  });

  test('is told of without the processes that a namespace needs beside it', async () => {
    const { host, incarnation } = started('trap "" TERM; sleep 1000 & wait; sleep 1000', { isolate });
    await host.next('ready');
    await until(() => incarnation.usage?.()?.processes === 2);
    expect(incarnation.usage?.()?.processes).toBe(2);
    incarnation.stop(60_000);
    const obstacles = incarnation.explain?.() ?? [];
    expect(obstacles.map(({ verdict, pid }) => [verdict, pid])).toContainEqual([
      'ignored',
      incarnation.facts?.().pid,
    ]);
    expect(obstacles.map(({ command }) => command).join()).not.toMatch(/unshare|treewarden/);
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
  });

  test('is ended with all of its namespace when it is killed', async () => {
    const word = `4${process.pid}7.5`;
    const { host, incarnation } = started(`setsid sleep ${word} & wait`, { isolate, ownership: 'group' });
    await host.next('ready');
    await until(() => commandsWith(word).length > 1);
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    await until(() => commandsWith(word).length === 0);
  });
});

test.runIf(ipc)('a program in an IPC namespace leaves no segment behind, and sees none of ours', async () => {
  const before = readFileSync('/proc/sysvipc/shm', 'utf8');
  const lines = await said('ipcmk -M 4096 >/dev/null; wc -l </proc/sysvipc/shm', { isolate: { ipc: true } });
  expect(lines).toEqual(['2']);
  expect(readFileSync('/proc/sysvipc/shm', 'utf8')).toBe(before);
});

const CGROUPS = '/sys/fs/cgroup/unified';
const cgroups = [CGROUPS, '/sys/fs/cgroup'].find((root) => {
  const probe = `${root}/launch-probe-${process.pid}`;
  try {
    mkdirSync(probe);
    const usable = existsSync(`${probe}/cgroup.kill`);
    rmdirSync(probe);
    return usable;
  } catch {
    return false;
  }
});

describe.runIf(cgroups !== undefined && process.geteuid?.() === 0)('a program in a control group', () => {
  const isolate = { cgroup: true };

  test('is in it from its first moment, and it is removed with the program', async () => {
    const [line = ''] = await said('grep ^0:: /proc/self/cgroup', { isolate });
    expect(line).toMatch(/\/treewarden-\d+-\d+-\d+$/);
    expect(existsSync(`${cgroups}${line.slice(3)}`)).toBe(false);
  });

  test('takes with it, when it is killed, who has left everything else', async () => {
    const word = `5${process.pid}7.5`;
    const script = `setsid env -i sh -c '(setsid env -i sleep ${word} &)'; exec sleep 1000`;
    const { host, incarnation } = started(script, { isolate, ownership: 'group' });
    await host.next('ready');
    await until(() =>
      commandsWith(word).some((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'sleep\n'),
    );
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(commandsWith(word)).toEqual([]);
  });
});

/** Starts a program under a supervisor that is a process of its own, and is then killed. Resolves to the program's pid. */
async function startedAndOrphaned(options: object): Promise<number> {
  const index = new URL('../../../../src/index.ts', import.meta.url);
  const script = `
    const { supervise, command } = await import(${JSON.stringify(index.href)});
    const app = await supervise(command('program', 'sleep', ['1000'], ${JSON.stringify(options)}));
    console.log(app.child('program').pid);`;
  const host = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(host.stdout, 'data')) as [Buffer];
  host.kill('SIGKILL');
  await once(host, 'exit');
  return Number(line.toString());
}

test.runIf(setpriv)(
  'a program is sent its parent-death signal, also after a change of its user',
  async () => {
    const user = isRoot ? { uid: 'nobody' } : {};
    const options = { ...user, parentDeathSignal: 'SIGTERM', ownership: 'group' };
    const pid = await startedAndOrphaned(options);
    expect(pid).toBeGreaterThan(1);
    await until(() => isGone(pid));
  },
);

test.runIf(namespaces)('a pid namespace ends with the program that made it', async () => {
  const pid = await startedAndOrphaned({ isolate: { pid: true }, ownership: 'group' });
  expect(pid).toBeGreaterThan(1);
  await until(() => isGone(pid));
});
