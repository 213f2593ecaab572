import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ForkSettings, fork, thread } from '../../../src/children/index.js';
import type { ChildSpec, Incarnation } from '../../../src/runtime/index.js';
import { type RecordingHost, startRecorded } from '../../../src/testing/recording-host.js';
import { program } from '../programs.js';

const run = promisify(execFile);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'program-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const written = (): readonly string[] => readFileSync(join(folder, 'end'), 'utf8').trim().split('\n');

const KINDS = [
  ['fork', fork],
  ['thread', thread],
] as const;

describe.each(KINDS)('a %s that imports treewarden/child', (kind, make) => {
  const writer = (how: readonly string[], settings: ForkSettings = {}): ChildSpec =>
    make('writer', program('writes-down-its-end.mjs'), {
      args: [join(folder, 'end'), ...how],
      ready: 'explicit',
      ...(settings as object),
    });

  test('knows who it is', async () => {
    const spec = make('mirror', program('reports-itself.mjs'), {
      args: ['one'],
      env: { OF_THE_CHILD: 'yes' },
    });
    await living(spec, async ({ incarnation }) => {
      expect(await incarnation.call?.('self', [], {})).toMatchObject({
        supervised: true,
        id: 'mirror',
        path: 'root/mirror',
        incarnation: 1,
        aborted: false,
        args: ['one'],
        env: 'yes',
        listeners: [],
      });
    });
  });

  test('is the only one that is supervised: not what it starts in its turn', async () => {
    await living(make('mirror', program('reports-itself.mjs')), async ({ incarnation }) => {
      for (const method of ['ofSpawned', 'ofForked', 'ofThread']) {
        expect(await incarnation.call?.(method, [], {})).toMatchObject({ supervised: false, id: 'main' });
      }
    });
  });

  test('drains and releases in order, past failures', async () => {
    await living(writer(['working', 'staying']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.drain(5000);
      await host.next('drained');
      const drained = ['up', 'hook registered last', 'hook registered first', 'work finished'];
      expect(written()).toEqual(drained);
      incarnation.stop(5000);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(written()).toEqual([...drained, 'released last registered', 'released first registered']);
      expect(notes(host)).toEqual([
        'a drain hook failed: a hook that fails',
        'a deferred release failed: a release that fails',
      ]);
    });
  });

  test('finishes its work when it is stopped without a drain', async () => {
    await living(writer(['working']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.stop(5000);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(written()).toContain('work finished');
    });
  });

  test('releases what it deferred when it ends by itself, too', async () => {
    await living(writer([]), async ({ host }) => {
      expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
      expect(notes(host)).toEqual(['a deferred release failed: a release that fails']);
      expect(written()).toEqual(['up', 'released last registered', 'released first registered']);
    });
  });

  test('that never looks at its signal is ended once it has released everything', async () => {
    await living(writer(['staying']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.stop(60_000);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(written().at(-1)).toBe('released first registered');
    });
  });

  test('that looks at its signal has its time to end by itself', async () => {
    await living(writer(['for a while', 'handling']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.stop(5000);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(written()).not.toContain('SIGTERM');
    });
  });

  test('that is still there when its time is nearly over is ended before it would be killed', async () => {
    await living(writer(['watching', 'deadline', 'staying']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.stop(500);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(written()).toContain('deadline passed');
    });
  });

  test('whose drain never ends is cut off at its deadline, and released', async () => {
    await living(writer(['stuck', 'deadline', 'staying']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.drain(50);
      incarnation.stop(300);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
      expect(host.said('drained')).toBe(false);
      expect(written().slice(1)).toEqual([
        'deadline passed',
        'released last registered',
        'released first registered',
      ]);
    });
  });

  test('speaks on its own channel as before: its messages go to onMessage, ours do not', async () => {
    const own: unknown[] = [];
    const spec = make('speaker', program('speaks-for-itself.mjs'), {
      ready: 'explicit',
      onMessage: (message: unknown) => own.push(message),
    });
    await living(spec, async ({ host, incarnation }) => {
      await host.next('ready');
      expect(await incarnation.call?.('add', [2, 3], {})).toBe(5);
      expect(own).toEqual([{ type: 'drained', mine: true }, 'a string', null]);
      expect(host.said('drained')).toBe(false);
    });
  });

  test('whose messages somebody fails to handle goes on, and the failure is noted', async () => {
    const spec = make('speaker', program('speaks-for-itself.mjs'), {
      ready: 'explicit',
      onMessage() {
        throw new Error('not understood');
      },
    });
    await living(spec, async ({ host, incarnation }) => {
      await host.next('noted', 3);
      expect(notes(host)).toEqual(Array(3).fill('onMessage failed: not understood'));
      expect(await incarnation.call?.('add', [2, 3], {})).toBe(5);
    });
  });

  test('that ends in its drain was asked to', async () => {
    await living(writer(['watching', 'for a while']), async ({ host, incarnation }) => {
      await host.next('ready');
      incarnation.drain(5000);
      expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
    });
  });

  test('is one program, also if it loads both module formats', async () => {
    await living(make('both', program('loads-both-formats.mjs')), async ({ incarnation }) => {
      expect(await incarnation.call?.('add', [2, 3], {})).toBe(5);
      await expect.poll(() => incarnation.call?.('ids', [], {}).catch(String)).toEqual(['both', 'both']);
      expect(await incarnation.call?.('same', [], {})).toBe(true);
    });
  });

  test('sends one heartbeat in a tenth of a second, however often it is called', async () => {
    await living(make('beating', program('gives-heartbeats.mjs')), async ({ host }) => {
      const startedAt = performance.now();
      await host.next('heartbeat', 3);
      expect(performance.now() - startedAt).toBeGreaterThan(190);
    });
  });

  test('in TypeScript runs with a loader, and says what to do without one', async () => {
    const withLoader = make('typed', program('in-typescript.ts'), { execArgv: ['--import', 'tsx'] });
    await living(withLoader, async ({ incarnation }) => {
      expect(await incarnation.call?.('self', [], {})).toEqual({ language: 'TypeScript' });
    });
    if ('typescript' in process.features) return;
    const { host } = startRecorded(make('typed', program('in-typescript.ts')));
    const { exit } = await host.next('exited');
    expect(exit).toMatchObject({
      type: 'not-started',
      error: { message: expect.stringContaining('--import tsx') },
    });
  });

  test('that is not there is told at the start, with its path', async () => {
    const { host } = startRecorded(make('absent', './no-such-program.mjs'));
    const { exit } = await host.next('exited');
    const message = expect.stringContaining(join(process.cwd(), 'no-such-program.mjs'));
    expect(exit).toMatchObject({ type: 'not-started', error: { name: 'SpawnError', message } });
  });

  test(`that imports what is not there fails, and says what`, async () => {
    const { host } = startRecorded(
      make('broken', program('imports-what-is-not-there.mjs'), { stderr: 'capture' }),
    );
    const { exit, stderr } = await host.next('exited');
    const told = kind === 'fork' ? stderr?.join('\n') : exit.type === 'failed' && exit.error.message;
    expect(told).toContain('no-such-module.mjs');
  });

  test('has its last words in the exit record', async () => {
    const { host } = startRecorded(
      make('dying', program('writes-its-last-words.mjs'), { stderr: 'capture' }),
    );
    const { exit, stderr } = await host.next('exited');
    expect(exit).toEqual({ type: 'code', code: 3 });
    expect(stderr).toEqual(['first line', 'the very last words']);
  });
});

