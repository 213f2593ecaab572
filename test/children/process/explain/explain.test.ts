import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { command, fork } from '../../../../src/children/index.js';
import { explainStop } from '../../../../src/children/process/explain/explain.js';
import { parseFacts } from '../../../../src/children/process/explain/facts.js';
import { judge } from '../../../../src/children/process/explain/verdict.js';
import { readStat } from '../../../../src/children/process/proc.js';
import type { StopObstacle, StopVerdict } from '../../../../src/core/index.js';
import { systemClock } from '../../../../src/runtime/index.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';
import { program } from '../../programs.js';

type Options = NonNullable<Parameters<typeof command>[3]>;
type Incarnation = ReturnType<typeof startRecorded>['incarnation'];

const has = (file: string, ...args: string[]): boolean => spawnSync(file, args).status === 0;
const onLinux = test.runIf(process.platform === 'linux');
const withPerl = test.runIf(process.platform === 'linux' && has('perl', '-e', '1'));
const withNamespaces = test.runIf(process.platform === 'linux' && has('unshare', '--pid', '--fork', 'true'));
const withCompiler = test.runIf(process.platform === 'linux' && has('gcc', '--version'));
const asRoot = test.runIf(process.platform === 'linux' && process.getuid?.() === 0);

const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'explain-'));
afterAll(() => rmSync(folder, { recursive: true }));

const running: { readonly host: RecordingHost; readonly incarnation: Incarnation }[] = [];
afterEach(async () => {
  for (const { host, incarnation } of running.splice(0)) {
    incarnation.kill();
    await host.next('exited');
  }
});

/** Starts a program that writes `up` once it is. */
async function run(file: string, args: readonly string[], options: Options = {}): Promise<Incarnation> {
  const child = startRecorded(
    command('child', file, args, { ready: { line: 'up' }, stdout: 'capture', ...options }),
  );
  running.push(child);
  await child.host.next('ready');
  return child.incarnation;
}

