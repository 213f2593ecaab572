import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { command } from '../../../src/children/index.js';
import { noBackoff, StartError } from '../../../src/core/index.js';
import { Supervisor, supervisor } from '../../../src/runtime/index.js';

const folder = mkdtempSync(join(tmpdir(), 'supervised-'));
afterAll(() => rmSync(folder, { recursive: true }));

const shell = (script: string, options: Parameters<typeof command>[3] = {}) =>
  command('shell', 'sh', ['-c', script], { stdout: 'ignore', stderr: 'capture', ...options });

/** The error with which a tree of this one child does not start. */
async function startErrorOf(child: ReturnType<typeof command>, notes: string[] = []): Promise<StartError> {
  await using tree = new Supervisor(supervisor('root', { children: [child] }));
  tree.on('child:noted', ({ note }) => notes.push(note));
  const error = await tree.start().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartError);
  // Safe: it was just looked at.
  return error as StartError;
}

const RESTARTS = 30;

// The lock is the kernel's: it is held as long as any process lives that inherited it.
test.runIf(process.platform === 'linux')(
  'no life of a command begins while anything of the one before is alive',
  async () => {
    const spec = shell(`
      exec 9> ${folder}/lock
      flock --nonblock 9 && echo alone >> ${folder}/lives || echo overlap >> ${folder}/lives
      (trap '' TERM; exec sleep 1000) &
      exit 1`);
    await using tree = new Supervisor(
      supervisor('root', {
        intensity: RESTARTS - 1,
        periodMs: 60_000,
        backoff: noBackoff(),
        children: [spec],
      }),
    );
    await tree.start();
    const exit = await tree.done;
    expect(exit).toMatchObject({ type: 'gave-up', child: 'root/shell' });
    expect(exit.type === 'gave-up' && exit.attempts.at(-1)?.exit).toEqual({ type: 'code', code: 1 });
    const lives = readFileSync(join(folder, 'lives'), 'utf8').trimEnd().split('\n');
    expect(lives).toEqual(Array.from({ length: RESTARTS }, () => 'alone'));
  },
  60_000,
);

test.runIf(process.platform === 'linux')(
  'a program that heeds no other final signal either is killed within the time that a stop of its tree has',
  async () => {
    const program = shell(`trap '' TERM QUIT; while :; do sleep 0.1; done`, {
      shutdown: 100,
      finalSignal: 'SIGQUIT',
    });
    const tree = new Supervisor(supervisor('root', { children: [program] }));
    await tree.start();
    const report = await tree.stop({ graceMs: 7000 });
    expect(report.survivors).toEqual([]);
    expect(report.children).toMatchObject([{ child: 'root/shell' }]);
  },
);

test('a program that is not there fails the start of its tree, which says what to do', async () => {
  const error = await startErrorOf(command('redis', 'no-such-redis-server'));
  expect(error.message).toContain(
    'The program "no-such-redis-server" of "root/redis" could not be started: no directory of PATH has it. Install it',
  );
});

test('a program that ends before it is ready fails the start of its tree, with its last words', async () => {
  const error = await startErrorOf(
    shell('echo the port is taken >&2; exit 2', { ready: { line: 'never said' } }),
  );
  expect(error.message).toContain('exited with code 2');
  expect(error.message).toContain('the port is taken');
});

test('a program that is not ready in time is ended, and the last failure of its probe is told', async () => {
  const notes: string[] = [];
  const probe = (): never => {
    throw new Error('connection refused');
  };
  const error = await startErrorOf(
    shell('exec sleep 1000', { ready: { probe, everyMs: 5 }, startTimeoutMs: 60 }),
    notes,
  );
  expect(error.message).toContain('not ready after 60 ms');
  expect(notes).toEqual(['its last readiness probe failed: connection refused']);
});

test('a program that ignores its stop is killed when its time is over, and the report says so', async () => {
  const deaf = `trap '' TERM; echo deaf; while :; do sleep 1000; done`;
  const tree = new Supervisor(
    supervisor('root', { children: [shell(deaf, { ready: { line: 'deaf' }, shutdown: 50 })] }),
  );
  await tree.start();
  const report = await tree.stop();
  expect(report.survivors).toEqual([]);
  expect(report.children).toMatchObject([{ child: 'root/shell', exit: { exit: { type: 'killed' } } }]);
});
