import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry, Identity } from '../../../src/resources/guard/entry.js';
import { GUARDIAN_SCRIPT } from '../../../src/resources/guard/guardian-script.js';
import {
  dropLine,
  guardianLine,
  haveLine,
  headerLine,
  type LedgerHeader,
  parseLedger,
  wantLine,
} from '../../../src/resources/guard/lines.js';
import { fromToken, toToken } from '../../../src/resources/guard/tokens.js';
import { SHELLS } from './shells.js';

const HEADER: LedgerHeader = {
  scope: 'shop',
  owner: { pid: 12, tid: 12, startTicks: 34 },
  pidNamespace: 1,
  ipcNamespace: 2,
  mountNamespace: 3,
  bootId: 'b00t',
  uid: 1000,
};

const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom(' ', '\n', '\t', '\\', '0', 'n', 'c', '"', "'", '$', '`', '*', '.', 'ü', '🌳'),
    }),
    fc.constantFrom('', '.', '..', '""', '-n', '-', '\\c', '\\0', '%s', '~', '#', '\n', ' ', '\r\n', '\\\\'),
  )
  .filter((one) => !one.includes('\0') && Buffer.from(one).toString() === one);
const path = fc
  .array(
    text.filter((one) => !one.includes('/')),
    { minLength: 1 },
  )
  .map((parts) => `/${parts.join('/')}`);
const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const key = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    type: fc.constant('file' as const),
    paths: fc.oneof(fc.tuple(path), fc.tuple(path, path)),
    onDisk: fc.boolean(),
  }),
  fc.record({ type: fc.constant('shared-file' as const), paths: fc.tuple(path, path), onDisk: fc.boolean() }),
  fc.record({ type: fc.constant('directory' as const), path, onDisk: fc.boolean() }),
  fc.record({ type: fc.constant('sysv-shm' as const), key, bytes: number }),
  fc.record({ type: fc.constant('sysv-sem' as const), key, count: number }),
  fc.record({
    type: fc.constant('group' as const),
    pid: fc.integer({ min: 2, max: 4_194_304 }),
    graceMs: fc.oneof(fc.nat(), fc.constant(Number.POSITIVE_INFINITY)),
    signal: fc.constantFrom('SIGTERM' as const, 'SIGUSR1' as const, undefined),
    drain: fc.option(fc.record({ signal: fc.constant('SIGQUIT' as const), ms: fc.nat() }), {
      nil: undefined,
    }),
  }),
  fc.record({ type: fc.constant('command' as const), argv: fc.tuple(text, text, text) }),
);

function identityOf({ type }: Entry): Identity {
  if (type === 'file' || type === 'shared-file' || type === 'directory') return { type, dev: 2049, ino: 77 };
  if (type === 'sysv-shm') return { type, id: 5, cpid: 12 };
  if (type === 'sysv-sem') return { type, id: 6, changedAtS: 1_700_000_000 };
  return type === 'group' ? { type, startTicks: 99 } : { type };
}

