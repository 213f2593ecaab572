import { expect, test } from 'vitest';
import { duration } from '../../src/cli/amounts.js';
import { table } from '../../src/cli/table.js';
import { cellsOf, cutEnd, cutMiddle, harmless } from '../../src/cli/text.js';

test('a text is cut to the cells of a terminal, of which some letters take two or none', () => {
  expect([
    cellsOf('abc'),
    cellsOf('日本'),
    cellsOf('e\u0301'),
    cellsOf('🚀'),
    cellsOf('\u001b[1mab\u001b[22m'),
  ]).toEqual([3, 4, 1, 2, 2]);
  expect([
    cutMiddle('abcdefgh', 5),
    cutMiddle('abcdefgh', 8),
    cutMiddle('abc', 1),
    cutMiddle('abc', 0),
  ]).toEqual(['ab…gh', 'abcdefgh', '…', '']);
  expect(cellsOf(cutMiddle('日本語日本語日本語', 8))).toBeLessThanOrEqual(8);
  expect([cutEnd('abcdef', 4), cutEnd('abc', 3), cutEnd('abc', 0)]).toEqual(['abc…', 'abc', '']);
});

test("what is somebody else's text moves no cursor", () => {
  const shown = [...harmless('a\u001b]0;title\u0007b\nc\u009b2J')];
  expect(shown.filter((letter) => letter < ' ' || (letter >= '\u007f' && letter <= '\u009f'))).toEqual([]);
});

test.each([
  [0, '0 ms'],
  [999, '999 ms'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [250_000, '4 min 10 s'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('%i ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test('a table cuts, then leaves out what can be spared, and never wraps', () => {
  const columns = [
    { heading: 'NAME', cut: { at: 'middle', downTo: 6 } },
    { heading: 'N', align: 'right' },
    { heading: 'SPARE', spare: 1 },
  ] as const;
  const rows = [[{ text: 'a-long-name' }, { text: '7' }, { text: 'spare' }]];
  expect(table(columns, rows, 80)).toEqual(['NAME         N  SPARE', 'a-long-name  7  spare']);
  expect(table(columns, rows, 18)).toEqual(['NAME      N  SPARE', 'a-lo…ame  7  spare']);
  expect(table(columns, rows, 12)).toEqual(['NAME       N', 'a-lo…name  7']);
});
