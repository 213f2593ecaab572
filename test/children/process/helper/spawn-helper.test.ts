import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CommandOptions, command, fork } from '../../../../src/children/index.js';
import { SpawnHelper } from '../../../../src/children/process/helper/spawn-helper.js';
import { isRunning, readStat } from '../../../../src/children/process/proc.js';
import type { Exit } from '../../../../src/core/index.js';
import { type ChildSpec, systemClock, type Timer } from '../../../../src/runtime/index.js';
import { leakCheck } from '../../../../src/testing/leaks.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';
import { program } from '../../programs.js';

// Windows has neither forks, whose cost this is about, nor the sockets.
const onUnix = describe.skipIf(process.platform === 'win32');
const onLinux = test.runIf(process.platform === 'linux');
const asRoot = test.runIf(process.platform === 'linux' && process.getuid?.() === 0);

const folder = mkdtempSync(join(tmpdir(), 'spawn-helper-'));
afterAll(() => rmSync(folder, { recursive: true }));

let helper: SpawnHelper;
beforeEach(async () => {
  helper = await SpawnHelper.open(systemClock);
});
afterEach(() => helper.close());

const start = (spec: ChildSpec): ReturnType<typeof startRecorded> =>
  startRecorded(spec, { services: helper.over(undefined) });

const shell = (script: string, options: CommandOptions = {}): ReturnType<typeof startRecorded> =>
  start(command('shell', 'sh', ['-c', script], { stdout: 'ignore', stderr: 'capture', ...options }));

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;
const wordsOf = async (host: RecordingHost): Promise<readonly string[]> =>
  (await host.next('exited')).stderr ?? [];
const pidOf = ({ incarnation }: ReturnType<typeof startRecorded>): number =>
  incarnation.facts?.().pid as number;
const notes = (host: RecordingHost): readonly (string | undefined)[] =>
  host.news.flatMap((news) => (news.type === 'noted' ? [`${news.note}: ${news.error?.message}`] : []));

const pidsIn = (path: string): readonly number[] =>
  (existsSync(path) ? readFileSync(path, 'utf8') : '')
    .split('\n')
    .map(Number)
    .filter((pid) => pid > 0);

