import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import type {
  OutputOrigin,
  OutputSink,
  OutputWriter,
} from '../../../../src/children/process/process-options.js';
import type { SupervisionEvents } from '../../../../src/core/index.js';
import { type OutputLine, Supervisor, supervisor } from '../../../../src/runtime/index.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

type Options = NonNullable<Parameters<typeof command>[3]>;

const root = mkdtempSync(join(tmpdir(), 'output-'));
afterAll(() => rmSync(root, { recursive: true }));

const shell = (script: string, options: Options = {}): ReturnType<typeof startRecorded> =>
  startRecorded(command('shell', 'sh', ['-c', script], { stdout: 'capture', stderr: 'capture', ...options }));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A sink that writes down what it is given; `take` may hold the program up. */
function recordingSink(take: (chunk: Buffer) => void | Promise<void> = () => undefined): {
  sink: OutputSink;
  origins: OutputOrigin[];
  text: () => string;
  ended: () => boolean;
} {
  const [origins, chunks]: [OutputOrigin[], Buffer[]] = [[], []];
  let ended = false;
  const sink: OutputSink = {
    open: (origin) => {
      origins.push(origin);
      const write = (chunk: Buffer): void | Promise<void> => {
        chunks.push(chunk);
        return take(chunk);
      };
      const end = (): void => {
        ended = true;
      };
      return { write, end };
    },
  };
  return { sink, origins, text: () => Buffer.concat(chunks).toString(), ended: () => ended };
}

describe('what is captured', () => {
  test('the last lines of both streams are kept in the order of their arrival', async () => {
    const { host, incarnation } = shell(
      'for i in 1 2 3; do echo out $i; sleep 0.05; echo err $i >&2; sleep 0.05; done',
    );
    await host.next('exited');
    const lines = incarnation.output?.()?.tail(4) ?? [];
    expect(lines.map(({ stream, text }) => `${stream}: ${text}`)).toEqual([
      'stdout: out 2',
      'stderr: err 2',
      'stdout: out 3',
      'stderr: err 3',
    ]);
    expect(lines.map(({ atMs }) => atMs)).toEqual(lines.map(({ atMs }) => atMs).sort((a, b) => a - b));
  });

  test('a follower hears each line once, also one that had begun before, until it leaves', async () => {
    const { host, incarnation } = shell(
      `trap 'echo " is ended"; echo second; exit' USR1; printf begun; while :; do sleep 0.01; done`,
    );
    await host.next('ready');
    const output = incarnation.output?.();
    while (output?.tail(1).length === 0) await turn();
    const [all, first]: [string[], string[]] = [[], []];
    output?.follow(({ text }) => all.push(text));
    const leave = output?.follow(({ text }) => {
      first.push(text);
      leave?.();
    });
    incarnation.signal?.('SIGUSR1');
    await host.next('exited');
    expect(all).toEqual(['begun is ended', 'second']);
    expect(first).toEqual(['begun is ended']);
  });

  test('a listener that throws is not called again, and the others hear on', async () => {
    const { host, incarnation } = shell('sleep 0.1; echo one; echo two');
    const output = incarnation.output?.();
    const heard: OutputLine[] = [];
    let calls = 0;
    output?.follow(() => {
      calls += 1;
      throw new Error('no');
    });
    output?.follow((line) => heard.push(line));
    await host.next('exited');
    expect(calls).toBe(1);
    expect(heard.map(({ text }) => text)).toEqual(['one', 'two']);
    expect((await host.next('noted')).error?.message).toBe('no');
  });

  test('nothing is kept, and no pipe made, where nothing is captured', async () => {
    const { host, incarnation } = shell('test -p /dev/stdout || test -S /dev/stdout; echo $? > "$WHERE"', {
      stdout: 'ignore',
      stderr: 'ignore',
      env: { WHERE: join(root, 'kind') },
    });
    await host.next('exited');
    expect(readFileSync(join(root, 'kind'), 'utf8').trim()).toBe('1');
    expect(incarnation.output?.()).toBeUndefined();
  });

  test('the last twenty lines of stderr go into the exit record, those of a sink too', async () => {
    const { sink } = recordingSink();
    const { host } = shell('seq 1 5000 >&2; echo >&2; exit 3', { stderr: sink });
    const { stderr } = await host.next('exited');
    expect(stderr).toEqual(Array.from({ length: 20 }, (_, index) => String(4981 + index)));
  });
});

