import { describe, expect, test } from 'vitest';
import { chaos, randomFrom, type Strike, type Victim } from '../../examples/main-job/chaos.js';
import { compare } from '../../examples/main-job/check.js';
import { measured } from '../../examples/main-job/jobs.js';
import { readOptions, UsageError } from '../../examples/main-job/options.js';
import type { ChildContext } from '../../src/index.js';

const never = (): boolean => false;
const always = (): boolean => true;
const outcome = (bytes: number): string => measured('0'.repeat(64), 1, bytes);
const expected = new Map([
  ['a', outcome(1)],
  ['b', outcome(2)],
]);

describe('the check', () => {
  const A = { id: 'a', outcome: outcome(1) };
  const B = { id: 'b', outcome: outcome(2) };

  test('passes when every job has the one outcome that it should have', () => {
    expect(compare(expected, [B, A], never)).toEqual({
      jobs: 2,
      done: 2,
      lost: [],
      twice: [],
      wrong: [],
      changed: [],
      unknown: [],
      expected: { lines: 2, bytes: 3, unreadable: 0 },
      counted: { lines: 2, bytes: 3, unreadable: 0 },
      passed: true,
    });
  });

  test.each([
    ['lost', [A], { lost: ['b'] }],
    ['done twice', [A, B, A], { twice: ['a'] }],
    ['wrong', [A, { id: 'b', outcome: outcome(3) }], { wrong: ['b'] }],
    ['not one of those that were put in', [A, B, { id: 'c', outcome: outcome(1) }], { unknown: ['c'] }],
  ])('fails when a job is %s', (_, finished, found) => {
    expect(compare(expected, finished, never)).toMatchObject({ ...found, passed: false });
  });

  test('does not call wrong what was written to meanwhile, and leaves it out of the sums', () => {
    const verdict = compare(expected, [A, { id: 'b', outcome: outcome(3) }], always);
    expect(verdict).toMatchObject({ wrong: [], changed: ['b'], passed: true });
    expect(verdict.expected).toEqual(verdict.counted);
    expect(verdict.counted.bytes).toBe(1);
  });

  test('compares files that cannot be read, too', () => {
    const gone = { id: 'b', outcome: 'unreadable,EACCES' };
    const verdict = compare(new Map([...expected, ['b', gone.outcome]]), [A, gone], never);
    expect(verdict).toMatchObject({ passed: true, counted: { unreadable: 1, bytes: 1 } });
  });
});

describe('chaos', () => {
  /** A victim that is up again, in its next life, as soon as it was struck. */
  function victim(id: string, canSuffer: readonly Strike[], blows: string[]): Victim {
    let incarnation = 1;
    return {
      id,
      canSuffer,
      isUp: () => true,
      incarnation: () => incarnation,
      suffer: (strike) => {
        blows.push(`${id} #${incarnation} ${strike}`);
        incarnation += 1;
        return true;
      },
    };
  }

  async function blowsOf(seed: number, strikes: number): Promise<readonly string[]> {
    const blows: string[] = [];
    let done = 0;
    const progress = () => {
      done += 20;
      return { total: 100, done, perSecond: 0, leftMs: 0, elapsedMs: 0 };
    };
    const victims = [
      victim('fork', ['kill', 'throw', 'hang'], blows),
      victim('task', ['throw', 'hang'], blows),
    ];
    const { signal } = new AbortController();
    await chaos({ signal } as ChildContext, { strikes, seed, victims, progress, onStrike: () => undefined });
    return blows;
  }

  test('with the same seed makes the same choices', async () => {
    expect(await blowsOf(5, 3)).toEqual(await blowsOf(5, 3));
    expect(randomFrom(5)()).toBe(randomFrom(5)());
    expect(randomFrom(5)()).not.toBe(randomFrom(6)());
  });

  test('ends with the work, however many strikes are left', async () => {
    expect((await blowsOf(5, 1000)).length).toBeLessThan(10);
  });

  test('strikes nobody twice in one life', async () => {
    const blows: string[] = [];
    const stubborn = { ...victim('task', ['throw', 'hang', 'kill'], blows), incarnation: () => 1 };
    let looks = 0;
    const progress = () => {
      looks += 1;
      return { total: 100, done: looks < 20 ? 99 : 100, perSecond: 0, leftMs: 0, elapsedMs: 0 };
    };
    const { signal } = new AbortController();
    const plan = { strikes: 5, seed: 1, victims: [stubborn], progress, onStrike: () => undefined };
    await chaos({ signal } as ChildContext, plan);
    expect(blows.length).toBeLessThanOrEqual(1);
  });

  test('random numbers are spread from 0 to 1', () => {
    const random = randomFrom(1);
    const tenths = new Set(Array.from({ length: 1000 }, () => Math.floor(random() * 10)));
    expect([...tenths].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('the command line', () => {
  test('has a default for everything', () => {
    expect(readOptions([])).toMatchObject({
      chaos: 24,
      queue: undefined,
      spool: undefined,
      keep: false,
      help: false,
    });
    expect(readOptions([]).folder).toMatch(/node_modules$/);
  });

  test.each([
    [['--chaos', 'much'], /^--chaos takes a whole number from 0, not "much"\.$/],
    [['--seed', '-1'], /--seed/],
    [['--frobnicate'], /--frobnicate/],
    [['/no/such/folder'], /^\/no\/such\/folder is not a folder/],
    [['a', 'b'], /^One folder is enough/],
    [['--queue', 'amqp://localhost'], /^--queue takes the URL of a Redis/],
    [['--queue', 'redis://127.0.0.1:1', '--spool', '/tmp/x'], /exclude each other/],
  ])('%j is refused', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(message);
  });
});
