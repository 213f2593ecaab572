import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { SAME_WISH_MS } from '../../src/signals/index.js';
import { endAll, fixture, type Program, start, startOnTerminal } from './program.js';

afterEach(endAll);

/** Long enough that the next signal is a wish of its own. */
const aBreath = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SAME_WISH_MS + 50));

function drainsOneJob(options: Readonly<Record<string, unknown>> = {}): Program {
  return start('drains-one-job.mjs', [JSON.stringify(options)]);
}

/** Starts it, signals it in the middle of its job, lets the job go on, and waits for the end. */
async function stopped(signal: NodeJS.Signals, options: Readonly<Record<string, unknown>> = {}) {
  const program = drainsOneJob(options);
  await program.says(/^ready/);
  program.kill(signal);
  await program.says(/level 1/);
  program.kill('SIGUSR2');
  return program.ended;
}

describe('a program stopped by a signal', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const)(
    'finishes its job, runs its own last lines, and dies of %s',
    async (signal) => {
      expect(await stopped(signal)).toEqual({
        code: null,
        signal,
        stderr: '',
        lines: [
          'step 1',
          'ready, listeners 1 1 1 1',
          `${signal} level 1`,
          'drain',
          'step 2',
          'stop',
          `stopped by ${signal}, failures 0, listeners 0 0 0 0`,
        ],
      });
    },
  );

  test('may take its time after the tree has ended', async () => {
    const { lines, signal } = await stopped('SIGTERM', { after: 'slow' });
    expect(lines.at(-1)).toBe('last words');
    expect(signal).toBe('SIGTERM');
  });

  test('ends although something keeps the event loop busy', async () => {
    const { signal } = await stopped('SIGTERM', { after: 'forgotten timer', lingerMs: 100 });
    expect(signal).toBe('SIGTERM');
  });

  test('keeps the exit code that it chose', async () => {
    const { code, signal } = await stopped('SIGTERM', { after: 'exitCode' });
    expect([code, signal]).toEqual([3, null]);
  });

  test('keeps an exit with 0 that it chose', async () => {
    const { code, signal } = await stopped('SIGTERM', { after: 'exit' });
    expect([code, signal]).toEqual([0, null]);
  });

  test('that listens for the signal itself is not killed by it, but tells by its exit code', async () => {
    const { code, signal, lines } = await stopped('SIGTERM', { after: 'own listener', lingerMs: 50 });
    expect([code, signal]).toEqual([143, null]);
    expect(lines).not.toContain('heard it again');
  });

  test('ends with 0 if it does not want to die of the signal', async () => {
    const { code, signal } = await stopped('SIGINT', { reraise: false });
    expect([code, signal]).toEqual([0, null]);
  });
});

describe('more than one signal', () => {
  test('the second cuts the drain short, the third ends at once, and the first is what the program dies of', async () => {
    const program = drainsOneJob();
    await program.says(/^ready/);
    program.kill('SIGTERM');
    await program.says(/^drain/);
    await aBreath();
    program.kill('SIGINT');
    await program.says(/^stop$/);
    await aBreath();
    program.kill('SIGINT');
    const { signal, lines } = await program.ended;
    expect(signal).toBe('SIGTERM');
    expect(lines.slice(2)).toEqual([
      'SIGTERM level 1',
      'drain',
      'SIGINT level 2',
      'stop',
      'SIGINT level 3',
      'kill',
    ]);
  });

  test('the third ends also a program that has chosen an exit code and does not come to its end', async () => {
    const program = drainsOneJob({ stuckWithCode: 3 });
    await program.says(/^ready/);
    for (const level of [1, 2, 3]) {
      program.kill('SIGTERM');
      if (level === 3) break;
      await program.says(new RegExp(`level ${level}`));
      await aBreath();
    }
    const { code, signal } = await program.ended;
    expect([code, signal]).toEqual([null, 'SIGTERM']);
  });

  test('a burst is one wish', async () => {
    const program = drainsOneJob();
    await program.says(/^ready/);
    program.kill('SIGINT');
    await program.says(/^drain/);
    program.kill('SIGINT');
    program.kill('SIGHUP');
    program.kill('SIGUSR2');
    const { lines } = await program.ended;
    expect(lines.filter((line) => line.includes('level'))).toEqual(['SIGINT level 1']);
    expect(lines).toContain('step 2');
  });

  test('a signal may be mapped to a further level', async () => {
    const program = drainsOneJob({ signals: { SIGQUIT: 'kill' } });
    await program.says(/^ready/);
    program.kill('SIGQUIT');
    const { signal, lines } = await program.ended;
    expect(signal).toBe('SIGQUIT');
    expect(lines.slice(2)).toEqual(['SIGQUIT level 3', 'drain', 'kill']);
  });
});

