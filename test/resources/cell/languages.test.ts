import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { snapshotCell } from '../../../src/resources/cell/cell.js';
import { blocksOf } from '../../readme/blocks.js';
import { SharedFileHost } from './host.js';
import { Program } from './programs.js';
import { isWhole, type Storm } from './storm.js';

const run = promisify(execFile);
const page = 'docs/snapshot-cell.md';
const markdown = readFileSync(fileURLToPath(new URL(`../../../${page}`, import.meta.url)), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'treewarden-readers-'));

interface Language {
  readonly name: string;
  readonly needs: string;
  readonly reads: number;
  /** The pause between two versions while it reads; 0 is as fast as can be. */
  readonly pauseMs?: number;
  /** What runs the program in `file`. */
  command(file: string): readonly [string, ...string[]];
}

const LANGUAGES: readonly Language[] = [
  { name: 'c', needs: 'cc', reads: 200, command: (file) => [`${file}.out`] },
  { name: 'php', needs: 'php', reads: 20, command: (file) => ['php', file] },
  { name: 'python', needs: 'python3', reads: 8, command: (file) => ['python3', file] },
  { name: 'perl', needs: 'perl', reads: 8, command: (file) => ['perl', file] },
  { name: 'sh', needs: 'sh', reads: 3, pauseMs: 250, command: (file) => ['sh', file] },
];

function isHere(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** The program that the page shows, ready to be run. */
function programOf({ name, command }: Language): readonly [string, ...string[]] {
  const block = blocksOf(page, markdown).find(({ language }) => language === name);
  const file = join(dir, `reader.${name}`);
  writeFileSync(file, `${block?.code}\n`);
  if (name === 'c') {
    const { status, stderr } = spawnSync('cc', [
      '-O2',
      '-Wall',
      '-Werror',
      '-x',
      'c',
      file,
      '-o',
      `${file}.out`,
    ]);
    expect(status, String(stderr)).toBe(0);
  }
  return command(file);
}

async function readBy([program, ...args]: readonly [string, ...string[]], path: string): Promise<string> {
  return (await run(program, [...args, path], { maxBuffer: 1 << 24 })).stdout;
}

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.each(LANGUAGES.filter(({ needs }) => isHere(needs)))('the reader in $name', (language) => {
  let program: readonly [string, ...string[]];

  beforeAll(() => {
    program = programOf(language);
  });

  test('says nothing of a cell without a value', async () => {
    await using host = new SharedFileHost();
    await host.acquire(snapshotCell({ name: 'rates', bytes: 1_000 }));
    expect(await readBy(program, host.pathOf('rates'))).toBe('');
  });

  test('reads the version, the age and the value', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(snapshotCell({ name: 'rates', bytes: 1_000 }));
    for (const euro of [1, 2, 3]) cell.write({ euro, sign: '€' });
    const [head = '', value] = (await readBy(program, host.pathOf('rates'))).split('\n');
    expect(value).toBe('{"euro":3,"sign":"€"}');
    const [version, ageMs] = head.split(' ').map(Number);
    expect(version).toBe(3);
    expect(ageMs).toBeGreaterThanOrEqual(0);
    expect(ageMs).toBeLessThanOrEqual((cell.ageMs ?? 0) + 1_000);
  });

  test('reads only whole values while they are written', { timeout: 60_000 }, async () => {
    await using host = new SharedFileHost();
    await using writer = new Program(
      new URL('./writer.ts', import.meta.url),
      host.dir,
      'auto',
      '16384',
      `${language.pauseMs ?? 0}`,
    );
    expect(await writer.line()).toBe('writing');
    let last = 0;
    for (let reads = 0; reads < language.reads; reads += 1) {
      const text = await readBy(program, host.pathOf('storm'));
      const version = Number(text.split(' ', 1)[0]);
      const value = JSON.parse(text.slice(text.indexOf('\n') + 1)) as Storm;
      expect([value.n, isWhole(value)]).toEqual([version, true]);
      expect(version).toBeGreaterThanOrEqual(last);
      last = version;
    }
  });
});

test('a reader in sh is always tried', () => {
  expect(isHere('sh')).toBe(true);
});
