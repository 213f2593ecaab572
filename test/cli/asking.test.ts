import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Program } from '../app/program.js';
import {
  endAtOnce,
  fixture,
  inPlaceOfItsOwn,
  PROGRAM,
  start,
  startOnTerminal,
  startTree,
  stopTree,
  treewarden,
} from './built.js';

const place = inPlaceOfItsOwn();

test('where nothing runs, that is said with what to do, and ok says it by its exit code', () => {
  expect(treewarden('status')).toEqual({
    status: 5,
    stdout: '',
    stderr:
      'treewarden: No tree of this user is running. Start one with treewarden run, or give supervise() the option control: true.\n',
  });
  expect(treewarden('trees')).toMatchObject({ status: 0, stdout: '' });
  expect(treewarden('ok')).toEqual({ status: 100, stdout: '', stderr: '' });
  expect(treewarden('ok', '--tree', 'shop').status).toBe(100);
});

describe('a running tree', () => {
  let tree: Program;

  beforeEach(async () => {
    tree = await startTree(fixture('quiet.mjs'));
  });

  afterEach(() => stopTree(tree));

  test('is shown, stopped and started again, child by child', () => {
    expect(treewarden('status').stdout.split('\n')).toEqual([
      expect.stringMatching(/^TREE +STATE +PID +UP FOR +RSS$/),
      expect.stringMatching(/^quiet +ready/),
      expect.stringMatching(/^ {2}ticker +ready +\d+ +.*(s|min) +\d.* [KM]iB$/),
      expect.stringMatching(/^ {2}workers +ready/),
      expect.stringMatching(/^ {4}sleeper +ready +\d+/),
      '',
    ]);
    expect(treewarden('down', 'workers/sleeper')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^workers\/sleeper: down after /),
      stderr: '',
    });
    expect(treewarden('status', 'workers/sleeper').stdout).toMatch(/^sleeper +down /m);
    expect(treewarden('ok', 'workers/sleeper').status).toBe(100);
    expect(treewarden('up', 'workers/sleeper').stdout).toMatch(/^workers\/sleeper: ready \(pid \d+\)$/m);
    expect(treewarden('ok', 'workers/sleeper').status).toBe(0);
    expect(treewarden('restart', 'workers/sleeper', 'ticker').stdout.split('\n')).toHaveLength(3);
  }, 60_000);

  test('is paused, goes on, is signalled, and is told to reload where it can be', () => {
    expect(treewarden('pause', 'ticker').stdout).toBe('ticker: paused\n');
    expect(treewarden('status', 'ticker').stdout).toMatch(/^ticker +paused/m);
    expect(treewarden('continue', 'ticker').stdout).toBe('ticker: goes on\n');
    expect(treewarden('signal', 'CONT', 'ticker').stdout).toBe('ticker: sent SIGCONT\n');
    expect(treewarden('reload', 'ticker').stdout).toBe('ticker: asked to reload\n');
    expect(treewarden('reload', 'workers/sleeper')).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/reload signal/),
    });
  }, 60_000);

  test('is waited for, and not longer than is said', () => {
    expect(treewarden('wait', '--ready')).toMatchObject({ status: 0, stdout: 'quiet: ready\n' });
    expect(treewarden('wait', 'ticker', '--down', '--timeout', '50ms')).toMatchObject({
      status: 6,
      stdout: '',
    });
  }, 60_000);

  test('has its output and its events followed through a restart', async () => {
    const events = start('events', '-f', '--json');
    const lines = start('logs', '-f', '-n', '1', 'ticker');
    await lines.says(/^tick$/);
    // It hears of events from when it is connected, which a first one shows.
    const kill = (): number => {
      treewarden('signal', 'KILL', 'ticker');
      return events.lines.length;
    };
    await expect.poll(kill, { timeout: 20_000 }).toBeGreaterThan(0);
    const told = JSON.parse(await events.says(/"child:ready"/)) as { child: string; incarnation: number };
    expect(told).toMatchObject({ child: 'quiet/ticker' });
    expect(told.incarnation).toBeGreaterThan(1);
    const seen = lines.lines.length;
    await expect.poll(() => lines.lines.length, { timeout: 10_000 }).toBeGreaterThan(seen);
    // Of one that has only just been started again there may be no line yet.
    await expect.poll(() => treewarden('logs').stdout, { timeout: 10_000 }).toMatch(/^ticker \| tick$/m);
    for (const reader of [events, lines]) reader.kill('SIGINT');
    expect((await lines.ended).signal).toBe('SIGINT');
  }, 60_000);

  test('ends what follows it when it ends', async () => {
    const lines = start('logs', '-f');
    await lines.says(/ticker \| tick/);
    expect(treewarden('down', '--all').stdout).toMatch(/^quiet: stopped after /);
    expect(await lines.ended).toMatchObject({ code: 0 });
    expect(await tree.ended).toMatchObject({ code: 0, signal: null });
  }, 60_000);

  test('is chosen by name, by socket or by environment where there are several', async () => {
    const other = await startTree('--name', 'mail', '--', 'sleep', '1000');
    const several = treewarden('status');
    expect([several.status, several.stderr]).toEqual([
      5,
      'treewarden: Several trees are running: mail, quiet. Say which: --tree mail.\n',
    ]);
    expect(treewarden('trees', '--names').stdout).toBe('mail\nquiet\n');
    expect(treewarden('trees').stdout).toMatch(/^mail +running +\d+ +\S+ +\/.*mail\.sock$/m);
    expect(treewarden('status', '-t', 'mial').stderr).toMatch(
      /No tree "mial" is running\. Did you mean "mail"\?/,
    );
    expect(treewarden('status', '--tree=mail').stdout).toMatch(/^mail +ready/m);
    const socket = join(place(), 'treewarden', 'mail.sock');
    expect(treewarden('status', '--socket', socket).stdout).toMatch(/^mail +ready/m);
    process.env['TREEWARDEN_SOCKET'] = socket;
    expect(treewarden('status').stdout).toMatch(/^mail +ready/m);
    await stopTree(other);
  }, 60_000);

  test('is read by readers that go, without a word of complaint', () => {
    const pipe = `"${process.execPath}" "${PROGRAM}" logs -f | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', pipe], { encoding: 'utf8', timeout: 30_000 });
    expect([stdout, stderr]).toEqual(['ticker | tick\n0\n', '']);
  }, 60_000);
});

test('a tree that starts later is waited for', async () => {
  const wait = start('wait', '--tree', 'late', '--timeout', '30s');
  const tree = await startTree('--name', 'late', '--', 'sleep', '1000');
  await wait.says(/^late: ready$/);
  await stopTree(tree);
}, 60_000);

test('what stands in the way of a stop is explained from another shell', async () => {
  const tree = await startTree(fixture('shop.mjs'));
  const down = start('down', 'workers/stubborn');
  await expect
    .poll(() => treewarden('explain').stdout, { timeout: 20_000 })
    .toMatch(
      /^workers\/stubborn: has not ended:\nignored \(pid \d+, sh -c trap .*\n {2}it ignores SIGTERM\n/,
    );
  await endAtOnce(tree);
  await Promise.all([tree.ended, down.ended]);
}, 60_000);

describe('top on a terminal', () => {
  const ENTER = '\u001b[?1049h';
  const LEAVE = '\u001b[?1049l';

  /** All that comes from the terminal, of which the last line has no end. */
  function screenOf(top: Program): () => string {
    let all = '';
    top.process.stdout?.on('data', (chunk: string) => {
      all += chunk;
    });
    return () => all;
  }

  /** The process that the terminal's wrapper has started. */
  function pidBelow(program: Program): number {
    const { pid = 0 } = program.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    return Number(children[0] ?? 0);
  }

  let tree: Program;

  beforeEach(async () => {
    tree = await startTree(fixture('quiet.mjs'));
  });

  afterEach(() => stopTree(tree));

  test.each([
    ['q', (top: Program) => top.type('q'), 0],
    ['Ctrl-C', (top: Program) => top.type('\u0003'), 0],
    ['SIGTERM', (top: Program) => process.kill(pidBelow(top), 'SIGTERM'), 143],
    ['the end of the tree', () => tree.kill('SIGTERM'), 1],
  ])(
    'gives the screen back by %s',
    async (_, end, code) => {
      const top = startOnTerminal('top', '--every', '200ms');
      const screen = screenOf(top);
      await top.says(/ticker/);
      end(top);
      expect((await top.ended).code).toBe(code);
      const all = screen();
      expect(all.lastIndexOf(LEAVE)).toBeGreaterThan(all.lastIndexOf(ENTER));
      expect(all.indexOf(ENTER)).toBeGreaterThanOrEqual(0);
      expect(all.slice(all.lastIndexOf(LEAVE))).not.toContain('ticker');
    },
    60_000,
  );

  test('fits another size of the terminal as soon as it has one', async () => {
    const top = startOnTerminal('top', '--every', '1h');
    await top.says(/sleeper/);
    const tty = readlinkSync(`/proc/${pidBelow(top)}/fd/0`);
    spawnSync('stty', ['-F', tty, 'cols', '30', 'rows', '4']);
    await top.says(/… \d more/);
    top.type('q');
    expect((await top.ended).code).toBe(0);
  }, 60_000);
});
