import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import {
  ownSpawner,
  SPAWNER,
  type Spawner,
  type SpawnPlan,
} from '../../../../src/children/process/spawned.js';
import type { Exit } from '../../../../src/core/index.js';
import type { Services } from '../../../../src/runtime/index.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';

type Options = NonNullable<Parameters<typeof command>[3]>;

const isLinux = process.platform === 'linux';
const isRoot = process.geteuid?.() === 0;
const has = (name: string): boolean => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
const onLinux = test.runIf(isLinux);
const asRoot = test.runIf(isLinux && isRoot && has('setpriv') && has('prlimit'));

const folder = mkdtempSync(join(tmpdir(), 'launch-'));
afterAll(() => rmSync(folder, { recursive: true }));
chmodSync(folder, 0o755);

const started = (file: string, args: string[], options: Options): ReturnType<typeof startRecorded> =>
  startRecorded(command('program', file, args, { stdout: 'capture', stderr: 'capture', ...options }));

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;

/** What a shell that is started so says, line by line. */
const said = (script: string, options: Options = {}): Promise<readonly string[]> =>
  linesOf('sh', ['-c', script], options);

/** What a program that is started so says, line by line. */
async function linesOf(file: string, args: string[], options: Options): Promise<readonly string[]> {
  const { host, incarnation } = started(file, args, options);
  const exit = await exitOf(host);
  const lines = incarnation.output?.()?.tail(100) ?? [];
  if (exit.type !== 'completed') throw new Error(`${JSON.stringify(exit)}: ${JSON.stringify(lines)}`);
  return lines.filter(({ stream }) => stream === 'stdout').map(({ text }) => text);
}

/** Why it could not be started. */
async function reason(file: string, options: Options, args: string[] = []): Promise<string> {
  const { host } = started(file, args, options);
  const exit = await exitOf(host);
  expect(host.news.map(({ type }) => type)).not.toContain('ready');
  return exit.type === 'not-started' ? exit.error.message : `it counts as ${JSON.stringify(exit)}`;
}

describe('what a program is started with', () => {
  onLinux('its mask, without anything else of it being changed', async () => {
    expect(await said('umask', { umask: 0o27 })).toEqual(['0027']);
    const env = { A: '1', PATH: process.env.PATH, 'b-c': 'odd name', PWD: undefined, OLDPWD: undefined };
    // Not by way of a shell, which adds and leaves out some of its own.
    const plain = await linesOf('env', [], { env });
    expect(plain).toContain('b-c=odd name');
    expect((await linesOf('env', [], { env, umask: 0o27 })).toSorted()).toEqual(plain.toSorted());
    expect(await said('cat /proc/$$/cmdline | tr "\\0" " "', { umask: 0o27 })).toEqual([
      'sh -c cat /proc/$$/cmdline | tr "\\0" " " ',
    ]);
  });

  onLinux('its niceness', async () => {
    expect(await said('nice', { nice: 7 })).toEqual([String(7 + Number(spawnSync('nice').stdout))]);
  });

  onLinux('no descriptor that its launcher had', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell reads it
    const fds = 'for fd in /proc/self/fd/*; do echo ${fd##*/}; done';
    expect(await said(fds, { umask: 0o27 })).toEqual(await said(fds));
  });

  onLinux('limits, soft and hard, in their units', async () => {
    const limits = {
      nofile: { soft: 100, hard: 200 },
      core: 0,
      fsize: 'unlimited',
      as: 8 * 2 ** 30,
    } as const;
    const lines = await said('cat /proc/self/limits', { limits });
    const row = (name: string): string | undefined =>
      lines.find((line) => line.startsWith(name))?.replace(/ +/g, ' ');
    expect(row('Max open files')).toMatch(/ 100 200 /);
    expect(row('Max core file size')).toMatch(/ 0 0 /);
    expect(row('Max address space')).toContain(`${8 * 2 ** 30} ${8 * 2 ** 30}`);
  });

  onLinux('a soft limit beyond the hard one that it has is that of the hard one', async () => {
    const [hard] = await said('ulimit -Hn', {});
    const limits = { nofile: { soft: Number.MAX_SAFE_INTEGER } };
    expect(await said('ulimit -Sn; ulimit -Hn', { limits })).toEqual([hard, hard]);
  });

  onLinux('a hard limit alone lowers the soft one that is above it', async () => {
    expect(await said('ulimit -Sn; ulimit -Hn', { limits: { nofile: { hard: 64 } } })).toEqual(['64', '64']);
  });
});

