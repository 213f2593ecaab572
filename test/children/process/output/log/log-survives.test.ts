import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'log-survives-'));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
});

const programs = new URL('programs/', import.meta.url);
const loader = fileURLToPath(new URL('../../../../../node_modules/tsx/dist/loader.mjs', import.meta.url));
const commandLine = (program: string, ...args: readonly string[]): string[] => [
  process.execPath,
  '--import',
  loader,
  fileURLToPath(new URL(program, programs)),
  ...args,
];

/** Of a log in a directory, oldest first. */
function readLog(directory: string): string {
  const names = readdirSync(directory).filter((name) => name.startsWith('@'));
  return [...names.sort(), 'current']
    .filter((name) => existsSync(join(directory, name)))
    .map((name) => readFileSync(join(directory, name), 'utf8'))
    .join('');
}

const numbersIn = (text: string): readonly number[] =>
  [...text.matchAll(/^line (\d+) end$/gm)].map(([, number]) => Number(number));
const upTo = (last: number): readonly number[] => Array.from({ length: last }, (_, index) => index + 1);

const canMount =
  spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', root]).status === 0;

describe('a full disk', () => {
  /** Runs the scenario on a small disk of its own, and returns what was noted and what is on it afterwards. */
  function onSmallDisk(whenFull: 'block' | 'drop'): {
    notes: string[];
    log: string;
    total: number;
  } {
    const script = `mount -t tmpfs -o size=3m tmpfs ${folder} && "$@" && cat ${folder}/total && cat ${folder}/log/current`;
    const args = ['-m', 'sh', '-c', script, 'sh', ...commandLine('fills-its-disk.ts', folder, whenFull)];
    const { stdout, stderr } = spawnSync('unshare', args, {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 1e8,
    });
    expect(stderr).toBe('');
    const [notes = '', total = '', ...lines] = stdout.split('\n');
    return { notes: JSON.parse(notes), total: Number(total), log: lines.join('\n') };
  }

  test.runIf(canMount)(
    "with 'block' costs no line: the program waits, and goes on when there is room",
    () => {
      const { notes, log } = onSmallDisk('block');
      expect(numbersIn(log)).toEqual(upTo(60_000));
      expect(log).toBe(log.match(/line \d{8} end\n/g)?.join(''));
      expect(notes).toEqual([
        expect.stringMatching(/its lines wait.*\(ENOSPC\)/),
        expect.stringContaining('is written again'),
      ]);
    },
    120_000,
  );

  test.runIf(canMount)(
    "with 'drop' holds nothing up, and the file says how many lines are missing where",
    () => {
      const { notes, log, total } = onSmallDisk('drop');
      const losses = [
        ...log.matchAll(/^\[treewarden: (\d+) lines \((\d+) bytes\) were dropped here: ENOSPC\]$/gm),
      ];
      const dropped = losses.reduce((sum, [, lines]) => sum + Number(lines), 0);
      expect(dropped).toBeGreaterThan(0);
      expect(numbersIn(log)).toHaveLength(total - dropped);
      expect(notes[0]).toMatch(/are dropped.*\(ENOSPC\)/);
      expect(notes.some((note) => note.includes(`${losses[0]?.[1]} lines`))).toBe(true);
    },
    120_000,
  );
});

test('a program killed in the middle of its rotations, again and again, has lost no line that was written', async () => {
  const directory = join(folder, 'log');
  for (let round = 0; round < 5; round += 1) {
    const before = existsSync(directory) ? readLog(directory) : '';
    const next = (numbersIn(before).at(-1) ?? 0) + 1;
    const files = existsSync(directory) ? readdirSync(directory).length : 0;
    const [file = '', ...args] = commandLine('writes-numbered-lines.ts', directory, String(next));
    const running = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const ended = new Promise((resolve) => running.once('exit', resolve));
    while (!existsSync(directory) || readdirSync(directory).length < files + 5 + round) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    running.kill('SIGKILL');
    await ended;
  }
  const numbers = numbersIn(readLog(directory));
  expect(numbers.length).toBeGreaterThan(1000);
  expect(numbers).toEqual(upTo(numbers.length));
}, 120_000);
