import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { command } from '../../../src/children/index.js';
import { type Exit, InvalidSpecError } from '../../../src/core/index.js';
import { type RecordingHost, startRecorded } from '../../../src/testing/recording-host.js';

type Options = NonNullable<Parameters<typeof command>[3]>;

const onLinux = test.runIf(process.platform === 'linux');

const root = mkdtempSync(join(tmpdir(), 'command-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const shell = (script: string, options: Options = {}): ReturnType<typeof startRecorded> =>
  startRecorded(command('shell', 'sh', ['-c', script], { stdout: 'ignore', stderr: 'capture', ...options }));

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;

/** Resolves once it holds; looked at in every turn of the event loop, as nothing tells of it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Fields of /proc/<pid>/stat, or undefined where there is no such process. */
function statOf(pid: number): { state: string; group: number; session: number } | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined;
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [state = '', , group, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state, group: Number(group), session: Number(session) };
}

function reaches(target: number): boolean {
  try {
    process.kill(target, 0);
    return true;
  } catch {
    return false;
  }
}

const pidIn = (file: string): number => Number(readFileSync(join(folder, file), 'utf8'));
const isWritten = (file: string): boolean => existsSync(join(folder, file)) && pidIn(file) > 0;

describe('how a command ended', () => {
  test('an exit status of its own is told as it is', async () => {
    expect(await exitOf(shell('exit 3').host)).toEqual({ type: 'code', code: 3 });
  });

  test('a signal that we did not send is told by name', async () => {
    const { host, incarnation } = shell('exec sleep 1000');
    await host.next('ready');
    process.kill(incarnation.facts?.().pid ?? 0, 'SIGKILL');
    expect(await exitOf(host)).toEqual({ type: 'signal', signal: 'SIGKILL' });
  });

  test.each([
    ['ends by the stop signal', 'exec sleep 1000', { type: 'shutdown' }],
    ['exits with 0', 'trap "exit 0" TERM', { type: 'shutdown' }],
    ['exits with 128 and the number of the stop signal', 'trap "exit 143" TERM', { type: 'shutdown' }],
    ['fails while it stops', 'trap "exit 9" TERM', { type: 'code', code: 9 }],
    [
      'ends by another signal while it stops',
      'trap "kill -USR1 $$" TERM',
      { type: 'signal', signal: 'SIGUSR1' },
    ],
  ])('asked to stop, one that %s', async (_, script, exit) => {
    const { host, incarnation } = shell(`${script}; echo set; while :; do sleep 0.01; done`, {
      ready: script.startsWith('trap') ? { line: 'set' } : 'spawn',
    });
    await host.next('ready');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual(exit);
  });

  test('it is asked by the signal it wants', async () => {
    const { host, incarnation } = shell(
      'trap "exit 0" INT; trap "exit 9" TERM; echo set; while :; do sleep 0.01; done',
      {
        ready: { line: 'set' },
        stopSignal: 'SIGINT',
      },
    );
    await host.next('ready');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });

  test('one that ran out of heap is told as out of memory, in the words of V8', async () => {
    const greedy = 'const kept = []; for (;;) kept.push(new Array(1000).fill(Math.random()))';
    const { host } = startRecorded(
      command('greedy', process.execPath, ['--max-old-space-size=30', '-e', greedy], { stderr: 'capture' }),
    );
    const { exit, stderr } = await host.next('exited');
    expect(exit).toEqual({
      type: 'out-of-memory',
      detail: expect.stringContaining('heap out of memory'),
      signal: 'SIGABRT',
    });
    expect(stderr?.join('\n')).toContain('heap out of memory');
  });

  test('a stopped program is continued, so that it hears of its stop', async () => {
    const { host, incarnation } = shell('exec sleep 1000');
    await host.next('ready');
    const pid = incarnation.facts?.().pid ?? 0;
    expect(incarnation.signal?.('SIGSTOP')).toBe(true);
    if (process.platform === 'linux') await until(() => statOf(pid)?.state === 'T');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });
});

describe('a command that could not be started says what to do', () => {
  const reasonOf = async (file: string, options: Options = {}, args: string[] = []): Promise<string> => {
    const { host, incarnation } = startRecorded(command('absent', file, args, options));
    const exit = await exitOf(host);
    incarnation.kill();
    expect(incarnation.facts?.().pid).toBeUndefined();
    expect(host.news).toHaveLength(1);
    if (exit.type !== 'not-started') throw new Error(`it counts as ${exit.type}`);
    expect(exit.error).toMatchObject({ name: 'SpawnError', code: 'SPAWN_FAILED' });
    return exit.error.message;
  };

  test('no such program', async () => {
    const reason = await reasonOf('no-such-program');
    expect(reason).toBe(
      'The program "no-such-program" of "root/absent" could not be started: no directory of PATH has it. ' +
        'Install it, correct its name, or give its path.',
    );
  });

  test('no such file', async () => {
    expect(await reasonOf(join(folder, 'absent'))).toContain('there is no such file');
  });

  test('no such working directory', async () => {
    expect(await reasonOf('true', { cwd: join(folder, 'absent') })).toContain(
      `its working directory ${join(folder, 'absent')} does not exist`,
    );
  });

  test('a working directory that is a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    expect(await reasonOf('true', { cwd: join(folder, 'file') })).toContain('is not a directory');
  });

  test('no permission', async () => {
    writeFileSync(join(folder, 'script'), '#!/bin/sh\n', { mode: 0o644 });
    expect(await reasonOf(join(folder, 'script'))).toContain('chmod +x');
  });

  test('no interpreter', async () => {
    writeFileSync(join(folder, 'script'), '#!/no/such/interpreter\n');
    chmodSync(join(folder, 'script'), 0o755);
    expect(await reasonOf(join(folder, 'script'))).toContain(
      'the interpreter that its first line names is not',
    );
  });

  test('arguments that are too long, which Node throws', async () => {
    expect(await reasonOf('true', {}, ['x'.repeat(10_000_000)])).toContain('too long together');
  });
});