describe('whom it runs as', () => {
  const groupsOf = async (options: Options): Promise<string> =>
    (await said('id -u; id -g; id -G', options)).join(' / ');

  asRoot('a user by name is in its own group, and in no other, as with setuidgid', async () => {
    const [uid, gid] = (
      spawnSync('sh', ['-c', 'id -u nobody; id -g nobody'], { encoding: 'utf8' }).stdout ?? ''
    ).split('\n');
    expect(await groupsOf({ uid: 'nobody' })).toBe(`${uid} / ${gid} / ${gid}`);
    expect(await groupsOf({ uid: 'nobody', umask: 0 })).toBe(`${uid} / ${gid} / ${gid}`);
    expect(await groupsOf({ uid: 'nobody', limits: { core: 0 } })).toBe(`${uid} / ${gid} / ${gid}`);
  });

  asRoot('a user by number stays in the group of this process', async () => {
    expect(await groupsOf({ uid: 12_345 })).toBe(`12345 / ${process.getgid?.()} / ${process.getgid?.()}`);
  });

  asRoot('supplementary groups are those of the list, by number or name', async () => {
    expect(await groupsOf({ uid: 12_345, gid: 500, groups: [600, 'daemon'] })).toBe(
      '12345 / 500 / 500 1 600',
    );
  });

  asRoot('or all that the user is in', async () => {
    // One who is in more groups than his own, if there is anybody.
    const entries = spawnSync('getent', ['group'], { encoding: 'utf8' }).stdout ?? '';
    const uid = /^[^:]+:[^:]*:\d+:([^,\n]+)/m.exec(entries)?.[1] ?? 'nobody';
    const all = spawnSync('id', ['-G', uid], { encoding: 'utf8' }).stdout.trim();
    expect((await groupsOf({ uid, groups: 'init' })).split(' / ')[2]).toBe(all);
  });

  asRoot('none of the groups that this program is in stays with it', async () => {
    const groups = process.getgroups?.() ?? [];
    process.setgroups?.([...groups, 601]);
    try {
      expect(await groupsOf({ uid: 12_345, gid: 500 })).toBe('12345 / 500 / 500');
      expect(await groupsOf({ uid: 12_345, gid: 500, limits: { core: 0 } })).toBe('12345 / 500 / 500');
    } finally {
      process.setgroups?.(groups);
    }
  });

  asRoot('a number that is written as a text is one, unless there is such a name', async () => {
    expect(await groupsOf({ uid: '12345', gid: '500' })).toBe('12345 / 500 / 500');
  });

  asRoot('what it is told of itself by HOME, USER and LOGNAME stays as it is', async () => {
    const env = { HOME: '/of/root', USER: 'root', LOGNAME: 'root' };
    expect(await said('echo $HOME $USER $LOGNAME', { uid: 'nobody', env })).toEqual(['/of/root root root']);
  });

  onLinux('a user or group that is not known is told by name', async () => {
    expect(await reason('true', { uid: 'no-such-user' })).toContain('there is no user "no-such-user" here');
    // A name is all of the first field, and no more than that.
    for (const uid of ['root:x', 'roo'])
      expect(await reason('true', { uid })).toContain(`there is no user "${uid}" here`);
    expect(await reason('true', { groups: ['no-such-group'] })).toContain(
      'there is no group "no-such-group" here',
    );
  });

  asRoot('limits and niceness that only root may have are set before the user is changed', async () => {
    const options: Options = { uid: 'nobody', nice: -3, limits: { nofile: 1_000 } };
    expect(await said('nice; ulimit -Hn; id -un', options)).toEqual(['-3', '1000', 'nobody']);
  });
});

