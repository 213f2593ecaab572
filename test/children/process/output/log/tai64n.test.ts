import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { parseTai64n, tai64n, tai64nLocal } from 'treewarden/logs';
import { expect, test } from 'vitest';

const withDaemontools = test.runIf(existsSync('/usr/bin/tai64nlocal') || existsSync('/command/tai64nlocal'));

test('the label of 1970 is the one that daemontools has for it', () => {
  expect(tai64n(new Date(0))).toBe('@400000000000000a00000000');
});

test('what a label says is read again, and labels sort as times do', () => {
  const times = ['1970-01-01T00:00:00.000Z', '2026-11-22T10:20:30.123Z', '2026-11-22T10:20:30.124Z'];
  const labels = times.map((time) => tai64n(new Date(time)));
  expect(labels.map((label) => parseTai64n(`${label} a line`)?.toISOString())).toEqual(times);
  expect([...labels].sort()).toEqual(labels);
});

test.each(['', '@', 'a line', '@40000000', ` ${'@400000000000000a00000000'}`])(
  '"%s" begins with no label',
  (text) => {
    expect(parseTai64n(text)).toBeUndefined();
    expect(tai64nLocal(text)).toBe(text);
  },
);

test('without a time it is the label of now', () => {
  const label = parseTai64n(tai64n())?.getTime() ?? 0;
  expect(Math.abs(Date.now() - label)).toBeLessThan(10_000);
});

withDaemontools('labels at the beginning of lines are written as local time, as tai64nlocal does', () => {
  const text = `${tai64n(new Date('2026-01-02T03:04:05.006Z'))} one\nno label\n@4000000069574d2f12345678 two @400000000000000a00000000\n`;
  expect(tai64nLocal(text)).toBe(execFileSync('tai64nlocal', { input: text, encoding: 'utf8' }));
});