describe('a command owns its process group', () => {
  onLinux(
    'it leads a group and session of its own, so a Ctrl-C in the terminal reaches it through us alone',
    async () => {
      const { host, incarnation } = shell('exec sleep 1000');
      await host.next('ready');
      const pid = incarnation.facts?.().pid ?? 0;
      expect(statOf(pid)).toMatchObject({ group: pid, session: pid });
      expect(statOf(process.pid)?.group).not.toBe(pid);
      incarnation.stop(5000);
      await host.next('exited');
    },
  );

  test('a leader that ends unasked takes the rest along, also what ignores SIGTERM', async () => {
    const { host, incarnation } = shell('(trap "" TERM; echo up; while :; do sleep 1000; done) & wait', {
      ready: { line: 'up' },
    });
    await host.next('ready');
    const group = incarnation.facts?.().pid ?? 0;
    process.kill(group, 'SIGUSR1');
    expect(await exitOf(host)).toEqual({ type: 'signal', signal: 'SIGUSR1' });
    expect((await host.next('fault')).exit).toEqual({ type: 'signal', signal: 'SIGUSR1' });
    expect(isLiving(group)).toBe(false);
  });

  test('a leader that ends at once when asked leaves the rest its stop time', async () => {
    const { host, incarnation } = shell(
      `(trap 'sleep 0.05; echo > ${folder}/finished; exit' TERM; echo up; while :; do sleep 0.01; done) & wait`,
      { ready: { line: 'up' } },
    );
    await host.next('ready');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(existsSync(`${folder}/finished`)).toBe(true);
    expect(host.said('fault')).toBe(false);
  });

  test('what ignores the stop after its leader ended is gone only when killed, and that is told', async () => {
    const { host, incarnation } = shell(
      `(trap '' TERM; echo up; while :; do sleep 1000; done) & echo $! > ${folder}/rest; wait`,
      { ready: { line: 'up' } },
    );
    await host.next('ready');
    await until(() => isWritten('rest'));
    const leader = incarnation.facts?.().pid ?? 0;
    incarnation.stop(5000);
    await until(() => !reaches(leader));
    expect(reaches(pidIn('rest'))).toBe(true);
    expect(host.said('exited')).toBe(false);
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
  });

  onLinux('zombies that nobody reaps do not keep a group from counting as gone', async () => {
    // The inner shell leaves `true` behind as a zombie in the group, and goes on in another session as a program that never waits.
    const inner = 'true & exec setsid sleep 1000';
    const { host, incarnation } = shell(
      `sh -c '${inner}' & echo $! > ${folder}/parent; while [ ! -e ${folder}/go ]; do sleep 0.01; done`,
    );
    await until(() => isWritten('parent'));
    const [group, parent] = [incarnation.facts?.().pid ?? 0, pidIn('parent')];
    try {
      await until(() => statOf(parent)?.session === parent);
      writeFileSync(join(folder, 'go'), '');
      expect(await exitOf(host)).toEqual({ type: 'completed' });
      expect(reaches(-group)).toBe(true);
    } finally {
      process.kill(parent, 'SIGKILL');
    }
  });

  onLinux('a descendant that left the group and holds the pipes open hangs nothing', async () => {
    const openPipes = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
    const before = openPipes();
    const { host } = shell(
      `setsid sh -c 'echo $$ > ${folder}/escaped; exec sleep 1000' & ` +
        `while [ ! -s ${folder}/escaped ]; do sleep 0.01; done; echo last words >&2; exit 4`,
      { ready: { line: 'never said' } },
    );
    const { exit, stderr } = await host.next('exited');
    await until(() => openPipes() <= before);
    process.kill(pidIn('escaped'), 'SIGKILL');
    expect(exit).toEqual({ type: 'code', code: 4 });
    expect(stderr).toEqual(['last words']);
  });
});

