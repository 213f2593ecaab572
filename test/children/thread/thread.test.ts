import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { type ThreadSettings, task, thread } from '../../../src/children/index.js';
import { InvalidSpecError } from '../../../src/core/index.js';
import { type ChildSpec, Supervisor, supervisor } from '../../../src/runtime/index.js';
import { type RecordingHost, startRecorded } from '../../../src/testing/recording-host.js';
import { program } from '../programs.js';

const start = (file: string, settings: ThreadSettings = {}): ReturnType<typeof startRecorded> =>
  startRecorded(thread('thread', program(file), { stderr: 'capture', ...settings }));

const exitOf = async (host: RecordingHost): Promise<unknown> => (await host.next('exited')).exit;

test.each([
  ['undefined', { message: 'thrown value: undefined' }],
  ['null', { message: 'thrown value: null' }],
  ['text', { message: 'thrown value: a text' }],
  ['error', { name: 'RangeError', message: 'out of range', code: 'E_RANGE' }],
])('a thread that throws %s fails with it', async (thrown, error) => {
  const { host } = start('throws-what-it-is-told.mjs', { workerData: thrown });
  expect(await exitOf(host)).toMatchObject({ type: 'failed', error });
});

test.each(['function', 'circular'])(
  'a thread that throws a value such as a %s fails, and nothing hangs',
  async (thrown) => {
    const { host } = start('throws-what-it-is-told.mjs', { workerData: thrown });
    expect(await exitOf(host)).toMatchObject({ type: 'failed' });
  },
);

test('a thread that exits with 0 without being asked has completed', async () => {
  const { host } = start('exits-with.mjs', { args: ['0'] });
  expect(await exitOf(host)).toEqual({ type: 'completed' });
});

test('a thread that wrote nothing to stderr has no last words in its record', async () => {
  const { host } = start('exits-with.mjs', { args: ['0'] });
  expect((await host.next('exited')).stderr).toBeUndefined();
});

test('a thread that exits with another code has crashed', async () => {
  const { host } = start('exits-with.mjs', { args: ['7'] });
  expect(await exitOf(host)).toEqual({ type: 'code', code: 7 });
});

test('a thread that needs more heap than it may have is out of memory, and this process is not', async () => {
  const { host } = start('fills-its-heap.mjs', { resourceLimits: { maxOldGenerationSizeMb: 16 } });
  expect(await exitOf(host)).toMatchObject({
    type: 'out-of-memory',
    detail: expect.stringContaining('memory'),
  });
});

test('a thread that knows nothing of treewarden is terminated when it is asked to stop', async () => {
  const { host, incarnation } = start('knows-nothing-of-us.mjs');
  await host.next('ready');
  incarnation.drain(5000);
  await host.next('drained');
  incarnation.stop(60_000);
  expect(await exitOf(host)).toEqual({ type: 'shutdown' });
});

test('a thread that is asked to stop before it is online ends', async () => {
  const { host, incarnation } = start('serves-calls.mjs');
  incarnation.stop(60_000);
  expect(await exitOf(host)).toEqual({ type: 'shutdown' });
  expect(host.said('ready')).toBe(false);
});

test('a thread that blocks in native code has its calls settled at the kill, and is gone when the native code ends', async () => {
  const { host, incarnation } = start('blocks-in-native-code.mjs');
  const blocked = incarnation.call?.('blocks', [], {});
  await host.next('ready');
  await incarnation.call?.('nothing', [], {}).catch(() => undefined);
  incarnation.kill();
  await expect(blocked).rejects.toMatchObject({ failure: 'child-exited' });
  expect(host.said('exited')).toBe(false);
  expect(await exitOf(host)).toEqual({ type: 'killed' });
});

test('what cannot be cloned into a thread is told at its start', async () => {
  const { host } = start('serves-calls.mjs', { workerData: () => undefined });
  expect(await exitOf(host)).toMatchObject({ type: 'not-started', error: { name: 'DataCloneError' } });
});

test('a flag that threads do not take is told at its start', async () => {
  const { host } = start('serves-calls.mjs', { execArgv: ['--max-old-space-size=64'] });
  expect(await exitOf(host)).toMatchObject({
    type: 'not-started',
    error: { code: 'ERR_WORKER_INVALID_EXEC_ARGV' },
  });
});

test('a temporary thread may be given a buffer to keep', async () => {
  const bytes = new Uint8Array(8);
  const { host } = start('knows-nothing-of-us.mjs', {
    restart: 'temporary',
    workerData: bytes,
    transferList: [bytes.buffer],
  });
  await host.next('ready');
  expect(bytes.byteLength).toBe(0);
});

test('a thread that this process starts by itself is not supervised', async () => {
  const { host, incarnation } = start('reports-itself.mjs');
  const plain = new Worker(program('reports-itself.mjs'), { argv: ['--print'], stdout: true });
  let text = '';
  for await (const chunk of plain.stdout) text += String(chunk);
  expect(JSON.parse(text)).toMatchObject({ supervised: false });
  expect(await incarnation.call?.('self', [], {})).toMatchObject({ supervised: true });
  incarnation.kill();
  await host.next('exited');
});

const faults: readonly (readonly [string, () => ChildSpec, string])[] = [
  ['an entry that is a number', () => thread('x', 42 as never), 'entry'],
  ['an empty path', () => thread('x', ''), 'entry'],
  ['a URL of the web', () => thread('x', new URL('https://example.org/x.js')), 'entry'],
  ['arguments that are no strings', () => thread('x', 'x.js', { args: [1] as never }), 'args'],
  ['flags that are no list', () => thread('x', 'x.js', { execArgv: '--no-warnings' as never }), 'execArgv'],
  ['a stderr that is unknown', () => thread('x', 'x.js', { stderr: 'loud' as never }), 'stderr'],
  ['an env that is none', () => thread('x', 'x.js', { env: 'A=1' as never }), 'env'],
  ['a listener that is none', () => thread('x', 'x.js', { onMessage: true as never }), 'onMessage'],
  [
    'a transfer list without a temporary thread',
    () => thread('x', 'x.js', { transferList: [new ArrayBuffer(1)] }),
    'transferList',
  ],
];

test.each(faults)('a thread with %s is refused at the door', (_, make, field) => {
  expect(make).toThrow(InvalidSpecError);
  expect(make).toThrow(expect.objectContaining({ field }));
});

test('a thread that a task restarts is not a part of the task', async () => {
  const failures: unknown[] = [];
  const children = [
    thread('failing', program('throws-what-it-is-told.mjs'), {
      workerData: 'error',
      restart: 'temporary',
      stderr: 'capture',
    }),
    task(
      'bystander',
      (ctx) => new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve())),
    ),
  ];
  await using tree = new Supervisor(supervisor('root', { children }));
  const exited = new Promise((resolve) => tree.on('child:exited', resolve));
  tree.on('child:fault', (event) => failures.push(event));
  await tree.start();
  expect(await exited).toMatchObject({ child: 'root/failing', exit: { type: 'failed' } });
  expect(tree.child('bystander').status).toBe('ready');
  expect(failures).toEqual([]);
});