describe('words', () => {
  test('any text without a NUL comes back as it was, and is one plain word', () => {
    fc.assert(
      fc.property(text, (one) => {
        const token = toToken(one);
        expect(token).toMatch(/^[!-~]+$/);
        expect(token).not.toMatch(/[*?[\]'$`;|&<>(){}~#]/);
        expect(token).not.toBe('.');
        expect(fromToken(token)).toBe(one);
      }),
      { numRuns: 1000 },
    );
  });

  test.for(SHELLS)('%s reads them as TypeScript does', ([file, ...args]) => {
    const decode = /^decode\(\) \{$[\s\S]*?^\}$/m.exec(GUARDIAN_SCRIPT)?.[0];
    const loop = `${decode}\nset -f\nwhile read -r word; do decode "$word"; printf '%s\\0' "$text"; done`;
    fc.assert(
      fc.property(fc.array(text, { minLength: 50, maxLength: 100 }), (texts) => {
        const input = texts.map((one) => `${toToken(one)}\n`).join('');
        const { stdout } = spawnSync(file, [...args, '-c', loop], { input });
        expect(stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(texts);
      }),
      { numRuns: 15 },
    );
  });

  test.for(['', 'a b', 'a\\n', '\\0400', '\\012', 'a\tb', 'ü', '""x', '$x', "'"])('%j is none', (token) => {
    expect(fromToken(token)).toBeUndefined();
  });

  test('a NUL is refused', () => {
    expect(() => toToken('a\0b')).toThrow(RangeError);
  });
});

describe('a ledger', () => {
  test('says what was written into it: the latest of each number, without what was dropped', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(entry, fc.constantFrom('want', 'have', 'drop'))), (entries) => {
        const lines = entries.flatMap(([one, how], index) => [
          wantLine(index + 1, one, 1_699_999_999),
          ...(how === 'want' ? [] : [haveLine(index + 1, identityOf(one))]),
          ...(how === 'drop' ? [dropLine(index + 1)] : []),
        ]);
        const parsed = parseLedger(headerLine(HEADER) + lines.join(''));
        expect(parsed?.header).toEqual(HEADER);
        expect(parsed?.ignoredLines).toBe(0);
        expect(parsed?.entries.map((one) => [one.number, one.entry, one.identity])).toEqual(
          entries.flatMap(([one, how], index) =>
            how === 'drop' ? [] : [[index + 1, one, how === 'have' ? identityOf(one) : undefined]],
          ),
        );
      }),
    );
  });

  test('that was torn anywhere says what its whole lines say', () => {
    const whole =
      headerLine(HEADER) +
      wantLine(1, { type: 'file', paths: ['/a', '/b c'], onDisk: false }, 0) +
      haveLine(1, { type: 'file', dev: 1, ino: 2 }) +
      wantLine(2, { type: 'command', argv: ['rm', '.', ''] }, 0) +
      dropLine(1);
    for (let cut = 0; cut < whole.length; cut++) {
      const torn = whole.slice(0, cut);
      const untorn = torn.slice(0, torn.lastIndexOf('\n') + 1);
      expect(parseLedger(torn)).toEqual(parseLedger(untorn));
      // As after a write that failed half way and could not be taken back.
      const carriedOn = parseLedger(`${torn}\n${guardianLine({ pid: 5, tid: 5, startTicks: 6 })}`);
      if (untorn === '') expect(carriedOn === undefined || cut === headerLine(HEADER).length - 1).toBe(true);
      else expect(carriedOn?.guardian).toEqual({ pid: 5, tid: 5, startTicks: 6 });
    }
  });

  test.for([
    'w 1 file 0 relative .',
    'w 1 file 2 /a .',
    'w 1 file 0 .',
    'w 1 directory 0 /a /b .',
    'w 1 sysv-shm 1 2 .',
    'w 1 sysv-sem x 2 3 .',
    'w 1 group 1 0 - .',
    'w 1 group 0 0 - .',
    'w 1 group 5 0 -9 .',
    'w 1 group 5 soon TERM .',
    'w 1 group 5 0 TERM QUIT .',
    'w 1 group 5 0 TERM -3 500 .',
    'w 1 group 5 0 TERM QUIT soon .',
    'w 1 group 5 0 TERM QUIT 500 more .',
    'w 1 command .',
    'w 1 volcano /a .',
    'w x file 0 /a .',
    'h 1 1 2 .',
    'x 1 .',
    'd 1 2 .',
    'w 1 file 0 /a',
    'w 1 file 0 /a b" .',
    'w 1 constructor .',
  ])('passes over %j', (line) => {
    const parsed = parseLedger(`${headerLine(HEADER)}${line}\n`);
    expect(parsed).toMatchObject({ entries: [], guardian: undefined, ignoredLines: 1 });
  });

  test.for([
    '',
    '\n',
    'hello\n',
    headerLine(HEADER).replace(' 1 ', ' 2 '),
    headerLine(HEADER).replace(' .', ''),
    headerLine(HEADER).replace('1000', 'root'),
    headerLine(HEADER).trimEnd(),
    `\n${headerLine(HEADER)}`,
  ])('that begins with %j is none', (first) => {
    expect(
      parseLedger(`${first}${wantLine(1, { type: 'file', paths: ['/a'], onDisk: false }, 0)}`),
    ).toBeUndefined();
  });
});
