import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a fixture in a plain Node of its own: a test runner has listeners for every error that it finds. */
function run(fixture: string, ...args: readonly string[]): Promise<Outcome> {
  const program = fileURLToPath(new URL(`../fixtures/${fixture}.ts`, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, ['--import', 'tsx', program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('an error that nobody caught, in the async context of a task', () => {
  let report: {
    readonly told: Readonly<Record<string, readonly string[]>>;
    readonly seenByTheProgram: number;
    readonly before: unknown;
    readonly after: unknown;
  };

  beforeAll(async () => {
    const { code, stdout, stderr } = await run('throws-everywhere');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    report = JSON.parse(stdout);
  });

  test.each([
    'timer',
    'immediate',
    'tick',
    'listener',
    'error without a listener',
    'client socket',
    'server connection',
    'floating rejection',
    'async listener',
    'await in a floating function',
  ])('is the fault of that task alone: %s', (source) => {
    const [ready, fault, exited, ...more] = report.told[source] ?? [];
    expect(fault).toBe(`fault: failed: Error: from ${source}`);
    expect([ready, exited, more]).toEqual(['ready', 'exited: stopped when asked', []]);
  });

  test.each([
    ['stream without a listener', /^fault: failed: Error: ENOENT/],
    ['throws undefined', /^fault: failed: Error: thrown value: undefined$/],
    ['rejects with a number', /^fault: failed: Error: thrown value: 42$/],
  ])('is told as it was thrown: %s', (source, fault) => {
    expect(report.told[source]?.[1]).toMatch(fault);
  });

  test('also when it is thrown while the task is being stopped', () => {
    expect(report.told['abort listener']).toEqual([
      'ready',
      'fault: failed: Error: from abort listener',
      'exited: stopped when asked',
    ]);
  });

  test('is kept from the listeners that the program has for unhandled rejections', () => {
    expect(report.seenByTheProgram).toBe(0);
  });

  test('leaves nothing installed once no task is left', () => {
    expect(report.after).toEqual(report.before);
  });
});

describe('an error that belongs to nobody', () => {
  test.each(['throw', 'reject'])(
    'ends the program as Node would, in output and exit code: %s',
    async (how) => {
      const [contained, plain] = await Promise.all([
        run('crashes-for-nobody', how, 'with'),
        run('crashes-for-nobody', how, 'without'),
      ]);
      expect(plain).toMatchObject({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining('Error: of nobody'),
      });
      expect(contained).toEqual(plain);
    },
  );
});

describe('an error of a task that has ended', () => {
  test('is told as a stray error for as long as its tree lives, and then nothing is left installed', async () => {
    const { code, stdout, stderr } = await run('leaves-a-timer-behind');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      said: ['ready', 'exited: completed', 'stray: left behind'],
      before: [0, 0],
      during: [1, 0],
      after: [0, 0],
    });
  });
});

test('a program with a capture callback of its own keeps it, and the task fails all the same', async () => {
  const { stdout } = await run('has-its-own-capture');
  expect(JSON.parse(stdout)).toEqual({
    said: ['ready', 'fault: failed: Error: of the task', 'exited: stopped when asked'],
    captured: ['of the task'],
  });
});

test('a task that opts out of containment crashes the program', async () => {
  const { code, stderr } = await run('opts-out-of-containment');
  expect(code).toBe(1);
  expect(stderr).toContain('Error: not contained');
});
