import { expect, test } from 'vitest';
import { readBytes, readDuration, readNumber, readSignal, readWord } from '../../src/cli/option-values.js';

test('time spans, bytes, numbers and signals are written as people write them', () => {
  expect(['500ms', '30s', '30', '1.5m', '2min', '2h', '1d'].map((text) => readDuration('x', text))).toEqual([
    500, 30_000, 30_000, 90_000, 120_000, 7_200_000, 86_400_000,
  ]);
  expect(['1048576', '512K', '64M', '2GiB', '1kb', '1T'].map((text) => readBytes('x', text))).toEqual([
    1_048_576, 524_288, 67_108_864, 2_147_483_648, 1024, 1_099_511_627_776,
  ]);
  expect(readNumber('x', '-3', -20)).toBe(-3);
  expect(['TERM', 'SIGTERM', 'term', '15'].map(readSignal)).toEqual(Array(4).fill('SIGTERM'));
});

test.each([
  [() => readDuration('timeout', 'soon'), /--timeout takes a time span such as 500ms, 30s or 5m, but "soon"/],
  [() => readDuration('timeout', '-1s'), /time span/],
  [() => readBytes('limit', '5X'), /number of bytes such as 512K/],
  [() => readNumber('lines', '1.5'), /whole number from 0/],
  [() => readNumber('ready-port', '0', 1), /--ready-port takes a whole number from 1, but "0"/],
  [() => readSignal('TREM'), /Did you mean TERM\?/],
  [() => readSignal('FOO'), /There is no signal "FOO"\.$/],
  [
    () => readWord('restart', 'transiet', ['permanent', 'transient']),
    /permanent or transient, .*Did you mean transient\?/,
  ],
])('what is none is refused with what would be one', (read, message) => {
  expect(read).toThrow(message);
});
