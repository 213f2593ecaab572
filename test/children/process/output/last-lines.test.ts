import { expect, test } from 'vitest';
import { lastLinesOf } from '../../../../src/children/process/output/last-lines.js';

test.each([
  ['nothing of nothing', [], []],
  ['no blank line at the end', ['one', '', 'two', ' ', ''], ['one', '', 'two']],
  [
    'the last twenty of many lines',
    Array.from({ length: 50 }, (_, index) => `${index}`),
    Array.from({ length: 20 }, (_, index) => `${index + 30}`),
  ],
  ['the end of one long line', [`${'x'.repeat(60_000)}end`], [`${'x'.repeat(8189)}end`]],
  [
    'what long lines leave of the one before them',
    ['gone', `${'a'.repeat(9000)}`, 'b'.repeat(5000), 'c'.repeat(3000)],
    ['a'.repeat(192), 'b'.repeat(5000), 'c'.repeat(3000)],
  ],
])('an exit record shows %s', (_, lines, shown) => {
  expect(lastLinesOf(lines)).toEqual(shown);
});
