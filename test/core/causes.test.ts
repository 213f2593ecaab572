import { describe, expect, test } from 'vitest';
import {
  CauseCounts,
  callsForRestart,
  causeOf,
  constantBackoff,
  describeExit,
  type Exit,
  type ExitCause,
  errorFacts,
  exponentialBackoff,
  longestDelay,
  noBackoff,
  type RestartType,
  whyKeptDown,
} from '../../src/core/index.js';

const CODE = (code: number): Exit => ({ type: 'code', code });
const SIGNAL = (signal: string): Exit => ({ type: 'signal', signal });

describe('the cause of an exit', () => {
  test.each<[Exit, ExitCause | undefined]>([
    [{ type: 'completed' }, 0],
    [CODE(78), 78],
    [SIGNAL('SIGSEGV'), 'SIGSEGV'],
    // The kernel's, or a stranger's: ours is 'killed'.
    [SIGNAL('SIGKILL'), 'SIGKILL'],
    [{ type: 'killed' }, undefined],
    [{ type: 'shutdown' }, undefined],
    [{ type: 'failed', error: errorFacts(new Error('no')) }, undefined],
    [{ type: 'stalled', silentMs: 5 }, undefined],
    [{ type: 'start-timeout', waitedMs: 5 }, undefined],
    [{ type: 'out-of-memory', detail: 'heap' }, undefined],
    [{ type: 'out-of-memory', detail: 'heap', signal: 'SIGABRT' }, 'SIGABRT'],
  ])('%j is %j', (exit, cause) => {
    expect(causeOf(exit)).toBe(cause);
  });
});

describe('whether an exit calls for a restart', () => {
  test.each<[RestartType, readonly ExitCause[], Exit, boolean]>([
    ['permanent', [], { type: 'completed' }, true],
    ['transient', [], { type: 'completed' }, false],
    ['transient', [0], { type: 'completed' }, true],
    ['transient', [], CODE(1), true],
    ['temporary', [], CODE(1), false],
    ['temporary', [1], CODE(1), true],
    ['temporary', [1], CODE(2), false],
    ['temporary', ['SIGSEGV'], SIGNAL('SIGSEGV'), true],
    ['temporary', [0, 1], { type: 'failed', error: errorFacts(new Error('no')) }, false],
  ])('%s, forceOn %j: %j: %s', (restart, forceOn, exit, answer) => {
    expect(callsForRestart({ restart, forceOn }, exit)).toBe(answer);
  });
});

describe('what keeps a child down', () => {
  const plain = { once: false, staysDown: false };

  test('is a cause in preventOn, named with its exit', () => {
    expect(whyKeptDown({ preventOn: [78] }, CODE(78), plain)).toBe(
      'exited with code 78, which is in its preventOn',
    );
    expect(whyKeptDown({ preventOn: [78] }, CODE(77), plain)).toBeUndefined();
  });

  test('is what its afterExit said, or that it was to run once', () => {
    expect(whyKeptDown({ preventOn: [] }, CODE(1), { ...plain, staysDown: true })).toContain('afterExit');
    expect(whyKeptDown({ preventOn: [] }, CODE(1), { ...plain, once: true })).toContain('once');
  });
});

describe('the counts of causes', () => {
  test('reach a limit with the last one too many within its time, each limit by itself', () => {
    const crashes = { on: ['SIGSEGV', 139], count: 3, withinMs: 60_000 } as const;
    const busy = { on: [1], count: 5, withinMs: 1000 };
    const counts = new CauseCounts([crashes, busy]);
    expect(counts.record(SIGNAL('SIGSEGV'), 0)).toBeUndefined();
    for (const atMs of [1, 2, 3, 4]) expect(counts.record(CODE(1), atMs)).toBeUndefined();
    expect(counts.record(CODE(139), 30_000)).toBeUndefined();
    // The first has left the window by now.
    expect(counts.record(SIGNAL('SIGSEGV'), 60_001)).toBeUndefined();
    expect(counts.record(SIGNAL('SIGSEGV'), 60_002)).toBe(crashes);
  });

  test('of one are reached by the first', () => {
    const limit = { on: [70], count: 1, withinMs: 1 };
    expect(new CauseCounts([limit]).record(CODE(70), 5)).toBe(limit);
  });

  test('of several are each counted by every exit, and the first that is reached is told', () => {
    const burst = { on: [1], count: 2, withinMs: 10 };
    const often = { on: [1], count: 3, withinMs: 1000 };
    const counts = new CauseCounts([burst, often]);
    expect(counts.record(CODE(1), 0)).toBeUndefined();
    expect(counts.record(CODE(1), 5)).toBe(burst);
    expect(counts.record(CODE(1), 100)).toBe(often);
    expect(counts.record(CODE(1), 101)).toBe(burst);
  });

  test('are told with their cause', () => {
    const limit = { on: ['SIGSEGV', 139] as const, count: 3, withinMs: 60_000 };
    const exit: Exit = { type: 'gave-up', child: 'r/a', restarts: 3, periodMs: 60_000, attempts: [], limit };
    expect(describeExit(exit)).toBe(
      'gave up: 3 exits by SIGSEGV or code 139 within 60000 ms, the last of "r/a"',
    );
  });
});

test.each([
  [exponentialBackoff({ capMs: 9000 }), 9000],
  [constantBackoff(500), 500],
  [constantBackoff(500, { capMs: 300 }), 300],
  [noBackoff(), 30_000],
])('the longest wait of %j is %i ms', (backoff, ms) => {
  expect(longestDelay(backoff)).toBe(ms);
});
