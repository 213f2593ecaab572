import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import { recentCensus } from '../../../../src/children/process/owned/census.js';
import { ProcessTree } from '../../../../src/children/process/owned/tree.js';
import { isRunning, listPids, readStat } from '../../../../src/children/process/proc.js';
import { systemClock } from '../../../../src/runtime/index.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

const onLinux = describe.runIf(process.platform === 'linux');

const root = mkdtempSync(join(tmpdir(), 'tree-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) {
    const exit = once(child, 'exit');
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await exit;
  }
  const escaped = pidsIn('escaped').filter((pid) => isRunning(pid));
  for (const pid of escaped) process.kill(pid, 'SIGKILL');
});

const pidsIn = (name: string): number[] =>
  existsSync(join(folder, name))
    ? readFileSync(join(folder, name), 'utf8').trim().split('\n').map(Number)
    : [];

const isWritten = (name: string): boolean => (pidsIn(name)[0] ?? 0) > 0;

/** Resolves once it holds; looked at in every turn of the event loop, as nothing tells of it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

/** Runs a script whose variable `dir` is the folder of the test, until it has said `up`. */
async function shell(script: string): Promise<ReturnType<typeof startRecorded>> {
  const run = startRecorded(
    command('shell', 'sh', ['-c', script], {
      stdout: 'ignore',
      stderr: 'ignore',
      ownership: 'guarded',
      ready: { line: 'up' },
      env: { dir: folder },
    }),
  );
  await run.host.next('ready');
  return run;
}

/** Has left the group, with its mark, and is the parent of one that has left as well, and has no environment at all. */
const PARENT = `setsid sh -c 'env -i setsid sleep 1000 & echo $! > $dir/escaped; wait' & while [ ! -s $dir/escaped ]; do sleep 0.01; done; echo up; exec sleep 1000`;

onLinux('who shows no mark belongs to the tree by its parent', () => {
  test('and is killed with it', async () => {
    const { host, incarnation } = await shell(PARENT);
    incarnation.kill();
    await host.next('exited');
    expect(isRunning(pidsIn('escaped')[0] ?? 0)).toBe(false);
  });

  test('and is suspended with it', async () => {
    const { host, incarnation } = await shell(PARENT);
    incarnation.pause?.(true);
    await until(() => readStat(pidsIn('escaped')[0] ?? 0)?.state === 'T');
    incarnation.kill();
    await host.next('exited');
  });
});

onLinux('a pause', () => {
  test('leaves nobody running, also where many more are being started outside of the group', async () => {
    const breeds = `setsid sh -c 'i=0; while [ $i -lt 400 ]; do i=$((i + 1)); setsid sleep 1000 & echo $! >> $dir/escaped; done; wait'`;
    const { host, incarnation } = await shell(
      `${breeds} & while [ ! -s $dir/escaped ]; do sleep 0.01; done; echo up; exec sleep 1000`,
    );
    const mark = /TREEWARDEN_MARK=([^\0]*)/.exec(
      readFileSync(`/proc/${incarnation.facts?.().pid}/environ`, 'latin1'),
    )?.[1] as string;
    const family = (): number[] => listPids().filter((pid) => environmentOf(pid).includes(mark));
    incarnation.pause?.(true);
    const paused = family();
    await until(() => paused.every((pid) => ['T', 'Z', undefined].includes(readStat(pid)?.state)));
    expect(family()).toEqual(paused);
    incarnation.kill();
    await host.next('exited');
    expect(family()).toEqual([]);
  });
});

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    // It has ended.
    return '';
  }
}

onLinux.each([
  ['with a mark', 'abcdefghijklmnop:1;'],
  ['without', undefined],
])('a tree %s whose leader has ended', (_, token) => {
  test('counts no stranger that has its number, nor who is with that', async () => {
    const script = `sh -c 'echo $$ > ${folder}/escaped; exec sleep 1000' & wait`;
    const stranger = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
    started.push(stranger);
    await until(() => isWritten('escaped'));
    const tree = new ProcessTree(stranger.pid ?? 0, token, systemClock);
    expect(tree.members().map(({ pid }) => pid)).toEqual([stranger.pid, ...pidsIn('escaped')]);
    tree.leaderEnded();
    expect(tree.members()).toEqual([]);
    expect(tree.signal('SIGKILL')).toBe(false);
    expect(isRunning(pidsIn('escaped')[0] ?? 0)).toBe(true);
  });
});

onLinux('a tree that was begun after the last look at all processes', () => {
  test('is looked for anew, also where an older look would do', () => {
    let nowMs = 1;
    const clock = { ...systemClock, now: () => nowMs };
    recentCensus(clock, 0);
    nowMs = 2;
    const leader = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    started.push(leader);
    const tree = new ProcessTree(leader.pid ?? 0, 'abcdefghijklmnop:2;', clock);
    expect(tree.members(1000).map(({ pid }) => pid)).toEqual([leader.pid]);
    const look = recentCensus(clock, 1000);
    tree.members(1000);
    expect(recentCensus(clock, 1000)).toBe(look);
  });
});