describe('a program that cannot be started is told as clearly through a launcher as without', () => {
  const unreadable = join(folder, 'not-executable');
  writeFileSync(unreadable, 'x');

  onLinux.each([
    ['no such program', 'no-such-program-here', 'no directory of PATH has it'],
    ['no such file', join(folder, 'absent'), 'there is no such file'],
    ['not executable', unreadable, 'it may not be executed'],
  ])('%s', async (_, file, why) => {
    expect(await reason(file, {})).toContain(why);
    expect(await reason(file, { umask: 0o22 })).toContain(why);
  });

  onLinux.each([126, 127])('a status of its own, %i, is its own', async (code) => {
    const { host } = started('sh', ['-c', `exit ${code}`], { umask: 0o22 });
    expect(await exitOf(host)).toEqual({ type: 'code', code });
  });

  onLinux('what the system refuses a wrapper is no status of the program', async () => {
    // Nobody may have more open files than the kernel allows any process.
    const limits = { nofile: { soft: 2 ** 40, hard: 2 ** 40 } };
    const message = await reason('true', { limits, ...(isRoot ? {} : { groups: [0] }) });
    expect(message).toMatch(/what its options ask for was refused \((?:limits|limits, groups); status 1/);
  });

  onLinux('a program with a launcher is ready only once it runs in its place', async () => {
    const { host, incarnation } = started('sh', ['-c', 'exec sleep 1000'], { umask: 0o22 });
    await host.next('ready');
    const { pid } = incarnation.facts?.() ?? {};
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).not.toContain('umask');
    incarnation.stop(5000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });
});

describe('a directory of variables', () => {
  test('is read at each start, as envdir reads it', async () => {
    const envDir = mkdtempSync(join(folder, 'env-'));
    const write = (name: string, content: string): void => writeFileSync(join(envDir, name), content);
    write('PLAIN', 'value \t\nsecond line\n');
    write('LINES', 'one\0two');
    write('GONE', '');
    write('BLANK', '\n');
    write('.hidden', 'x');
    write('BOTH', 'of the directory');
    const env = { GONE: undefined, BOTH: 'of the options' };
    const options: Options = { envDir: pathToFileURL(envDir), env };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell reads it
    const script = 'echo "$PLAIN|$LINES|${GONE-unset}|${BLANK-unset}|$BOTH"';
    expect(await said(script, options)).toEqual(['value|one', 'two|unset||of the options']);
    write('PLAIN', 'new');
    expect((await said(script, options))[0]).toBe('new|one');
  });

  test('that cannot be read is a failed start, and says which', async () => {
    const message = await reason('true', { envDir: join(folder, 'no-such-env') });
    expect(message).toMatch(/of its envDir: ENOENT.*no-such-env/);
  });

  test.runIf(isLinux && has('envdir'))('is what envdir makes of it', async () => {
    const envDir = mkdtempSync(join(folder, 'env-'));
    for (const [name, content] of [
      ['A', ' x  \t\ny'],
      ['B', 'a\0b'],
      ['C', ''],
      ['D', '\t\n'],
    ] as const)
      writeFileSync(join(envDir, name), content);
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell reads it
    const script = 'for v in A B C D; do eval "echo \\"[\\${$v-unset}]\\""; done';
    const theirs = spawnSync('envdir', [envDir, 'sh', '-c', script], { encoding: 'utf8' }).stdout;
    expect(`${(await said(script, { envDir })).join('\n')}\n`).toBe(theirs);
  });
});

describe('what it reads', () => {
  test('a text, to its end', async () => {
    expect(await said('cat', { stdin: { text: 'one\ntwo' } })).toEqual(['one', 'two']);
  });

  test('a text that it does not read harms nobody', async () => {
    expect(await said('exec <&-; echo done', { stdin: { text: 'x'.repeat(1 << 20) } })).toEqual(['done']);
  });

  test('a file, and no descriptor of it is left with us', async () => {
    const file = join(folder, 'input');
    writeFileSync(file, 'from a file\n');
    expect(await said('cat', { stdin: { file } })).toEqual(['from a file']);
    if (isLinux) {
      const fds = spawnSync('sh', ['-c', `ls -l /proc/${process.pid}/fd`], { encoding: 'utf8' }).stdout;
      expect(fds).not.toContain(file);
    }
  });

  onLinux('a file, of which no descriptor is left with us where the start fails', async () => {
    const file = join(folder, 'unread');
    writeFileSync(file, 'x');
    expect(await reason('cat', { stdin: { file }, uid: 'no-such-user' })).toContain('no-such-user');
    const fds = spawnSync('sh', ['-c', `ls -l /proc/${process.pid}/fd`], { encoding: 'utf8' }).stdout;
    expect(fds).not.toContain(file);
  });

  test.runIf(has('mkfifo'))(
    'a pipe by name without a writer, which holds nobody up, and is at its end',
    async () => {
      const file = join(folder, 'unwritten');
      spawnSync('mkfifo', [file]);
      expect(await said('cat; echo done', { stdin: { file } })).toEqual(['done']);
    },
  );

  test.runIf(has('mkfifo'))('a pipe by name, whose writer it waits for to the end', async () => {
    const file = join(folder, 'written');
    spawnSync('mkfifo', [file]);
    const script = 'exec 3>"$0"; echo open; read -r line; echo "$line" >&3';
    const writer = spawn('sh', ['-c', script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    // It waits for a reader as this process does not for a writer.
    const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      await once(writer.stdout, 'data');
      const { host, incarnation } = started('cat', [], { stdin: { file } });
      await host.next('ready');
      writer.stdin.end('late\n');
      expect(await exitOf(host)).toEqual({ type: 'completed' });
      expect(incarnation.output?.()?.tail(1)[0]?.text).toBe('late');
    } finally {
      closeSync(reader);
    }
  });

  test('a file that is not there is a failed start', async () => {
    expect(await reason('cat', { stdin: { file: join(folder, 'no-input') } })).toMatch(
      /of its stdin: ENOENT.*no-input/,
    );
  });
});

test.each<[string, Options]>([
  ['no options', {}],
  ['no limits', { limits: {} }],
  ['its niceness as it is', { nice: 0 }],
  ['nothing that isolates it', { isolate: { pid: false, ipc: false } }],
])('a plain command has no launcher: with %s', async (_, options) => {
  const asked: SpawnPlan[] = [];
  const spawner: Spawner = {
    spawn: (plan, child) => {
      asked.push(plan);
      return ownSpawner.spawn(plan, child);
    },
  };
  const services: Services = {
    // Safe: nobody asks for anything else by this token.
    get: <T>(token: unknown) => (token === SPAWNER ? (spawner as T) : undefined),
  };
  const { host } = startRecorded(command('program', 'true', ['1000'], options), { services });
  expect(await exitOf(host)).toEqual({ type: 'completed' });
  expect(asked.map(({ file, args }) => [file, ...args])).toEqual([['true', '1000']]);
});