describe('what a command is given, and what it says', () => {
  test('its environment is ours with changes, and its directory the one given', async () => {
    vi.stubEnv('KEPT_VARIABLE', 'kept');
    vi.stubEnv('TAKEN_VARIABLE', 'taken');
    mkdirSync(join(folder, 'inside'));
    const { host } = shell('echo "$KEPT_VARIABLE,$TAKEN_VARIABLE,$ADDED_VARIABLE" >&2; pwd >&2', {
      env: { TAKEN_VARIABLE: undefined, ADDED_VARIABLE: 'added' },
      cwd: pathToFileURL(join(folder, 'inside')),
    });
    expect((await host.next('exited')).stderr).toEqual(['kept,,added', join(folder, 'inside')]);
    vi.unstubAllEnvs();
  });

  test('ten megabytes on each stream are drained, and only the end of stderr is kept', async () => {
    const { host } = shell(
      'head -c 10000000 /dev/zero; head -c 10000000 /dev/zero | tr "\\0" x >&2; echo end >&2',
      {
        ready: { line: 'never said' },
      },
    );
    const { exit, stderr } = await host.next('exited');
    expect(exit).toEqual({ type: 'completed' });
    expect(stderr?.join('').length).toBeLessThanOrEqual(8192);
    expect(stderr?.at(-1)).toMatch(/xend$/);
  });

  test('of many lines on stderr the last twenty are kept', async () => {
    const { host } = shell('i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "line $i" >&2; done');
    const { stderr } = await host.next('exited');
    expect(stderr).toHaveLength(20);
    expect(stderr?.[0]).toBe('line 31');
  });

  test('by default stderr is passed on as well as kept', async () => {
    const written: string[] = [];
    const write = vi
      .spyOn(process.stderr, 'write')
      .mockImplementation((chunk) => written.push(String(chunk)) > 0);
    const { host } = shell('echo seen >&2', { stderr: 'tee' });
    expect((await host.next('exited')).stderr).toEqual(['seen']);
    write.mockRestore();
    expect(written.join('')).toBe('seen\n');
  });

  test('what waits for a slow reader of our stderr at the end is kept as well', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(false);
    const { host } = shell(
      `echo first >&2; while [ ! -e ${folder}/go ]; do sleep 0.01; done; echo second >&2; exit 5`,
      { stderr: 'tee' },
    );
    await until(() => write.mock.calls.length > 0);
    writeFileSync(join(folder, 'go'), '');
    expect((await host.next('exited')).stderr).toEqual(['first', 'second']);
    write.mockRestore();
  });

  test('a stdin that is open ends when it is asked to stop', async () => {
    const { host, incarnation } = shell('trap "" TERM; echo up; cat; exit 0', {
      ready: { line: 'up' },
      stdin: 'open',
    });
    await host.next('ready');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });

  test('two hundred lives, some that never began, add no listener to what they share', async () => {
    const shared = [process, process.stdout, process.stderr];
    const count = (): number[] =>
      shared.map((emitter) =>
        emitter.eventNames().reduce((sum, name) => sum + emitter.listenerCount(name), 0),
      );
    const before = count();
    for (let round = 0; round < 20; round += 1) {
      const lives = Array.from({ length: 10 }, (_, n) =>
        startRecorded(command('short', n === 0 ? 'no-such-program' : 'true', [], { stdin: 'open' })),
      );
      await Promise.all(lives.map(({ host }) => host.next('exited')));
    }
    expect(count()).toEqual(before);
  }, 60_000);
});