/** Resolves once it holds; looked at in every turn of the event loop, as nothing tells of it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

onUnix('a program that the spawn helper starts', () => {
  onLinux('is a child of the helper, and leads a session of its own', async () => {
    const life = shell('exec sleep 1000');
    await life.host.next('ready');
    const pid = pidOf(life);
    expect(readStat(pid)).toMatchObject({ parent: helper.pid, group: pid, session: pid });
    life.incarnation.kill();
    expect(await exitOf(life.host)).toEqual({ type: 'killed' });
  });

  test.each([
    ['exit 0', { type: 'completed' }],
    ['exit 7', { type: 'code', code: 7 }],
    ['kill -USR1 $$', { type: 'signal', signal: 'SIGUSR1' }],
    ['kill -KILL $$', { type: 'signal', signal: 'SIGKILL' }],
  ] as const)('ends by %s, as it says', async (script, exit) => {
    expect(await exitOf(shell(script).host)).toEqual(exit);
  });

  test('has its streams, of which no byte is lost', async () => {
    const lines = 20_000;
    const life = start(
      command('cat', 'sh', ['-c', `seq ${lines}; cat; echo done >&2`], {
        stdin: { text: 'from us' },
        stdout: 'capture',
        stderr: 'capture',
      }),
    );
    const seen: string[] = [];
    await until(() => life.incarnation.output?.() !== undefined);
    life.incarnation.output?.()?.follow(({ stream, text }) => stream === 'stdout' && seen.push(text));
    expect(await wordsOf(life.host)).toEqual(['done']);
    expect(seen.at(-1)).toBe('from us');
    expect(seen.slice(-101, -1)).toEqual(Array.from({ length: 100 }, (_, i) => String(lines - 99 + i)));
  });

  test('can be blocked by its streams, as programs expect that did not ask for anything else', async () => {
    const size = 1_000_000;
    const life = start(
      command(
        'dd',
        'sh',
        ['-c', `head -c ${size} /dev/zero | dd bs=${size} iflag=fullblock 2>/dev/null; echo $? >&2`],
        {
          stdout: 'capture',
          stderr: 'capture',
        },
      ),
    );
    // Where a write fails with EAGAIN, dd ends with status 1.
    expect(await wordsOf(life.host)).toEqual(['0']);
  });

  test('has the directory, the environment and the arguments that it is given', async () => {
    const { host } = start(
      command(
        'shell',
        'sh',
        ['-c', 'pwd >&2; echo "$WORD" >&2; echo "$1" >&2; env | grep -c SPAWN >&2', 'sh', "it's ü"],
        {
          cwd: folder,
          env: { WORD: 'a\nb' },
          stdout: 'ignore',
          stderr: 'capture',
        },
      ),
    );
    expect(await wordsOf(host)).toEqual([folder, 'a', 'b', "it's ü", '0']);
  });

  asRoot('is the user and group that it is to be', async () => {
    const { host } = shell('id -u >&2; id -g >&2', { uid: 65534, gid: 65534, cwd: '/' });
    expect(await wordsOf(host)).toEqual(['65534', '65534']);
  });

  onLinux('has the descriptors that it would have otherwise', async () => {
    const options: CommandOptions = { stdin: 'open', stdout: 'capture', stderr: 'capture' };
    const spec = command('ls', 'sh', ['-c', 'ls /proc/$$/fd >&2'], options);
    const descriptors = await wordsOf(start(spec).host);
    expect(descriptors).toEqual(await wordsOf(startRecorded(spec).host));
    expect(descriptors).toEqual(expect.arrayContaining(['0', '1', '2']));
  });

  test('that is not there is told as one that was not found', async () => {
    const { host } = start(command('absent', 'no-such-program'));
    const exit = await exitOf(host);
    expect(exit).toMatchObject({ type: 'not-started', error: { name: 'SpawnError' } });
    expect(JSON.stringify(exit)).toMatch(/no directory of PATH has it/);
  });

  test('whose arguments are too long is told as that', async () => {
    const { host } = start(command('long', 'true', ['x'.repeat(3_000_000)]));
    expect(JSON.stringify(await exitOf(host))).toMatch(/too long together/);
  });

  test('that is killed while it is being started is gone when that is told', async () => {
    const life = shell('exec sleep 1000');
    await until(() => helper.isAsked);
    expect(pidOf(life)).toBeUndefined();
    life.incarnation.kill();
    expect(await exitOf(life.host)).toEqual({ type: 'killed' });
    expect(isRunning(pidOf(life))).toBe(false);
  });

  test('that is asked to stop while it is being started is asked once it runs', async () => {
    const life = shell('exec sleep 1000');
    await until(() => helper.isAsked);
    life.incarnation.stop(5000);
    expect(await exitOf(life.host)).toEqual({ type: 'shutdown' });
  });

  onLinux('is owned with all that it starts', async () => {
    const pids = join(folder, 'escaped');
    const life = shell(`setsid sh -c 'echo $$ > ${pids}; exec sleep 1000' & exec sleep 1000`, {
      ownership: 'guarded',
    });
    await until(() => existsSync(pids) && readFileSync(pids, 'utf8').endsWith('\n'));
    life.incarnation.stop(5000);
    expect(await exitOf(life.host)).toEqual({ type: 'shutdown' });
    expect(isRunning(Number(readFileSync(pids, 'utf8')))).toBe(false);
  });

  test('is signalled, and so is none that has ended', async () => {
    const life = shell('trap "exit 5" USR2; echo up >&2; while :; do sleep 0.01; done', {
      stdout: 'capture',
    });
    await until(() => (life.incarnation.output?.()?.tail(1).length ?? 0) > 0);
    expect(life.incarnation.signal?.('SIGUSR2')).toBe(true);
    expect(await exitOf(life.host)).toEqual({ type: 'code', code: 5 });
    expect(life.incarnation.signal?.('SIGUSR2')).toBe(false);
  });
});

onUnix('what the spawn helper cannot give', () => {
  test('is named, once for each child, and that child is started all the same', async () => {
    for (const life of [1, 2]) {
      const { host } = shell('exit 3', { umask: 0o27 });
      expect(await exitOf(host)).toEqual({ type: 'code', code: 3 });
      expect(notes(host)).toHaveLength(life === 1 ? 1 : 0);
      if (life === 1) expect(notes(host)[0]).toMatch(/capability "spawn-helper:descriptors"/);
    }
  });

  test('is a channel: a fork is started directly', async () => {
    const { host, incarnation } = start(fork('fork', program('serves-calls.mjs'), { stderr: 'ignore' }));
    await host.next('ready');
    expect(notes(host)[0]).toMatch(/capability "spawn-helper:ipc"/);
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });

  onLinux('is a descriptor of ours, as a file for its stdin', async () => {
    const { host } = shell('cat >&2', { stdin: { file: '/proc/self/comm' } });
    expect((await wordsOf(host)).length).toBe(1);
    expect(notes(host)[0]).toMatch(/capability "spawn-helper:descriptors"/);
  });
});

onUnix('a spawn helper that dies', () => {
  test('leaves its programs running, and how they end then is told as unknown', async () => {
    const life = shell('echo up >&2; exec sleep 1000');
    await until(() => (life.incarnation.output?.()?.tail(1).length ?? 0) > 0);
    const pid = pidOf(life);
    process.kill(helper.pid as number, 'SIGKILL');
    await until(() => helper.pid === undefined);
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    expect(await exitOf(life.host)).toMatchObject({ type: 'failed', error: { name: 'LostExit' } });
  });

  test('leaves them to be stopped as ever', async () => {
    const life = shell('echo up >&2; exec sleep 1000');
    await until(() => (life.incarnation.output?.()?.tail(1).length ?? 0) > 0);
    process.kill(helper.pid as number, 'SIGKILL');
    await until(() => helper.pid === undefined);
    life.incarnation.stop(5000);
    expect(await exitOf(life.host)).toEqual({ type: 'shutdown' });
  });

  test('is started again; what is to be started meanwhile is started directly', async () => {
    const first = helper.pid as number;
    process.kill(first, 'SIGKILL');
    await until(() => helper.pid === undefined);
    const between = shell('exit 4');
    expect(await exitOf(between.host)).toEqual({ type: 'code', code: 4 });
    expect(notes(between.host)[0]).toMatch(/capability "spawn-helper:process"/);
    await until(() => helper.pid !== undefined);
    expect(helper.pid).not.toBe(first);
    expect(await exitOf(shell('exit 5').host)).toEqual({ type: 'code', code: 5 });
  });

  onLinux('never leaves a second copy, at whatever moment it dies', async () => {
    for (let round = 0; round < 12; round += 1) {
      const brief = await SpawnHelper.open(systemClock);
      const began = join(folder, `began-${round}`);
      const spec = command('sleep', 'sh', ['-c', `echo $$ >> ${began}; exec sleep 1000`], {
        ownership: 'guarded',
      });
      const life = startRecorded(spec, { services: brief.over(undefined) });
      const dies = systemClock.after(round * 4, () => void process.kill(brief.pid as number, 'SIGKILL'));
      await Promise.race([life.host.next('ready'), life.host.next('exited')]);
      dies.cancel();
      const runs = (): readonly number[] => pidsIn(began).filter(isRunning);
      // One that is told as not started does not run; one that is told as ready runs once, and is owned.
      if (!life.host.said('exited')) life.incarnation.kill();
      await life.host.next('exited');
      expect(runs()).toEqual([]);
      await brief.close();
    }
  });

  test('because it hangs is ended for that, and the program that it was to start has failed to start', async () => {
    const waits: (() => void)[] = [];
    const clock = {
      ...systemClock,
      after: (ms: number, run: () => void, keepAlive?: boolean): Timer => {
        if (ms !== 10_000) return systemClock.after(ms, run, keepAlive);
        waits.push(run);
        return { cancel: () => undefined };
      },
    };
    const slow = await SpawnHelper.open(clock);
    try {
      process.kill(slow.pid as number, 'SIGSTOP');
      const { host } = startRecorded(
        command('sleep', 'sleep', ['1000'], { stdout: 'ignore', stderr: 'ignore' }),
        {
          services: slow.over(undefined),
        },
      );
      await until(() => waits.length > 0);
      for (const wait of waits) wait();
      expect(JSON.stringify(await exitOf(host))).toMatch(/spawn helper ended while it was starting it/);
    } finally {
      await slow.close();
    }
  });
});

onUnix('the spawn helper itself', () => {
  test('keeps no program running, ends with its owner, and leaves nothing behind', () => {
    const script = join(folder, 'owner.mts');
    const source = new URL('../../../../src/children/process/helper/spawn-helper.ts', import.meta.url);
    const clock = new URL('../../../../src/runtime/index.ts', import.meta.url);
    const text = `
      import { SpawnHelper } from ${JSON.stringify(source.pathname)};
      import { systemClock } from ${JSON.stringify(clock.pathname)};
      const helper = await SpawnHelper.open(systemClock);
      console.log(helper.pid);
    `;
    execFileSync('sh', ['-c', `cat > ${script}`], { input: text });
    const pid = Number(execFileSync(process.execPath, ['--import', 'tsx', script], { encoding: 'utf8' }));
    expect(pid).toBeGreaterThan(0);
    return until(() => !isRunning(pid));
  });

  test('is gone with all it had when it is closed, which may be said twice', async () => {
    // By then it bears its name, by which the check tells processes apart.
    await exitOf(shell('exit 0').host);
    const leaks = leakCheck();
    const another = await SpawnHelper.open(systemClock);
    const pid = another.pid as number;
    await Promise.all([another.close(), another.close()]);
    expect(isRunning(pid)).toBe(false);
    await leaks.expectNone();
  });
});