describe('a signal while the tree starts', () => {
  test('stops what has started, and the program dies of it without a stack trace', async () => {
    const program = start('never-ready.mjs');
    await program.says(/^starting/);
    program.kill('SIGTERM');
    expect(await program.ended).toEqual({
      code: null,
      signal: 'SIGTERM',
      lines: ['starting', 'first released'],
      stderr: '',
    });
  });

  test('is told to a program that asks', async () => {
    const program = start('never-ready.mjs', ['catch']);
    await program.says(/^starting/);
    program.kill('SIGINT');
    const { signal, lines } = await program.ended;
    expect(lines.at(-1)).toBe('START_INTERRUPTED, listeners 0');
    expect(signal).toBe('SIGINT');
  });
});

describe('signals that are not for stopping', () => {
  test('with signals: false Node does what it always did', async () => {
    const program = drainsOneJob({ signals: false });
    expect(await program.says(/^ready/)).toBe('ready, listeners 0 0 0 0');
    program.kill('SIGTERM');
    const { signal, lines } = await program.ended;
    expect(signal).toBe('SIGTERM');
    expect(lines).not.toContain('drain');
  });

  test('an ignored signal is ignored, one left out is Node’s', async () => {
    const program = drainsOneJob({ signals: { SIGHUP: 'ignore', SIGQUIT: false } });
    expect(await program.says(/^ready/)).toBe('ready, listeners 1 1 1 0');
    program.kill('SIGHUP');
    program.kill('SIGQUIT');
    const { signal, lines } = await program.ended;
    expect(signal).toBe('SIGQUIT');
    expect(lines).toEqual(['step 1', 'ready, listeners 1 1 1 0']);
  });

  test('a forwarded signal reaches the children named, rewritten if so wished', async () => {
    const options = {
      signals: { SIGUSR2: { forward: 'workers/*' }, SIGHUP: { forward: true, as: 'SIGINT' } },
    };
    const program = start('runs-a-program.mjs', [JSON.stringify(options)]);
    await program.says(/^ready/);
    program.kill('SIGUSR2');
    await program.says(/child got SIGUSR2/);
    program.kill('SIGHUP');
    await program.says(/child got SIGINT/);
    program.kill('SIGTERM');
    const { signal, lines } = await program.ended;
    expect(signal).toBe('SIGTERM');
    expect(lines.filter((line) => line.includes('SIGHUP'))).toEqual(['SIGHUP level 0']);
  });
});

describe('two trees in one process', () => {
  test.each([
    ['of one copy of the package', ['one format']],
    ['that end at one moment', ['one format', 'together']],
    ['of both module formats', ['both formats']],
  ])(
    '%s: both stop on one signal, which is raised, and the bus called, once both are down',
    async (_, args) => {
      const program = start('two-trees.mjs', args);
      await program.says(/^ready/);
      program.kill('SIGTERM');
      const { signal, lines, stderr } = await program.ended;
      expect(stderr).toBe('');
      expect(lines.toSorted()).toEqual([
        '0 stopped by SIGTERM',
        '1 stopped by SIGTERM',
        'bus',
        `copies differ: ${args[0] === 'both formats'}`,
        'ready, listeners 1',
      ]);
      expect(lines.indexOf('bus')).toBeLessThan(lines.indexOf('1 stopped by SIGTERM'));
      expect(signal).toBe('SIGTERM');
    },
  );
});

describe('the shutdown bus', () => {
  const failures = '[{"subject":"failing","message":"failed: no route"}]';

  test('calls whoever has joined once the tree is down, and reports who failed', async () => {
    const program = start('joins-shutdown.mjs');
    await program.says(/^ready/);
    program.kill('SIGTERM');
    const { signal, lines } = await program.ended;
    expect(lines).toEqual(['ready', 'tree down', 'foreign: SIGTERM, false, true', failures]);
    expect(signal).toBe('SIGTERM');
  });

  test('is for signals only', async () => {
    const { lines, code } = await start('joins-shutdown.mjs', ['stop']).ended;
    expect(lines).toEqual(['ready', 'tree down', '[]']);
    expect(code).toBe(0);
  });
});

/** util-linux's `script` gives a program a terminal; elsewhere its options differ. */
const hasTerminals = spawnSync('script', ['-qec', 'true', '/dev/null']).status === 0;

describe.runIf(hasTerminals)('Ctrl-C on a terminal', () => {
  test('reaches the program alone, which asks its children to stop', async () => {
    const program = startOnTerminal('runs-a-program.mjs');
    await program.says(/^ready/);
    program.type('\x03');
    const { code, lines } = await program.ended;
    expect(lines).toEqual([
      'child listens',
      'ready',
      'SIGINT level 1',
      'child got SIGTERM',
      'stopped by SIGINT',
    ]);
    // `script` reports a death by signal as a shell does.
    expect(code).toBe(130);
  });

  test('counts once, although a wrapper forwards what the terminal has sent already', async () => {
    const program = startOnTerminal('forwards-signals.mjs', [fixture('runs-a-program.mjs')]);
    await program.says(/^ready/);
    program.type('\x03');
    const { lines } = await program.ended;
    expect(lines.filter((line) => line.includes('SIGINT level'))).toHaveLength(1);
    expect(lines).toContain('wrapper forwards SIGINT');
    expect(lines).toContain('stopped by SIGINT');
  });
});