describe('a sink', () => {
  test('is told whose output it takes, takes all of it, and is ended before the exit is told', async () => {
    const { sink, origins, text, ended } = recordingSink();
    const { host } = shell('seq 1 100000', { stdout: sink });
    await host.next('exited');
    expect(ended()).toBe(true);
    expect(text()).toBe(Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(''));
    expect(origins[0]).toMatchObject({ path: host.path, incarnation: 1, stream: 'stdout' });
  });

  test('that cannot be opened fails the start, and the other one is closed', async () => {
    const { sink, ended } = recordingSink();
    const broken: OutputSink = { open: () => Promise.reject(new Error('no such place')) };
    const { host } = shell('true', { stdout: sink, stderr: broken });
    const { exit } = await host.next('exited');
    expect(exit).toMatchObject({
      type: 'not-started',
      error: { message: expect.stringContaining('no such place') },
    });
    expect(ended()).toBe(true);
  });

  test.each(['stop', 'kill'] as const)(
    'that takes long to open holds up no %s, and is closed once it is open',
    async (how) => {
      const { sink: other, origins } = recordingSink();
      let asked = (): void => undefined;
      const isAsked = new Promise<void>((resolve) => {
        asked = resolve;
      });
      let open = (_: OutputWriter): void => undefined;
      const opening = new Promise<OutputWriter>((resolve) => {
        open = resolve;
      });
      const slow: OutputSink = {
        open: () => {
          asked();
          return opening;
        },
      };
      const { host, incarnation } = shell('true', { stdout: slow, stderr: other });
      await isAsked;
      incarnation[how](60_000);
      await host.next('exited');
      await new Promise<void>((resolve) => open({ write: () => undefined, end: resolve }));
      expect(origins).toEqual([]);
    },
  );

  test('that fails is told of, gets no more but its end, and holds no program up', async () => {
    let writes = 0;
    const { sink, ended } = recordingSink(() => {
      writes += 1;
      throw new Error('broken');
    });
    const { host } = shell('seq 1 200000', { stdout: sink });
    expect((await host.next('noted')).note).toContain('its sink has failed');
    expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
    expect([writes, ended()]).toEqual([1, true]);
  });

  test('that holds the program up loses nothing of what that has written before its end', async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const { sink, text } = recordingSink(() => held);
    const { host } = shell('seq 1 3000', { stdout: sink });
    await host.next('exited');
    expect(text().split('\n')).toHaveLength(3001);
    goOn();
  });

  test('that never comes to an end delays the exit by no more than its limit, and that is told', async () => {
    const never: OutputSink = {
      open: () => ({ write: () => undefined, end: () => new Promise(() => undefined) }),
    };
    const { host } = shell('echo one', { stdout: never });
    expect((await host.next('noted')).note).toContain('not written yet');
    expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
  });

  test('that cannot write makes no survivor of a program that has ended, and is named in the stop report', async () => {
    const full: OutputSink = {
      open: ({ note }) => ({
        write: () => note('its log cannot be written', new Error('the disk is full')),
        end: () => new Promise(() => undefined),
      }),
    };
    const settings = { ready: { line: 'up' }, shutdown: 50 } as const;
    const child = command('app', 'sh', ['-c', 'echo up >&2; echo up; exec sleep 1000'], {
      ...settings,
      stdout: full,
      stderr: full,
    });
    const tree = new Supervisor(supervisor('root', { children: [child] }));
    const kill = new Promise<SupervisionEvents['child:stopping'][0]>((resolve) => {
      tree.on('child:stopping', (event) => event.step === 'kill' && resolve(event));
    });
    await tree.start();
    const report = await tree.stop({ graceMs: 1000 });
    expect(report.survivors).toEqual([]);
    expect(report.failures.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/its last output is not written yet.*the disk is full/),
    );
    expect((await kill).obstacles).toMatchObject([
      { verdict: 'at-work', why: expect.stringMatching(/^it has ended.*the disk is full/) },
    ]);
  });
});

test('a descendant that nobody owns and that holds stdout open does not keep the exit back', async () => {
  const { host, incarnation } = shell('setsid sleep 1000 & echo $!', { killScope: 'process' });
  await host.next('exited');
  process.kill(Number(incarnation.output?.()?.tail(1)[0]?.text), 'SIGKILL');
});

test('a terminal of ours that takes nothing stalls no program for good', async () => {
  const entry = new URL('../../../../src/index.ts', import.meta.url).href;
  const program = join(root, 'tees.mts');
  writeFileSync(
    program,
    `import { supervise, command } from ${JSON.stringify(entry)};
     const much = command('much', 'sh', ['-c', 'seq 1 1000000; echo written > ${join(root, 'written')}'], {
       stdout: 'tee', restart: 'temporary', significant: true });
     const app = await supervise(much);
     await app.done;
     process.stderr.write('done');
     process.exit(0);`,
  );
  const tsx = fileURLToPath(new URL('../../../../node_modules/tsx/dist/loader.mjs', import.meta.url));
  const running = spawn(process.execPath, ['--import', tsx, program], { stdio: ['ignore', 'pipe', 'pipe'] });
  // Nobody reads its stdout.
  const said = await new Promise<string>((resolve) => {
    running.stderr.once('data', (text) => resolve(String(text)));
  });
  running.kill('SIGKILL');
  expect(said).toBe('done');
  expect(readFileSync(join(root, 'written'), 'utf8')).toBe('written\n');
});
