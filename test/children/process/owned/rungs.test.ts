import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { type CommandOptions, command, fork } from '../../../../src/children/index.js';
import { Rungs } from '../../../../src/children/process/owned/rungs.js';
import type { ProcessTree } from '../../../../src/children/process/owned/tree.js';
import type { Exit } from '../../../../src/core/index.js';
import { type RecordingHost, startRecorded } from '../../../../src/testing/recording-host.js';
import { VirtualClock } from '../../../../src/testing/virtual-clock.js';
import { program } from '../../programs.js';

const withSignals = describe.runIf(process.platform !== 'win32');

const root = mkdtempSync(join(tmpdir(), 'rungs-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const exitOf = async (host: RecordingHost): Promise<Exit> => (await host.next('exited')).exit;

/** Runs a shell that has said that its traps are set, with `heard` as the file in the variable `dir` that they may write to. */
async function shell(traps: string, options: CommandOptions = {}): Promise<ReturnType<typeof startRecorded>> {
  const script = `${traps}; echo set; while :; do sleep 0.01; done`;
  const started = startRecorded(
    command('shell', 'sh', ['-c', script], {
      stdout: 'ignore',
      stderr: 'ignore',
      ready: { line: 'set' },
      ...options,
      env: { dir: folder },
    }),
  );
  await started.host.next('ready');
  return started;
}

const heard = (): string => readFileSync(join(folder, 'heard'), 'utf8');

withSignals('drainSignal', () => {
  test('is how a program is told to finish, and its end is the one that was asked for', async () => {
    const { host, incarnation } = await shell('trap "exit 0" QUIT; trap "exit 9" TERM', {
      drainSignal: 'SIGQUIT',
    });
    incarnation.drain(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(host.said('drained')).toBe(false);
  });

  test('counts as asked for also where the program ends by it', async () => {
    const { host, incarnation } = await shell(':', { drainSignal: 'SIGUSR1' });
    incarnation.drain(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });

  test('reaches the program alone, and its drain is over when it has left others behind, who are asked then', async () => {
    const rest = `sh -c 'trap "echo QUIT >> $dir/heard" QUIT; trap "echo TERM >> $dir/heard; exit 0" TERM; echo ready >> $dir/heard; while :; do sleep 0.01; done'`;
    const { host, incarnation } = await shell(
      `trap "exit 0" QUIT; ${rest} & while [ ! -s $dir/heard ]; do sleep 0.01; done`,
      { drainSignal: 'SIGQUIT' },
    );
    incarnation.drain(60_000);
    await host.next('drained');
    incarnation.stop(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(heard()).toBe('ready\nTERM\n');
  });

  test('reaches a program that is suspended', async () => {
    const { host, incarnation } = await shell('trap "exit 0" QUIT', { drainSignal: 'SIGQUIT' });
    incarnation.signal?.('SIGSTOP');
    incarnation.drain(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });

  test('goes to a fork in place of the message', async () => {
    const { host, incarnation } = startRecorded(
      fork('quits', program('finishes-its-work.mjs'), { drainSignal: 'SIGUSR2' }),
    );
    await host.next('ready');
    incarnation.drain(60_000);
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  });
});

withSignals('finalSignal', () => {
  test('ends it in place of SIGKILL', async () => {
    const { host, incarnation } = await shell('trap "" TERM; trap "echo heard >> $dir/heard" ABRT', {
      finalSignal: 'SIGABRT',
    });
    incarnation.kill();
    // It goes on all the same, so SIGKILL follows.
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(heard()).toBe('heard\n');
  });

  test('that ends it counts as its kill, without waiting for SIGKILL', async () => {
    const { host, incarnation } = await shell('trap "" TERM', { finalSignal: 'SIGQUIT' });
    const atMs = performance.now();
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(performance.now() - atMs).toBeLessThan(1000);
  });

  test('reaches a program that is suspended', async () => {
    const { host, incarnation } = await shell('trap "" TERM', { finalSignal: 'SIGQUIT' });
    incarnation.pause?.(true);
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
  });
});

withSignals('those whom a program leaves in its group', () => {
  const rest = (traps: string): string =>
    `sh -c '${traps}; echo ready >> $dir/heard; while :; do sleep 0.01; done' & while [ ! -s $dir/heard ]; do sleep 0.01; done`;

  test('are asked to end once, with the program', async () => {
    const traps = 'trap "echo TERM >> $dir/heard" TERM; trap "exit 0" USR1';
    const { host, incarnation } = await shell(`trap "exit 0" TERM; ${rest(traps)}`);
    const { pid } = incarnation.facts?.() ?? {};
    incarnation.stop(60_000);
    while (incarnation.facts?.().pid === pid || !heard().includes('TERM'))
      await new Promise((resolve) => setImmediate(resolve));
    process.kill(incarnation.facts?.().pid ?? 0, 'SIGUSR1');
    expect(await exitOf(host)).toEqual({ type: 'shutdown' });
    expect(heard()).toBe('ready\nTERM\n');
  });

  test('have the time of the finalSignal as the program has', async () => {
    const traps = 'trap "" TERM; trap "sleep 0.1; echo ABRT >> $dir/heard; exit 0" ABRT';
    const { host, incarnation } = await shell(rest(traps), { finalSignal: 'SIGABRT' });
    incarnation.kill();
    expect(await exitOf(host)).toEqual({ type: 'killed' });
    expect(heard()).toBe('ready\nABRT\n');
  });
});

test('the SIGKILL that follows another finalSignal is called off with the end of the tree', async () => {
  const clock = new VirtualClock();
  const sent: string[] = [];
  const tree = { signal: (signal: string) => sent.push(signal) } as unknown as ProcessTree;
  const signals = (): Rungs =>
    new Rungs(
      { finalSignal: 'SIGABRT' },
      tree,
      () => true,
      () => undefined,
    );
  signals().kill(clock);
  await clock.advance(1000);
  expect(sent).toEqual(['SIGABRT', 'SIGCONT', 'SIGKILL']);
  const ended = signals();
  ended.kill(clock);
  ended.over();
  expect(clock.timers).toBe(0);
});

withSignals('reloadSignal', () => {
  test('is what a reload sends, to the program alone', async () => {
    const { host, incarnation } = await shell('trap "exit 5" HUP', { reloadSignal: 'SIGHUP' });
    expect(incarnation.reload?.()).toBe(true);
    expect(await exitOf(host)).toEqual({ type: 'code', code: 5 });
    expect(incarnation.reload?.()).toBe(false);
  });

  test('without one it cannot be asked', async () => {
    const { host, incarnation } = await shell(':');
    expect(incarnation.reload?.()).toBe(false);
    incarnation.kill();
    await exitOf(host);
  });
});

test('a parentDeathSignal is refused in a thread, with whose end the program would be ended', async () => {
  const thread = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData).then(async ({ command, Supervisor, supervisor }) => {
       const tree = new Supervisor(supervisor('root', { children: [command('c', 'sleep', ['1000'], { parentDeathSignal: 'SIGTERM' })] }));
       await tree.start().catch((error) => parentPort.postMessage(error.message));
     });`,
    { eval: true, workerData: new URL('../../../../dist/index.js', import.meta.url).href },
  );
  const message = await new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
  });
  await thread.terminate();
  expect(message).toContain('Start it from the main thread');
});
