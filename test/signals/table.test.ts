import { describe, expect, test } from 'vitest';
import { InvalidSpecError } from '../../src/core/index.js';
import { exitCodeOf, isAddressed, type SignalMap, signalTable } from '../../src/signals/index.js';

test('SIGTERM, SIGINT, SIGHUP and SIGQUIT begin a drain unless the program says otherwise', () => {
  expect([...signalTable()]).toEqual([
    ['SIGTERM', 'drain'],
    ['SIGINT', 'drain'],
    ['SIGHUP', 'drain'],
    ['SIGQUIT', 'drain'],
  ]);
});

test("a program's wishes are laid over the defaults, and false leaves a signal to Node", () => {
  const table = signalTable({ SIGQUIT: 'kill', SIGHUP: false, SIGUSR2: { forward: 'workers/*' } });
  expect(Object.fromEntries(table)).toEqual({
    SIGTERM: 'drain',
    SIGINT: 'drain',
    SIGQUIT: 'kill',
    SIGUSR2: { forward: 'workers/*' },
  });
});

describe('a wrong wish is refused with the field, the value and what would do', () => {
  const cases: readonly (readonly [why: string, map: unknown, field: string])[] = [
    ['a signal that does not exist', { SIGTREM: 'drain' }, 'signals.SIGTREM'],
    ['SIGKILL, which cannot be trapped', { SIGKILL: 'drain' }, 'signals.SIGKILL'],
    ['SIGSTOP, which cannot be trapped', { SIGSTOP: 'ignore' }, 'signals.SIGSTOP'],
    ['SIGSEGV, after which nothing is sure', { SIGSEGV: 'ignore' }, 'signals.SIGSEGV'],
    ['a meaning that is none', { SIGTERM: 'die' }, 'signals.SIGTERM'],
    ['true', { SIGTERM: true }, 'signals.SIGTERM'],
    ['null', { SIGTERM: null }, 'signals.SIGTERM'],
    ['a forward to nobody', { SIGUSR2: { forward: [''] } }, 'signals.SIGUSR2'],
    ['a forward to a number', { SIGUSR2: { forward: 3 } }, 'signals.SIGUSR2'],
    ['a forward as no signal', { SIGUSR2: { forward: true, as: 'USR1' } }, 'signals.SIGUSR2.as'],
    ['no map at all', 'SIGTERM', 'signals'],
  ];

  test.each(cases)('%s', (_, map, field) => {
    const attempt = (): unknown => signalTable(map as SignalMap);
    expect(attempt).toThrow(InvalidSpecError);
    expect(attempt).toThrow(expect.objectContaining({ field, rule: 'invalid_option' }));
  });
});

describe('a forward names children by path', () => {
  const cases: readonly (readonly [path: string, to: true | string | readonly string[], hit: boolean])[] = [
    ['api', true, true],
    ['workers/resize', true, true],
    ['workers/resize', 'workers/resize', true],
    ['workers/resize', 'workers/*', true],
    ['workers/resize', '*/resize', true],
    ['workers/resize', 'workers', true],
    ['workers/deep/er', 'workers/*', true],
    ['workers', 'workers/*', false],
    ['workers/resize', 'resize', false],
    ['workers2', 'workers', false],
    ['api', ['workers', 'api'], true],
    ['mail', ['workers', 'api'], false],
  ];

  test.each(cases)('%s by %j: %s', (path, to, hit) => {
    expect(isAddressed(path, to)).toBe(hit);
  });
});

test('an exit code by signal is what a shell reports', () => {
  expect((['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const).map(exitCodeOf)).toEqual([129, 130, 131, 143]);
});
