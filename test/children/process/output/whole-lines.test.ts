import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LineReader } from '../../../../src/children/process/output/line-reader.js';
import { LONGEST_LINE, prefixed, WholeLines } from '../../../../src/children/process/output/whole-lines.js';

/** All blocks that come of these chunks. */
function blocksOf(chunks: readonly Buffer[]): readonly Buffer[] {
  const lines = new WholeLines();
  return [...chunks.map((chunk) => lines.add(chunk)), lines.end()].filter((block) => block !== undefined);
}

function readAll(chunks: readonly Buffer[]): readonly string[] {
  const lines: string[] = [];
  const reader = new LineReader((some) => lines.push(...some));
  for (const chunk of chunks) reader.add(chunk);
  reader.end();
  return lines;
}

const chunked = fc
  .tuple(fc.string({ unit: fc.constantFrom('a', '\n', 'é', '🌳', '\r') }), fc.array(fc.nat(50)))
  .map(([text, cuts]) => {
    const bytes = Buffer.from(text);
    const places = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
    const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
    return { bytes, chunks: chunks.filter(({ length }) => length > 0) };
  });

describe('blocks of whole lines', () => {
  test('wherever chunks end, each block ends a line, and every byte is there, in order', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        const blocks = blocksOf(chunks);
        const mayLackEnd = bytes.length === 0 || bytes.at(-1) === 10 ? '' : '\n';
        expect(Buffer.concat(blocks).toString()).toBe(bytes.toString() + mayLackEnd);
        for (const block of blocks) expect(block.at(-1)).toBe(10);
      }),
    );
  });

  test('a line longer than a line may be is cut, and no byte of it is lost', () => {
    const text = 'x'.repeat(3 * LONGEST_LINE + 5);
    for (const size of [1000, LONGEST_LINE, 4 * LONGEST_LINE]) {
      const chunks = [`${text}\nshort\n`].flatMap(
        (whole) => whole.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [],
      );
      const lines = Buffer.concat(blocksOf(chunks.map((chunk) => Buffer.from(chunk))))
        .toString()
        .split('\n');
      expect(lines.map(({ length }) => length)).toEqual([LONGEST_LINE, LONGEST_LINE, LONGEST_LINE, 5, 5, 0]);
      expect(lines.slice(0, 4).join('')).toBe(text);
    }
  });

  test('a cut goes neither through a character nor through the sequence of a colour', () => {
    for (const torn of ['é', '🌳', '\u001b[38;5;214m', '\u001b[0m']) {
      const length = Buffer.byteLength(torn);
      for (let before = 0; before <= length; before += 1) {
        const text = `${'x'.repeat(LONGEST_LINE - before)}${torn}${'y'.repeat(50)}`;
        const lines = Buffer.concat(blocksOf([Buffer.from(`${text}\n`)]))
          .toString()
          .split('\n');
        expect(lines.join('')).toBe(text);
        expect(lines.filter((line) => line.includes(torn))).toHaveLength(1);
      }
    }
  });

  test('a prefix goes before each line, and changes no byte of it', () => {
    const block = Buffer.from([255, 10, 10, 0xc3, 0xa9, 10]);
    const expected = Buffer.concat(
      ['$& ü ', '\u00ff'].map((text, index) => Buffer.from(text, index ? 'latin1' : 'utf8')),
    );
    const lines = prefixed(block, '$& ü ');
    expect(lines.subarray(0, expected.length)).toEqual(expected);
    expect(lines.toString().split('\n').slice(1)).toEqual(['$& ü ', '$& ü é', '']);
  });
});

describe('lines as strings', () => {
  test('wherever chunks end, the lines are those of the text', () => {
    fc.assert(
      fc.property(chunked, ({ bytes, chunks }) => {
        const expected = bytes.toString().split('\n');
        if (expected.at(-1) === '') expected.pop();
        expect(readAll(chunks)).toEqual(expected.map((line) => line.replace(/\r$/, '')));
      }),
    );
  });

  test('a line longer than a line may be comes in pieces', () => {
    const lines = readAll([Buffer.from('x'.repeat(LONGEST_LINE + 1)), Buffer.from('y\nz')]);
    expect(lines.map(({ length }) => length)).toEqual([LONGEST_LINE, 2, 1]);
  });
});
