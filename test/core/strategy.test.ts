import { describe, expect, test } from 'vitest';
import {
  type Exit,
  endsSupervisor,
  groupStart,
  isExpectedStop,
  isNormal,
  judgeExit,
} from '../../src/core/index.js';

const failed: Exit = { type: 'failed', error: { name: 'Error', message: 'x' } };
const exits: readonly Exit[] = [
  { type: 'completed' },
  { type: 'shutdown' },
  { type: 'shutdown', detail: 't' },
  failed,
  { type: 'killed' },
  { type: 'code', code: 3 },
  { type: 'signal', signal: 'SIGSEGV' },
  { type: 'stalled', silentMs: 5 },
  { type: 'out-of-memory', detail: 'heap' },
  { type: 'gave-up', child: 'a', restarts: 1, periodMs: 5, attempts: [] },
];

describe("OTP's table of restart types", () => {
  test.each(exits)('a permanent child is restarted after $type', (exit) => {
    expect(judgeExit('permanent', exit)).toBe('restart');
  });

  test.each(exits)('a transient child is restarted after $type only if that is abnormal', (exit) => {
    expect(judgeExit('transient', exit)).toBe(isNormal(exit) ? 'keep' : 'restart');
  });

  test.each(exits)('a temporary child is dropped after $type', (exit) => {
    expect(judgeExit('temporary', exit)).toBe('drop');
  });

  test('giving up is abnormal, so a transient supervisor that gave up is restarted', () => {
    expect(exits.filter(isNormal).map((exit) => exit.type)).toEqual(['completed', 'shutdown', 'shutdown']);
  });
});

test('one_for_all takes the whole group, rest_for_one those from the failed child on', () => {
  expect(groupStart('one_for_all', 2)).toBe(0);
  expect(groupStart('rest_for_one', 2)).toBe(2);
});

describe('the end of a child that was asked to stop', () => {
  test.each([
    { restart: 'permanent', brutally: false, exit: { type: 'shutdown' }, expected: true },
    { restart: 'permanent', brutally: false, exit: { type: 'completed' }, expected: false },
    { restart: 'permanent', brutally: false, exit: { type: 'shutdown', detail: 't' }, expected: false },
    { restart: 'transient', brutally: false, exit: { type: 'completed' }, expected: true },
    { restart: 'temporary', brutally: false, exit: { type: 'shutdown', detail: 't' }, expected: true },
    { restart: 'transient', brutally: false, exit: { type: 'killed' }, expected: false },
    { restart: 'permanent', brutally: true, exit: { type: 'killed' }, expected: true },
    { restart: 'permanent', brutally: true, exit: { type: 'shutdown' }, expected: false },
  ] as const)(
    '$restart, brutal kill $brutally, $exit: expected is $expected',
    ({ restart, brutally, exit, expected }) => {
      expect(isExpectedStop(restart, brutally, exit)).toBe(expected);
    },
  );
});

describe('auto-shutdown', () => {
  test.each([
    { autoShutdown: 'never', significant: true, left: false, ends: false },
    { autoShutdown: 'any_significant', significant: false, left: false, ends: false },
    { autoShutdown: 'any_significant', significant: true, left: true, ends: true },
    { autoShutdown: 'all_significant', significant: true, left: true, ends: false },
    { autoShutdown: 'all_significant', significant: true, left: false, ends: true },
  ] as const)(
    '$autoShutdown, significant $significant, others left $left: ends $ends',
    ({ autoShutdown, significant, left, ends }) => {
      expect(endsSupervisor({ autoShutdown, significant, othersLeft: () => left })).toBe(ends);
    },
  );
});