/** Asks every turn of the event loop until an obstacle is seen that holds; nothing tells of what happens within another program. */
async function seen(
  incarnation: Incarnation,
  holds: (obstacle: StopObstacle) => boolean,
): Promise<StopObstacle> {
  for (;;) {
    const found = incarnation.explain?.().find(holds);
    if (found !== undefined) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const verdict =
  (expected: StopVerdict) =>
  (obstacle: StopObstacle): boolean =>
    obstacle.verdict === expected;

async function askedAndSeen(incarnation: Incarnation, expected: StopVerdict): Promise<StopObstacle> {
  incarnation.stop(60_000);
  return seen(incarnation, verdict(expected));
}

describe('a program that does not end when asked', () => {
  onLinux('ignores the signal, which it was started with', async () => {
    const incarnation = await run('sh', [fixture('ignores-by-inheritance.sh')]);
    incarnation.stop(60_000);
    // Its shell, which it is for a moment yet, ignores the signal as well.
    const found = await seen(incarnation, ({ command }) => command === 'sleep 1000');
    expect(found.verdict).toBe('ignored');
    expect(found.why).toBe('it ignores SIGTERM');
    expect(found.advice).toContain('stopSignal');
  });

  onLinux('ignores it as its parent does, from which it may have that', async () => {
    const incarnation = await run('sh', ['-c', "trap '' TERM; sleep 1000 & echo up; wait"]);
    incarnation.stop(60_000);
    const found = await seen(incarnation, (one) => one.command === 'sleep 1000' && one.verdict === 'ignored');
    expect(found.why).toMatch(/^it ignores SIGTERM, as does its parent, from which it may have that: sh -c /);
  });

  withPerl('has blocked the signal, which waits', async () => {
    const incarnation = await run('perl', [fixture('blocks-sigterm.pl')]);
    const found = await askedAndSeen(incarnation, 'blocked');
    expect(found.why).toMatch(/^it has blocked SIGTERM, which waits since \d+ ms$/);
  });

  withPerl('has a handler by which nothing happens', async () => {
    const incarnation = await run('perl', [fixture('handles-and-goes-on.pl')]);
    const found = await askedAndSeen(incarnation, 'caught');
    expect(found.why).toMatch(/^SIGTERM was delivered to its handler \d+ ms ago, and nothing came of it: /);
    expect(found.advice).toContain('pcntl_async_signals');
  });

  onLinux('is Node, idle, with a handler by which nothing happens', async () => {
    const incarnation = await run(process.execPath, [fixture('handles-and-idles.mjs')]);
    incarnation.stop(60_000);
    const found = await seen(incarnation, ({ why }) => /sleeps \(in \w*epoll\w*\)/.test(why));
    expect(found.verdict).toBe('caught');
  });

  onLinux('is Node, and its loop does not turn as it is busy', async () => {
    const incarnation = await run(process.execPath, [fixture('handles-but-is-busy.mjs')]);
    const found = await askedAndSeen(incarnation, 'loop-blocked');
    expect(found.why).toMatch(
      /its handler waits for the event loop: its main thread is running, \d+ ms of \d+ ms$/,
    );
  });

  onLinux('is Node, and its loop does not turn within execSync', async () => {
    const incarnation = await run(process.execPath, [fixture('handles-but-waits-for-a-program.mjs')]);
    // Asked before that program is there, it would not have been asked.
    await seen(incarnation, ({ command }) => command === 'sleep 1000');
    incarnation.stop(60_000);
    const found = await seen(incarnation, ({ why }) => why.includes('execSync: sleep 1000'));
    expect(found.verdict).toBe('loop-blocked');
    expect(found.command).toContain('handles-but-waits-for-a-program.mjs');
    expect(incarnation.explain?.().map((one) => one.verdict)).toEqual(['ignored', 'loop-blocked']);
  });

  onLinux('is Node, and its loop does not turn within Atomics.wait', async () => {
    const incarnation = await run(process.execPath, [fixture('handles-but-waits-for-atomics.mjs')]);
    incarnation.stop(60_000);
    const found = await seen(incarnation, ({ why }) => why.includes('Atomics.wait'));
    expect(found.verdict).toBe('loop-blocked');
    expect(found.why).toMatch(/waits for something else \(in \w*futex\w*\)/);
  });

  withPerl('is stopped, as by SIGSTOP', async () => {
    const incarnation = await run('perl', [fixture('suspends-itself-when-asked.pl')]);
    // The SIGCONT that follows every stop signal may come after it has stopped itself: then it is asked once more.
    incarnation.stop(60_000);
    const { pid } = incarnation.facts?.() ?? {};
    for (let found: StopObstacle | undefined; found?.verdict !== 'suspended'; ) {
      process.kill(pid as number, 'SIGTERM');
      await new Promise((resolve) => setImmediate(resolve));
      found = incarnation.explain?.()[0];
    }
    expect(incarnation.explain?.()[0]?.advice).toContain('SIGCONT');
  });

  withPerl('was suspended when it was asked, which is said of it ever after', async () => {
    const incarnation = await run('perl', [fixture('handles-and-goes-on.pl')]);
    const { host } = running[0] as (typeof running)[0];
    const { pid } = incarnation.facts?.() ?? {};
    process.kill(pid as number, 'SIGSTOP');
    await seen(incarnation, verdict('suspended'));
    incarnation.stop(60_000);
    expect((await host.next('noted')).note).toBe(
      'it was suspended when it was asked to end, and is continued',
    );
    const found = await seen(incarnation, verdict('caught'));
    expect(found.why).toContain('; it was suspended when it was asked, and has been continued');
  });

  withNamespaces('is process 1 of a namespace, without a handler', async () => {
    const incarnation = await run('unshare', ['--pid', '--fork', 'sh', '-c', 'echo up; read forever'], {
      stdin: 'inherit',
      ready: { line: 'up' },
    });
    const found = await askedAndSeen(incarnation, 'init');
    expect(found.why).toContain('it is process 1 of a pid namespace and has no handler for SIGTERM');
  });

  withNamespaces('is Node as process 1 of a namespace, whose own handler counts for nothing', async () => {
    const incarnation = await run('unshare', [
      '--pid',
      '--fork',
      process.execPath,
      fixture('has-no-handler.mjs'),
    ]);
    const found = await askedAndSeen(incarnation, 'init');
    expect(found.command).toContain('has-no-handler.mjs');
    expect(found.advice).toContain('--init');
  });

  onLinux('is a shell that waits for what it runs before it looks at its trap', async () => {
    const incarnation = await run('sh', [fixture('waits-for-its-child-with-a-trap.sh')], {
      killScope: 'mixed',
    });
    // Asked before it waits, it would end by its trap.
    const { pid } = incarnation.facts?.() ?? {};
    while (!readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'))
      await new Promise((resolve) => setImmediate(resolve));
    const found = await askedAndSeen(incarnation, 'shell');
    expect(found.why).toBe(
      'it is a shell, whose trap for SIGTERM runs when what it waits for has ended: sleep 1000',
    );
    expect(incarnation.explain?.().map((one) => one.verdict)).toEqual(['shell', 'shell']);
  });

  withCompiler('waits within the kernel', async () => {
    const file = join(folder, 'waits-for-vfork');
    expect(spawnSync('gcc', ['-w', '-o', file, fixture('waits-for-vfork.c')]).status).toBe(0);
    const incarnation = await run(file, []);
    // Asked before it waits, it would have heard the signal by then.
    await seen(incarnation, verdict('uninterruptible'));
    await seen(incarnation, verdict('ignored'));
    incarnation.stop(60_000);
    const found = await seen(incarnation, ({ why }) => why.includes('SIGTERM waits until that is over'));
    expect(found.verdict).toBe('uninterruptible');
    expect(found.why).toMatch(/^it waits within the kernel( \(in \w+\))?, and /);
    expect(incarnation.explain?.().map((one) => one.verdict)).toEqual(['uninterruptible', 'ignored']);
  });
});

describe('a forked program that does not end when asked', () => {
  async function runFork(name: string): Promise<Incarnation> {
    const child = startRecorded(fork('child', program(name), { ready: 'explicit', stdout: 'ignore' }));
    running.push(child);
    await child.host.next('ready');
    return child.incarnation;
  }

  onLinux('has not heard the message, as its loop does not turn', async () => {
    const incarnation = await runFork('blocks-its-loop.mjs');
    incarnation.drain(60_000);
    const found = await seen(incarnation, ({ why }) => why.includes('its main thread is running'));
    expect(found.verdict).toBe('loop-blocked');
    expect(found.why).toMatch(/^it was asked by message \d+ ms ago and has not heard it yet: /);
  });

  onLinux('has heard the message, and is at work', async () => {
    const incarnation = await runFork('drains-for-ever.mjs');
    incarnation.drain(60_000);
    const found = await seen(incarnation, verdict('at-work'));
    expect(found.why).toMatch(/^it heard that it is asked \d+ ms ago, and has not said that it is done$/);
    expect(found.advice).toContain('drainMs');
  });
});

describe('a process', () => {
  const ask = { by: 'signal', signal: 'SIGTERM', to: 'group', before: undefined } as const;
  const question = (pid: number, leader = pid): Parameters<typeof explainStop>[0] => ({
    leader,
    program: 'sh',
    members: [{ pid, startTicks: readStat(pid)?.startTicks ?? 0 }],
    ask: { ...ask, atMs: systemClock.now() },
    signal: 'SIGTERM',
    nowMs: systemClock.now(),
  });

  withPerl('that has ended and was not waited for is a zombie of its parent', async () => {
    const parent = spawn('perl', [fixture('leaves-a-zombie.pl')]);
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line);
    while (readStat(pid)?.state !== 'Z') await new Promise((resolve) => setImmediate(resolve));
    const [found] = explainStop(question(pid));
    expect(found?.verdict).toBe('zombie');
    expect(found?.why).toBe(`it has ended, and its parent, process ${parent.pid}, has not taken notice`);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });

  onLinux('whose shell got the signal and ended was not told', async () => {
    const shell = spawn('sh', [fixture('waits-for-its-child.sh')], { detached: true });
    const [line] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(line);
    shell.kill('SIGTERM');
    await once(shell, 'exit');
    const asked = question(pid, shell.pid);
    const [found] = explainStop({ ...asked, ask: { ...ask, to: 'leader', atMs: systemClock.now() } });
    expect(found?.verdict).toBe('shell');
    expect(found?.why).toBe(
      'SIGTERM went to the shell that runs it: sh was ended by it, and did not pass it on',
    );
    expect(found?.advice).toContain('exec');
    process.kill(pid, 'SIGKILL');
  });

  onLinux('that left the group which the signal went to was not asked', async () => {
    const other = spawn('sleep', ['1000'], { detached: true });
    await once(other, 'spawn');
    const [found] = explainStop(question(other.pid as number, process.pid));
    expect(found?.verdict).toBe('not-asked');
    expect(found?.why).toBe(
      `it has left the program's process group, which SIGTERM was sent to, for that of ${other.pid}`,
    );
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  asRoot('of another user may not be signalled', async () => {
    const other = spawn('sleep', ['1000'], { uid: 65_533, detached: true });
    await once(other, 'spawn');
    const asked = question(other.pid as number);
    process.seteuid?.(65_534);
    const [found] = explainStop(asked);
    process.seteuid?.(0);
    expect(found?.verdict).toBe('not-permitted');
    expect(found?.why).toBe('it runs as user 65533, whom we may not send a signal');
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  onLinux('that only has the number of one that is gone is none of ours', () => {
    const asked = question(process.pid);
    expect(explainStop({ ...asked, members: [{ pid: process.pid, startTicks: 1 }] })).toEqual([]);
  });

  onLinux('that nothing keeps from ending is said so, and only once it was asked', async () => {
    const other = spawn('sleep', ['1000'], { detached: true });
    await once(other, 'spawn');
    const asked = question(other.pid as number);
    const [found] = explainStop(asked);
    expect(found?.verdict).toBe('unknown');
    expect(found?.why).toMatch(/^nothing that can be seen keeps it from ending by SIGTERM, sent \d+ ms ago/);
    expect(explainStop({ ...asked, ask: undefined })).toEqual([]);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  onLinux('that ignores the signal is told of before anybody is asked', async () => {
    const incarnation = await run('sh', [fixture('ignores-by-inheritance.sh')]);
    expect((await seen(incarnation, ({ command }) => command === 'sleep 1000')).verdict).toBe('ignored');
  });
});

/** As Linux wrote it of a process on a network file system whose server had gone; it cannot be had at will. */
const HUNG_MOUNT = {
  pid: 7,
  command: 'cp /mnt/nfs/dump .',
  stat: `7 (cp) D 1 7 7 0 -1 4194304 ${'0 '.repeat(12)}555 0 0`,
  status: [
    'Name:\tcp',
    'State:\tD (disk sleep)',
    'Uid:\t0\t0\t0\t0',
    'TracerPid:\t0',
    'Threads:\t1',
    'NSpid:\t7',
    'SigPnd:\t0000000000000100',
    'ShdPnd:\t0000000000004000',
    'SigBlk:\t0000000000000000',
    'SigIgn:\t0000000000000000',
    'SigCgt:\t0000000000000000',
  ].join('\n'),
};

test('what waits for a device that does not answer takes not even SIGKILL', () => {
  const facts = parseFacts(HUNG_MOUNT, 'SIGKILL');
  expect(facts).toMatchObject({ pending: true, startTicks: 555, group: 7, program: 'cp' });
  const finding = judge(
    {
      facts,
      isLeader: true,
      permitted: true,
      bornAfterMs: undefined,
      childCommand: undefined,
      busyMs: undefined,
      nodeWaitsFor: undefined,
      waitsIn: 'rpc_wait_bit_killable',
      deafParent: undefined,
    },
    {
      leader: 7,
      program: 'cp',
      members: [],
      ask: { by: 'signal', signal: 'SIGKILL', to: 'all', atMs: 0, before: undefined },
      signal: 'SIGKILL',
      nowMs: 100,
    },
  );
  expect(finding).toEqual({
    verdict: 'uninterruptible',
    why: 'it waits within the kernel (in rpc_wait_bit_killable), and SIGKILL waits until that is over',
  });
});
