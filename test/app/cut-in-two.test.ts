import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { type ChildContext, type ChildSpec, supervise, supervisor, task } from '../../src/index.js';
import { endAll, start } from './program.js';

/**
 * The request cut in two: two steps of one job, such as taking a payment and recording it, with a stop in between. Together the tests
 * with critical() make 1000 random stops; those without show that the others could fail.
 */
const PROGRAMS = 80;
const FORKING_PROGRAMS = 20;
const TREES = 900;
const AT_ONCE = 3;

afterEach(endAll);

const kinds = [
  [PROGRAMS, 'tasks', 10],
  [FORKING_PROGRAMS, 'forks', 8],
] as const;

test.each(kinds)(
  '%i programs of %s, stopped by SIGTERM at random moments, leave no job half done',
  async (programs, kind) => {
    const counts = await tally(programs, AT_ONCE, () => stopProgram('critical', kind));
    expect(counts.stops).toBe(programs);
    expect(counts.jobs).toBeGreaterThanOrEqual(programs);
    expect(counts.halfDone).toBe(0);
  },
  120_000,
);

test(`${TREES} trees, stopped at random moments, leave no job half done`, async () => {
  const counts = await tally(TREES, 50, () => stopTree(true));
  expect(counts.stops).toBe(TREES);
  expect(counts.jobs).toBeGreaterThan(TREES);
  expect(counts.halfDone).toBe(0);
}, 60_000);

test.each(kinds)(
  'without critical() programs like the %i of %s do leave jobs half done',
  async (_, kind, programs) => {
    const counts = await tally(programs, AT_ONCE, () => stopProgram('bare', kind));
    expect(counts.halfDone).toBeGreaterThan(0);
  },
  60_000,
);

test('without critical() trees do leave jobs half done', async () => {
  const counts = await tally(100, 50, () => stopTree(false));
  expect(counts.halfDone).toBeGreaterThan(0);
}, 30_000);

interface Counts {
  readonly stops: number;
  readonly jobs: number;
  readonly halfDone: number;
}

/** Makes `total` stops, so many at once, and adds up what each of them found. */
async function tally(total: number, atOnce: number, stop: () => Promise<readonly string[]>): Promise<Counts> {
  let left = total;
  const counts = { stops: 0, jobs: 0, halfDone: 0 };
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const steps = await stop();
      const first = steps.filter((step) => step.startsWith('1 '));
      const second = new Set(steps.filter((step) => step.startsWith('2 ')));
      counts.stops += 1;
      counts.jobs += first.length;
      counts.halfDone += first.filter((step) => !second.has(step.replace('1', '2'))).length;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return counts;
}

/** @returns the steps that the program said it has taken. */
async function stopProgram(how: 'critical' | 'bare', kind: 'tasks' | 'forks'): Promise<readonly string[]> {
  const program = start('two-step-jobs.mjs', [how, kind]);
  await program.says(/^ready/);
  await sleep(Math.random() * 60);
  program.kill('SIGTERM');
  const { signal, lines, stderr } = await program.ended;
  expect([signal, stderr]).toEqual(['SIGTERM', '']);
  return lines;
}

/** The same jobs in this process. */
async function stopTree(inCritical: boolean): Promise<readonly string[]> {
  const steps: string[] = [];
  const worker = (name: string): ChildSpec =>
    task(name, (ctx) => work(name, ctx, steps, inCritical), { shutdown: 0 });
  const tree = supervisor('jobs', { children: ['a', 'b', 'c', 'd'].map(worker) });
  const app = await supervise(tree, { signals: false });
  await sleep(Math.random() * 30);
  const { survivors } = await app.stop();
  expect(survivors).toEqual([]);
  return steps;
}

async function work(name: string, ctx: ChildContext, steps: string[], inCritical: boolean): Promise<void> {
  for (let n = 0; !ctx.signal.aborted; n += 1) {
    const job = async (): Promise<void> => {
      steps.push(`1 ${name}-${n}`);
      await sleep(Math.random() * 8, undefined, { signal: ctx.deadline });
      steps.push(`2 ${name}-${n}`);
    };
    await (inCritical ? ctx.critical(job) : job());
    await sleep(Math.random() * 2);
  }
}