describe('a program that nobody supervises', () => {
  test('may import treewarden/child, ends by itself, and leaves the signals alone', async () => {
    const { stdout } = await run(process.execPath, [program('reports-itself.mjs'), '--print']);
    expect(JSON.parse(stdout)).toMatchObject({
      supervised: false,
      id: 'main',
      aborted: false,
      listeners: [],
    });
    const staying = spawn(process.execPath, [program('reports-itself.mjs'), '--staying'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await line(staying, 'staying');
    staying.kill('SIGTERM');
    const signal = await new Promise((resolve) => staying.once('exit', (_, by) => resolve(by)));
    expect(signal).toBe('SIGTERM');
  });
});

describe('a fork whose supervisor is killed', () => {
  test('drains, releases, and ends', async () => {
    const parent = startParent('watching', 'working');
    await line(parent, 'started');
    parent.kill('SIGKILL');
    await closed(parent);
    expect(written()).toEqual([
      'up',
      'signal aborted',
      'hook registered last',
      'hook registered first',
      'work finished',
      'released last registered',
      'released first registered',
    ]);
  });

  test('is ended by its own stop signal if it does not end by itself', async () => {
    const parent = startParent('staying', 'handling');
    await line(parent, 'started');
    parent.kill('SIGKILL');
    await closed(parent);
    expect(written().at(-1)).toBe('SIGTERM');
  });

  test('is killed when its time is over', async () => {
    const parent = startParent('staying', 'deaf');
    await line(parent, 'started');
    parent.kill('SIGKILL');
    await closed(parent);
    expect(written().at(-1)).toBe('SIGTERM ignored');
  });

  test.each([
    ['', 0],
    [' long', 300],
  ])('stops itself, if that was%s before it began', async (_, afterMs) => {
    const args = [program('dies-as-its-fork-starts.mjs'), program('imports-us-late.mjs'), String(afterMs)];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const said: string[] = [];
    parent.stdout.on('data', (chunk) => said.push(String(chunk)));
    await closed(parent);
    expect(said.join('')).toBe('drained\n');
  });
});

test('a fork that closes its channel has its calls rejected, and stops itself', async () => {
  const spec = fork('leaver', program('disconnects.mjs'), {
    args: [join(folder, 'drained')],
    shutdown: 1000,
  });
  await living(spec, async ({ host, incarnation }) => {
    await expect(incarnation.call?.('disconnects', [], {})).rejects.toMatchObject({
      failure: 'child-exited',
    });
    await host.next('exited');
    expect(existsSync(join(folder, 'drained'))).toBe(true);
  });
});

describe('what a program takes over from its supervisor', () => {
  const ask = async (
    flags: readonly string[],
    env: Record<string, string> = {},
  ): Promise<readonly Self[]> => {
    const args = [...flags, program('supervises-and-asks.mjs'), program('reports-itself.mjs')];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
    return JSON.parse(stdout);
  };

  test('is its flags, without those of its debugger', async () => {
    const [forked] = await ask(['--inspect=127.0.0.1:0', '--no-warnings']);
    expect(forked?.execArgv).toEqual(['--no-warnings']);
  });

  test('is NODE_OPTIONS, without those of its debugger', async () => {
    const [forked, threaded] = await ask([], {
      NODE_OPTIONS: '--inspect=127.0.0.1:0 --max-old-space-size=512 --no-warnings',
    });
    expect(forked?.nodeOptions).toBe('--max-old-space-size=512 --no-warnings');
    expect(threaded?.supervised).toBe(true);
  });

  test('is tsx, so that TypeScript entries run', async () => {
    const args = ['--import', 'tsx', program('supervises-and-asks.mjs'), program('in-typescript.ts')];
    const { stdout } = await run(process.execPath, args);
    expect(JSON.parse(stdout)).toEqual([{ language: 'TypeScript' }, { language: 'TypeScript' }]);
  });
});

interface Self {
  readonly supervised: boolean;
  readonly execArgv: readonly string[];
  readonly nodeOptions: string;
}

interface Living {
  readonly host: RecordingHost;
  readonly incarnation: Incarnation;
}

async function living(spec: ChildSpec, work: (living: Living) => Promise<void>): Promise<void> {
  const { host, incarnation } = startRecorded(spec);
  try {
    await work({ host, incarnation });
  } finally {
    if (!host.said('exited')) incarnation.kill();
    await host.next('exited');
  }
}

function notes(host: RecordingHost): readonly string[] {
  return host.news.flatMap((news) => (news.type === 'noted' ? `${news.note}: ${news.error?.message}` : []));
}

function startParent(...how: readonly string[]): ChildProcess {
  const args = [
    program('supervises-a-fork.mjs'),
    program('writes-down-its-end.mjs'),
    join(folder, 'end'),
    ...how,
  ];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function line(child: ChildProcess, text: string): Promise<void> {
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    if (String(chunk).includes(text)) return;
  }
  throw new Error(`it ended without saying "${text}"`);
}

/** Resolves when nobody holds the program's stdout any more: neither it nor what it has started. */
async function closed(child: ChildProcess): Promise<void> {
  child.stdout?.resume();
  await new Promise((resolve) => child.once('close', resolve));
}
