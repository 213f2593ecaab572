import { expect, test } from 'vitest';
import { KeptOutput } from '../../../../src/children/process/output/kept-output.js';

const keptOf = (...chunks: readonly (string | Buffer)[]): KeptOutput => {
  const kept = new KeptOutput();
  chunks.forEach((chunk, index) => {
    kept.add(Buffer.from(chunk), index, index * 10);
  });
  return kept;
};

test('lines are told with the moment at which they were whole', () => {
  expect(keptOf('one\ntw', 'o\nthr').lines()).toEqual([
    { order: 0, atMs: 0, text: 'one' },
    { order: 1, atMs: 10, text: 'two' },
    { order: 1, atMs: 10, text: 'thr' },
  ]);
});

test('a character that came in two chunks is one', () => {
  const tree = Buffer.from('🌳\n');
  expect(
    keptOf(tree.subarray(0, 2), tree.subarray(2))
      .lines()
      .map(({ text }) => text),
  ).toEqual(['🌳']);
});

test('what a program writes byte by byte is kept as lines too', () => {
  const text = Array.from({ length: 500 }, (_, line) => `line ${line}\n`).join('');
  expect(
    keptOf(...text)
      .lines()
      .map(({ text }) => text),
  ).toEqual(text.trimEnd().split('\n'));
});

test('of very much only the last is kept, whatever its chunks are', () => {
  for (const size of [7, 1000, 65_536, 300_000]) {
    const text = Array.from({ length: 60_000 }, (_, line) => `${line}\n`).join('');
    const kept = keptOf(...(text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []));
    const lines = kept.lines().map(({ text }) => text);
    expect(lines.at(-1)).toBe('59999');
    expect(lines.length).toBeGreaterThan(600);
    expect(lines.length).toBeLessThanOrEqual(1000);
    expect(lines.slice(1)).toEqual(
      lines.slice(1).map((_, index) => String(60_000 - lines.length + 1 + index)),
    );
  }
});

test('the beginning of a line without an end is told, and nothing where there is none', () => {
  expect(keptOf('one\ntw', 'o').begun.toString()).toBe('two');
  expect(keptOf('one\n').begun.toString()).toBe('');
});
