import { expect, test } from 'vitest';
import { bytes, count } from '../../src/cli/amounts.js';
import { columns, wrap } from '../../src/cli/columns.js';

test('columns are as wide as their longest cell, and the last is not padded', () => {
  expect(
    columns([
      ['a', 'long one', 'x'],
      ['bbb', 'c', 'yy'],
    ]),
  ).toEqual(['a    long one  x', 'bbb  c         yy']);
});

test('the last column is wrapped below itself to what the line has left', () => {
  const lines = columns([['name', 'one two three four five six seven']], 30);
  expect(lines).toEqual(['name  one two three four five', '      six seven']);
  expect(lines.every((line) => line.length <= 30)).toBe(true);
});

test('styles take no room', () => {
  expect(
    columns([
      ['\u001b[31mno\u001b[39m', 'x'],
      ['yes', 'y'],
    ])[0],
  ).toBe('\u001b[31mno\u001b[39m   x');
});

test('a word that is longer than the line has a line of its own', () => {
  expect(wrap('a incomprehensible b', 5)).toEqual(['a', 'incomprehensible', 'b']);
});

test('amounts are written to be read', () => {
  expect([count(0), count(1234567), count(Number.POSITIVE_INFINITY)]).toEqual(['0', '1 234 567', 'no limit']);
  expect([bytes(0), bytes(1023), bytes(1536), bytes(64 * 2 ** 20)]).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '64 MiB',
  ]);
  expect([bytes(2 ** 64), count(2 ** 64)]).toEqual(['no limit', 'no limit']);
});
