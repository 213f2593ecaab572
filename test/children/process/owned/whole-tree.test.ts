import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type CommandOptions, command, fork } from '../../../../src/children/index.js';
import { isRunning, readCommand, readStat } from '../../../../src/children/process/proc.js';
import type { Exit } from '../../../../src/core/index.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';
import { program } from '../../programs.js';

// Without a /proc only what stays in the process group can be found.
const onLinux = describe.runIf(process.platform === 'linux');

const root = mkdtempSync(join(tmpdir(), 'whole-tree-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

afterEach(() => {
  for (const name of ['escaped', 'other']) {
    if (existsSync(join(folder, name)) && isRunning(pidIn(name))) process.kill(pidIn(name), 'SIGKILL');
  }
});

const pidIn = (name: string): number => Number(readFileSync(join(folder, name), 'utf8'));
const isWritten = (name: string): boolean => existsSync(join(folder, name)) && pidIn(name) > 0;

/** Resolves once it holds; looked at in every turn of the event loop, as nothing tells of it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise, and what resolves it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
}

/** Whether there is such a process, be it one that has ended and was not reaped yet. */
const isListed = (pid: number): boolean => readStat(pid) !== undefined;

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;

/** Runs a script whose variable `dir` is the folder of the test. */
function shell(script: string, options: CommandOptions = {}): ReturnType<typeof startRecorded> {
  const env = { ...options.env, dir: folder };
  return startRecorded(
    command('shell', 'sh', ['-c', script], {
      stdout: 'ignore',
      stderr: 'ignore',
      ownership: 'guarded',
      ...options,
      env,
    }),
  );
}

/** Writes its pid to `escaped`, and stays. */
const STAYS = `sh -c 'echo $$ > $dir/escaped; exec sleep 1000'`;
/** Waits until `escaped` has been written. */
const IS_THERE = 'while [ ! -s $dir/escaped ]; do sleep 0.01; done';
const IGNORES = `sh -c 'trap "" TERM; echo $$ > $dir/escaped; while :; do sleep 1000; done'`;

const ESCAPES: readonly (readonly [how: string, script: string])[] = [
  ['stays in the group', `${STAYS} &`],
  ['has a session of its own', `setsid ${STAYS} &`],
  ['was forked twice', `(setsid ${STAYS} & ) &`],
  ['was forked twice and closed all it had inherited', `(setsid ${STAYS} <&- >&- 2>&- & ) &`],
  ['holds the output', `setsid ${STAYS} 2>&1 &`],
  ['ignores SIGTERM', `setsid ${IGNORES} &`],
  ['is suspended', `setsid ${STAYS} & ${IS_THERE}; kill -STOP $(cat $dir/escaped);`],
];

onLinux('what a program leaves behind when it ends unasked is ended with it', () => {
  test.each(ESCAPES)('a descendant that %s', async (_, script) => {
    const { host } = shell(`${script} ${IS_THERE}; exit 4`, { stdout: 'capture' });
    expect(await exitOf(host)).toEqual({ type: 'code', code: 4 });
    expect(isRunning(pidIn('escaped'))).toBe(false);
    expect(host.said('fault')).toBe(true);
  });

  test('a program that leaves nobody has no fault', async () => {
    const { host } = shell('true; setsid sh -c true; exit 4');
    expect(await exitOf(host)).toEqual({ type: 'code', code: 4 });
    expect(host.said('fault')).toBe(false);
  });

  test('of a fork as well', async () => {
    let daemon = 0;
    const spec = fork('leaves', program('leaves-a-daemon.mjs'), {
      ownership: 'guarded',
      onMessage: (pid) => {
        daemon = pid as number;
      },
    });
    const { host, incarnation } = startRecorded(spec);
    await until(() => daemon > 0);
    expect(readStat(daemon)?.session).toBe(daemon);
    incarnation.signal?.('SIGUSR2');
    expect(await exitOf(host)).toEqual({ type: 'code', code: 7 });
    expect(isRunning(daemon)).toBe(false);
  });
});

onLinux('a stop reaches', () => {
  test.each(ESCAPES.filter(([how]) => !how.includes('ignores')))(
    'a descendant that %s',
    async (_, script) => {
      const { host, incarnation } = shell(`${script} ${IS_THERE}; echo up; wait; exec sleep 1000`, {
        ready: { line: 'up' },
      });
      await host.next('ready');
      incarnation.stop(60_000);
      expect(await exitOf(host)).toEqual({ type: 'shutdown' });
      expect(isRunning(pidIn('escaped'))).toBe(false);
    },
  );

  test('what has escaped once only, and after the program itself', async () => {
    const heard = `trap "echo heard >> $dir/heard; [ -e $dir/go ] && exit 0" TERM`;
    const { host, incarnation } = shell(
      `setsid sh -c '${heard}; echo $$ > $dir/escaped; while :; do sleep 0.01; done' & ${IS_THERE}; echo up; exec sleep 1000`,
      { ready: { line: 'up' } },
    );
    await host.next('ready');
    const leader = incarnation.facts?.().pid ?? 0;
    incarnation.stop(60_000);
    await until(() => existsSync(join(folder, 'heard')));
    expect(isRunning(leader)).toBe(false);
    expect(host.said('exited')).toBe(false);
    // Those who are left are named.
    expect(incarnation.facts?.()).toMatchObject({
      pid: pidIn('escaped'),
      command: expect.stringContaining('trap'),
    });
    writeFileSync(join(folder, 'go'), '');
    process.kill(pidIn('escaped'), 'SIGTERM');
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(readFileSync(join(folder, 'heard'), 'utf8')).toBe('heard\nheard\n');
  });

  test('by its kill what ignores SIGTERM', async () => {
    const { host, incarnation } = shell(`setsid ${IGNORES} & ${IS_THERE}; echo up; exec sleep 1000`, {
      ready: { line: 'up' },
    });
    await host.next('ready');
    const leader = incarnation.facts?.().pid ?? 0;
    incarnation.stop(60_000);
    await until(() => !isListed(leader));
    expect(isRunning(pidIn('escaped'))).toBe(true);
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });

  test('at once with a kill', async () => {
    const { host, incarnation } = shell(`(setsid ${IGNORES} &) & ${IS_THERE}; echo up; exec sleep 1000`, {
      ready: { line: 'up' },
    });
    await host.next('ready');
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });
});

onLinux('with ownership of the group alone', () => {
  test('what has left the group is left alone', async () => {
    const { host } = shell(`setsid ${STAYS} & ${IS_THERE}; exit 4`, { ownership: 'group' });
    await exitOf(host);
    expect(isRunning(pidIn('escaped'))).toBe(true);
  });

  test('no mark is set', async () => {
    const { host } = shell('[ -z "$TREEWARDEN_MARK" ] || exit 9', { ownership: 'group' });
    expect(await exitOf(host)).toEqual({ type: 'completed' });
  });
});

onLinux('a mark', () => {
  test('is added to those that this program carries itself', async () => {
    process.env.TREEWARDEN_MARK = 'abcdefghijklmnop:3;';
    try {
      const { host } = shell('echo "$TREEWARDEN_MARK" >&2', { stderr: 'capture' });
      const { stderr } = await host.next('exited');
      expect(stderr?.[0]).toMatch(/^abcdefghijklmnop:3;[a-z0-9]{16}:\d+;$/);
    } finally {
      delete process.env.TREEWARDEN_MARK;
    }
  });

  test('tells the trees of two children apart', async () => {
    const first = shell(`setsid ${STAYS} & ${IS_THERE}; echo up; exec sleep 1000`, { ready: { line: 'up' } });
    const second = shell('exec sleep 1000');
    await first.host.next('ready');
    second.incarnation.kill();
    expect(await exitOf(second.host)).toEqual({ type: 'killed' });
    expect(isRunning(pidIn('escaped'))).toBe(true);
    first.incarnation.kill();
    await exitOf(first.host);
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });
});

onLinux('killScope', () => {
  const HEARS = `sh -c 'trap "echo > $dir/heard" TERM; echo $$ > $dir/escaped; while :; do sleep 0.01; done'`;

  test("'mixed' asks the program alone, and kills what it leaves behind", async () => {
    const { host, incarnation } = shell(`${HEARS} & ${IS_THERE}; echo up; exec sleep 1000`, {
      killScope: 'mixed',
      ready: { line: 'up' },
    });
    await host.next('ready');
    incarnation.stop(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
    expect(existsSync(join(folder, 'heard'))).toBe(false);
  });

  test.each(['stop', 'kill'] as const)("'process' leaves alone what a %s leaves behind", async (how) => {
    const { host, incarnation } = shell(`${HEARS} & ${IS_THERE}; echo up; exec sleep 1000`, {
      killScope: 'process',
      ready: { line: 'up' },
    });
    await host.next('ready');
    incarnation[how](60_000);
    await exitOf(host);
    expect(isRunning(pidIn('escaped'))).toBe(true);
    expect(existsSync(join(folder, 'heard'))).toBe(false);
  });

  test.each(['stop', 'kill'] as const)(
    "'process' leaves alone what is left when a %s comes late",
    async (how) => {
      const [ended, written] = [gate(), gate()];
      const end = (): Promise<void> => {
        ended.open();
        return written.opened;
      };
      const { host, incarnation } = shell(`${STAYS} & ${IS_THERE}; exit 0`, {
        killScope: 'process',
        stdout: { open: () => ({ write: () => undefined, end }) },
      });
      await ended.opened;
      incarnation[how](60_000);
      written.open();
      expect(await exitOf(host)).toEqual({ type: 'completed' });
      expect(isRunning(pidIn('escaped'))).toBe(true);
    },
  );
});

onLinux('a descendant that gives its mark away', () => {
  test('is killed if it was seen with it', async () => {
    const sheds = `setsid sh -c 'echo $$ > $dir/escaped; while [ ! -e $dir/go ]; do sleep 0.01; done; exec env -i sleep 1000'`;
    const { host, incarnation } = shell(`${sheds} & ${IS_THERE}; echo up; exec sleep 1000`, {
      ready: { line: 'up' },
    });
    await host.next('ready');
    incarnation.explain?.();
    writeFileSync(join(folder, 'go'), '');
    await until(() => readCommand(pidIn('escaped')) === 'sleep 1000');
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });
});

onLinux('a tree that is paused', () => {
  const state = (name: string): string | undefined => readStat(pidIn(name))?.state;

  test('is suspended and goes on with all its processes', async () => {
    const { host, incarnation } = shell(
      `setsid ${STAYS} & echo $$ > $dir/other; ${IS_THERE}; echo up; exec sleep 1000`,
      { ready: { line: 'up' } },
    );
    await host.next('ready');
    expect(incarnation.pause?.(true)).toBe(true);
    await until(() => state('escaped') === 'T' && state('other') === 'T');
    expect(incarnation.pause?.(false)).toBe(true);
    await until(() => state('escaped') === 'S' && state('other') === 'S');
    incarnation.kill();
    await exitOf(host);
    expect(incarnation.pause?.(true)).toBe(false);
  });

  test('hears of its stop', async () => {
    const { host, incarnation } = shell(`setsid ${STAYS} & ${IS_THERE}; echo up; exec sleep 1000`, {
      ready: { line: 'up' },
    });
    await host.next('ready');
    incarnation.pause?.(true);
    incarnation.stop(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });
});

onLinux('a program that puts itself in the background', () => {
  const BACKGROUND: CommandOptions = { background: true };
  const ENDS_ON_TERM = `sh -c 'trap "exit 0" TERM; echo $$ > $dir/escaped; while :; do sleep 0.01; done'`;

  const WAYS: readonly (readonly [how: string, script: string])[] = [
    ['forks twice', `setsid ${STAYS} >/dev/null 2>&1 & ${IS_THERE}`],
    ['forks twice and closes all that it has inherited', `setsid ${STAYS} <&- >&- 2>&- 3>&- & ${IS_THERE}`],
    ['stays in its group', `${STAYS} & ${IS_THERE}`],
  ];

  test.each(WAYS)('is followed until it ends, if it %s', async (_, script) => {
    const { host, incarnation } = shell(script, BACKGROUND);
    await host.next('ready');
    await until(() => isWritten('escaped') && incarnation.facts?.().pid === pidIn('escaped'));
    expect(host.said('exited')).toBe(false);
    process.kill(pidIn('escaped'), 'SIGKILL');
    expect(await exitOf(host)).toEqual({ type: 'completed' });
    expect(host.said('fault')).toBe(false);
  });

  test.each(WAYS)('is asked to stop, if it %s', async (_, script) => {
    const { host, incarnation } = shell(
      script.replace(STAYS, () => ENDS_ON_TERM),
      BACKGROUND,
    );
    await host.next('ready');
    // Who has taken over is the one that is named.
    await until(() => isWritten('escaped') && incarnation.facts?.().pid === pidIn('escaped'));
    incarnation.stop(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });

  test('is killed', async () => {
    const { host, incarnation } = shell(`setsid ${IGNORES} & ${IS_THERE}`, BACKGROUND);
    await host.next('ready');
    await until(() => isWritten('escaped') && incarnation.facts?.().pid === pidIn('escaped'));
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });

  test('has failed if it could not do so', async () => {
    const { host } = shell(`setsid ${STAYS} & ${IS_THERE}; exit 3`, BACKGROUND);
    expect(await exitOf(host)).toEqual({ type: 'code', code: 3 });
    expect(isRunning(pidIn('escaped'))).toBe(false);
  });

  test('gets its signals there', async () => {
    const { host, incarnation } = shell(
      `setsid sh -c 'trap "exit 0" HUP; echo $$ > $dir/escaped; while :; do sleep 0.01; done' & ${IS_THERE}`,
      { ...BACKGROUND, reloadSignal: 'SIGHUP' },
    );
    await host.next('ready');
    await until(() => isWritten('escaped') && incarnation.facts?.().pid === pidIn('escaped'));
    expect(incarnation.reload?.()).toBe(true);
    expect(await exitOf(host)).toEqual({ type: 'completed' });
  });
});
