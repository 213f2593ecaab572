import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  endAtOnce,
  fixture,
  inPlaceOfItsOwn,
  start,
  startOnTerminal,
  startTree,
  stopTree,
  treewarden,
} from './built.js';

const place = inPlaceOfItsOwn();

interface Status {
  readonly pid?: number;
  readonly status: string;
  readonly children?: readonly Status[];
}

function statusOf(...args: readonly string[]): Status {
  const { stdout, stderr } = treewarden('status', '--json', ...args);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Status;
}

describe('a plain command', () => {
  test('is kept alive: its output after its path, its deaths on stderr, and a true end', async () => {
    const tree = start(
      'run',
      '--name',
      'mail',
      '--',
      'sh',
      '-c',
      'echo "hello $0"; exec sleep 1000',
      '--',
      'rest',
    );
    await tree.says(/^mail\/main \| hello --$/);
    await tree.says(/^\d\d:\d\d:\d\d {2}mail {2}ready after .*: 1 child; treewarden status --tree mail$/);
    const { pid } = statusOf('main');
    process.kill(pid ?? 0, 'SIGKILL');
    await tree.says(/^\d\d:\d\d:\d\d {2}mail\/main {2}ended by SIGKILL after/);
    await tree.says(/mail\/main {2}restarting/);
    expect(treewarden('wait', 'main').status).toBe(0);
    expect(statusOf('main').pid).not.toBe(pid);
    tree.kill('SIGTERM');
    expect(await tree.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
  }, 30_000);

  test('that may end ends its tree: with 0 when it has done its work, with 1 when it has failed', () => {
    expect(treewarden('run', '-q', '--restart', 'transient', '--', 'true')).toMatchObject({
      status: 0,
      stderr: '',
    });
    const failed = treewarden('run', '--restart', 'temporary', '--', 'sh', '-c', 'exit 3');
    expect(failed.status).toBe(1);
    expect(failed.stderr).toMatch(/^treewarden: The tree "sh" has failed: exited with code 3/m);
  }, 30_000);

  test('that does not exist is told with its name', () => {
    const { status, stderr } = treewarden('run', '--', 'no-such-program');
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^treewarden: .*no-such-program/m)]);
  }, 30_000);

  test('writes to a log folder where one is given', async () => {
    const tree = await startTree(
      '--log-dir',
      join(place(), 'log'),
      '--log-time',
      'none',
      '--',
      'sh',
      '-c',
      'echo logged; echo too >&2; exec sleep 1000',
    );
    const current = join(place(), 'log', 'current');
    await expect
      .poll(() => existsSync(current) && readFileSync(current, 'utf8').split('\n').sort(), {
        timeout: 10_000,
      })
      .toEqual(['', 'logged', 'too']);
    await stopTree(tree);
  }, 30_000);

  test('is under no socket where none is wanted', async () => {
    const tree = await startTree('--no-control', '--', 'sleep', '1000');
    expect(treewarden('status')).toMatchObject({ status: 5, stdout: '' });
    await stopTree(tree);
  }, 30_000);

  test.each([
    [['--stop-signal', 'TREM', '--', 'true'], /There is no signal "TREM"\. Did you mean TERM\?/],
    [['--restrat', 'never', '--', 'true'], /There is no option --restrat\. Did you mean --restart\?/],
    [['--'], /After -- there is no command/],
    [[], /Something is missing: <module> \[tree\]\. See treewarden run --help\./],
    [['--nice', '3', 'x.mjs'], /--nice is for a plain command after --/],
  ])('is refused for a wrong command line: %j', (args, message) => {
    const { status, stdout, stderr } = treewarden('run', ...args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});

describe('a module', () => {
  test.each([
    [[fixture('quiet.mjs')], 'quiet'],
    [[fixture('shop.mjs'), 'shop', '--grace', '1s'], 'shop'],
    [[fixture('typed.ts')], 'typed'],
  ])(
    'is run by the tree that it exports: %j',
    async (args, name) => {
      const tree = await startTree(...args);
      expect(statusOf()).toMatchObject({ id: name, status: 'ready' });
      await stopTree(tree);
    },
    30_000,
  );

  test('that calls supervise() itself is run as it is, once, and told what has no effect', async () => {
    const program = start('run', '--grace', '1s', fixture('supervises-itself.mjs'));
    const pid = Number((await program.says(/^runs \d+$/)).slice('runs '.length));
    await program.says(/supervises "own" itself, by its own settings: --grace had no effect\./);
    expect(treewarden('trees', '--names').stdout).toBe('');
    program.kill('SIGTERM');
    expect(await program.ended).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(program.lines.filter((line) => line.startsWith('runs'))).toHaveLength(1);
  }, 30_000);

  test.each([
    ['nowhere.mjs', /There is no file nowhere\.mjs\./],
    ['redis-server', /To keep the command redis-server alive, write: treewarden run -- redis-server/],
    [fixture('holds-and-waits.mjs').replace('holds-and-waits', 'nothing'), /There is no file/],
  ])('that is not there is told with what to do: %s', (module, message) => {
    const { status, stderr } = treewarden('run', module);
    expect([status, stderr]).toEqual([5, expect.stringMatching(message)]);
  });

  test('has a wrong name of a tree answered by the nearest', () => {
    const { status, stderr } = treewarden('run', fixture('shop.mjs'), 'shpo');
    expect([status, stderr]).toEqual([
      5,
      expect.stringMatching(/exports no tree "shpo"\. Did you mean "shop"\?/),
    ]);
  });
});

describe('a stop', () => {
  test('says what is left and why it waits, and that a second signal hastens', async () => {
    const tree = await startTree(fixture('shop.mjs'));
    tree.kill('SIGINT');
    await tree.says(/SIGINT: finishing work in hand, then stopping; Ctrl-C again hastens/);
    await tree.says(/still there after \d+ s: workers\/stubborn \(stopping\): pid \d+: it ignores SIGTERM/);
    tree.kill('SIGINT');
    await tree.says(/no longer waiting for work in hand; Ctrl-C again ends everything at once/);
    await endAtOnce(tree);
    expect(await tree.ended).toMatchObject({ code: null, signal: 'SIGINT' });
  }, 30_000);

  test('by Ctrl-C renews one line on a terminal, and says in the end what was killed', async () => {
    const tree = startOnTerminal('run', fixture('shop.mjs'));
    await tree.says(/ready after/);
    tree.type('\u0003');
    await tree.says(/SIGINT: finishing work/);
    tree.type('\u0003');
    // Killed when the five seconds are over that a second Ctrl-C leaves it.
    const renewed = await tree.says(/still there after 2 s: workers\/stubborn/);
    expect(renewed.split('\u001b[2K').length).toBeGreaterThan(3);
    expect((await tree.ended).code).toBe(130);
  }, 30_000);
});
