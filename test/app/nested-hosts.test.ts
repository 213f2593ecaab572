import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'treewarden-nested-'));
const program = join(folder, 'nested.mjs');

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('./fixtures/nested.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { treewarden: fileURLToPath(new URL('../../src/index.ts', import.meta.url)) },
    external: ['koffi'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

let dir: string;
let outer: ChildProcess;
let inner: number;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'treewarden-nested-'));
  outer = spawn(process.execPath, [program, dir, 'outer'], { stdio: ['ignore', 'pipe', 'ignore'] });
  // Safe: it is a pipe.
  for await (const line of createInterface({ input: outer.stdout as NodeJS.ReadableStream })) {
    const [role, pid] = line.split(' ');
    if (role === 'inner') inner = Number(pid);
    if (inner > 0) break;
  }
  await expect.poll(() => existsSync(join(dir, 'pids')), { timeout: 20_000 }).toBe(true);
  expect(carriers()).toHaveLength(3);
}, 60_000);
afterEach(() => {
  outer.kill('SIGKILL');
  for (const pid of carriers()) process.kill(pid, 'SIGKILL');
  inner = 0;
  rmSync(dir, { recursive: true });
});

/** Every process that has our directory in its command line, other than guardians. */
function carriers(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => commandOf(pid).includes(`${dir}\0`) || commandOf(pid).includes(`${dir}/pids`));
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

function heard(): readonly string[] {
  const path = join(dir, 'heard');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

const ends = (): Promise<unknown> =>
  expect.poll(() => carriers(), { timeout: 20_000, interval: 20 }).toEqual([]);

describe.runIf(process.platform === 'linux')('a host beneath a host', () => {
  test('is stopped with it: its own program is asked once, finishes, and nothing is left', async () => {
    const exited = once(outer, 'exit');
    outer.kill('SIGTERM');
    await exited;
    expect(heard()).toEqual(['asked', 'finished']);
    expect(carriers()).toEqual([]);
  }, 60_000);

  test('that is killed leaves nothing behind', async () => {
    const exited = once(outer, 'exit');
    process.kill(inner, 'SIGKILL');
    await exited;
    await ends();
  }, 60_000);

  test('stops, and its program finishes, when the host above it is killed', async () => {
    outer.kill('SIGKILL');
    await ends();
    expect(heard()).toEqual(['asked', 'finished']);
  }, 60_000);
});