describe('a wrong command is refused before anything starts', () => {
  test.each<[string, () => unknown, string]>([
    ['no program', () => command('x', ''), 'file'],
    ['a program that is no string', () => command('x', 7 as never), 'file'],
    ['arguments that are no list', () => command('x', 'true', 'abc' as never), 'args'],
    ['an argument that is no string', () => command('x', 'true', [1 as never]), 'args'],
    ['an argument with a null character', () => command('x', 'true', ['a\0b']), 'args'],
    ['options that are no object', () => command('x', 'true', [], null as never), 'options'],
    ['a directory that is no path', () => command('x', 'true', [], { cwd: 7 as never }), 'cwd'],
    ['a directory on the web', () => command('x', 'true', [], { cwd: new URL('http://x/') }), 'cwd'],
    ['an environment that is no object', () => command('x', 'true', [], { env: 'A=1' as never }), 'env'],
    ['a variable that is no string', () => command('x', 'true', [], { env: { A: 1 as never } }), 'env.A'],
    ['an unknown way for stdin', () => command('x', 'true', [], { stdin: 'pipe' as never }), 'stdin'],
    ['an unknown way for stdout', () => command('x', 'true', [], { stdout: 'pipe' as never }), 'stdout'],
    ['an unknown way for stderr', () => command('x', 'true', [], { stderr: 'pipe' as never }), 'stderr'],
    ['an unknown signal', () => command('x', 'true', [], { stopSignal: 'SIGNOPE' as never }), 'stopSignal'],
    ['a drain by what ends it', () => command('x', 'true', [], { drainSignal: 'SIGKILL' }), 'drainSignal'],
    ['a stop by what ends it', () => command('x', 'true', [], { stopSignal: 'SIGKILL' }), 'stopSignal'],
    ['a stop by what suspends it', () => command('x', 'true', [], { stopSignal: 'SIGSTOP' }), 'stopSignal'],
    ['a reload by what ends it', () => command('x', 'true', [], { reloadSignal: 'SIGKILL' }), 'reloadSignal'],
    ['a zero for "at once"', () => command('x', 'true', [], { shutdown: 0 }), 'shutdown'],
    [
      'a drain signal without the time for it',
      () => command('x', 'php-fpm', [], { drainSignal: 'SIGQUIT', drainMs: 0 }),
      'drainMs',
    ],
    [
      'a program that has ended when it is to be stopped',
      () => command('x', 'true', [], { background: true, killScope: 'process' }),
      'killScope',
    ],
    [
      'a soft limit above the hard one',
      () => command('x', 'true', [], { limits: { nofile: { soft: 'unlimited', hard: 4 } } }),
      'limits.nofile',
    ],
    [
      'a stdin from two places',
      () => command('x', 'true', [], { stdin: { text: 'a', file: '/b' } as never }),
      'stdin',
    ],
    ['a variable whose name has a "="', () => command('x', 'true', [], { env: { 'A=B': 'c' } }), 'env'],
    ['a variable without a name', () => command('x', 'true', [], { env: { '': 'c' } }), 'env'],
    ['a directory without a name', () => command('x', 'true', [], { cwd: '' }), 'cwd'],
    [
      'the host of no port',
      () => command('x', 'true', [], { health: { host: 'localhost', probe: () => true } }),
      'health.host',
    ],
    ['readiness by a context', () => command('x', 'true', [], { ready: 'explicit' }), 'ready'],
    ['a watch for heartbeats', () => command('x', 'true', [], { stallAfterMs: 1000 }), 'stallAfterMs'],
    ['an id that cannot be in a path', () => command('a/b', 'true'), 'id'],
    ['a wrong restart type', () => command('x', 'true', [], { restart: 'always' as never }), 'restart'],
  ])('%s', (_, make, field) => {
    expect(make).toThrow(InvalidSpecError);
    expect(make).toThrow(expect.objectContaining({ field }));
  });
});

/** Whether a group has a member that is not a zombie waiting for whoever adopted it. */
function isLiving(group: number): boolean {
  if (process.platform !== 'linux') return reaches(-group);
  return readdirSync('/proc').some((name) => {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    return stat?.group === group && stat.state !== 'Z';
  });
}
