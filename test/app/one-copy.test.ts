import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseLedger } from '../../src/resources/guard/lines.js';
import { processLives } from '../resources/guard/place.js';

const CAPABLE = process.platform === 'linux' && spawnSync('flock', ['--version']).status === 0;

let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'treewarden-keeper-'));
  program = join(folder, 'keeper.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./fixtures/keeper.ts', import.meta.url))],
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
const supervisors: ChildProcess[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'treewarden-copies-'));
});
afterEach(() => {
  for (const one of supervisors.splice(0)) one.kill('SIGKILL');
  for (const pid of [...pids(), ...guardians()]) if (processLives(pid)) process.kill(pid, 'SIGKILL');
  rmSync(dir, { recursive: true });
});

type Policy = 'none' | 'kill' | 'wait' | 'refuse';
/** `bare`: it has thrown its mark away. `group`: nobody is to end it. */
type Owned = 'marked' | 'bare' | 'group';

interface Supervisor {
  readonly child: ChildProcess;
  /** Its next line: `ready`, or why it failed. */
  readonly said: Promise<string>;
}

function start(policy: Policy, owned: Owned): Supervisor {
  const child = spawn(process.execPath, [program, dir, policy, owned], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  supervisors.push(child);
  const lines = createInterface({ input: child.stdout });
  return { child, said: once(lines, 'line').then(([line]) => String(line)) };
}

/** Of all copies that were ever started. */
function pids(): readonly number[] {
  const path = join(dir, 'pids');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
}

function living(): readonly number[] {
  return pids().filter(processLives);
}

function guardians(): readonly number[] {
  const scope = join(dir, 'state/keeper');
  return readdirSync(scope)
    .filter((name) => name.endsWith('.ledger'))
    .map((name) => parseLedger(readFileSync(join(scope, name), 'latin1'))?.guardian?.pid ?? 0)
    .filter((pid) => pid > 0);
}

/** Until the program runs that its supervisor has started. */
async function firstCopy(policy: Policy, owned: Owned): Promise<{ child: ChildProcess; pid: number }> {
  const { child, said } = start(policy, owned);
  expect(await said).toBe('ready');
  await expect.poll(() => pids().length, { timeout: 10_000, interval: 5 }).toBe(1);
  return { child, pid: pids()[0] ?? 0 };
}

async function kill(child: ChildProcess, withGuardian: boolean): Promise<void> {
  const exited = once(child, 'exit');
  if (withGuardian) for (const pid of guardians()) process.kill(pid, 'SIGKILL');
  child.kill('SIGKILL');
  await exited;
}

describe.skipIf(!CAPABLE).each([
  ['its guardian alive', false],
  ['its guardian dead', true],
])('after kill -9 of a supervisor, %s', (_, withGuardian) => {
  test.each<Policy>(['none', 'kill', 'wait', 'refuse'])(
    'a new start never runs a second copy of a program (exclusive: %s)',
    async (policy) => {
      const { child, pid } = await firstCopy(policy, 'marked');
      await kill(child, withGuardian);
      const { said } = start(policy, 'marked');
      expect(await said).toBe('ready');
      expect(processLives(pid)).toBe(false);
      await expect.poll(() => pids().length, { timeout: 10_000, interval: 5 }).toBe(2);
      expect(living()).toHaveLength(1);
    },
  );

  test('one that has thrown its mark away is ended by its group', async () => {
    const { child, pid } = await firstCopy('none', 'bare');
    await kill(child, withGuardian);
    const { said } = start('none', 'bare');
    expect(await said).toBe('ready');
    expect(processLives(pid)).toBe(false);
    await expect.poll(() => pids().length, { timeout: 10_000, interval: 5 }).toBe(2);
    expect(living()).toHaveLength(1);
  });

  test('one that nobody has ended is killed by the lock that it holds', async () => {
    const { child, pid } = await firstCopy('kill', 'group');
    await kill(child, withGuardian);
    expect(processLives(pid)).toBe(true);
    const { said } = start('kill', 'group');
    expect(await said).toBe('ready');
    expect(processLives(pid)).toBe(false);
    await expect.poll(() => pids().length, { timeout: 10_000, interval: 5 }).toBe(2);
    expect(living()).toHaveLength(1);
  });

  test('one that nobody has ended is waited for by the lock that it holds', async () => {
    const { child, pid } = await firstCopy('wait', 'group');
    await kill(child, withGuardian);
    const { said } = start('wait', 'group');
    // The new supervisor has a ledger of its own by the time it asks for the lock.
    await expect.poll(() => guardians().length, { timeout: 10_000, interval: 5 }).toBeGreaterThan(0);
    expect(pids()).toEqual([pid]);
    process.kill(pid, 'SIGKILL');
    expect(await said).toBe('ready');
    await expect.poll(() => pids().length, { timeout: 10_000, interval: 5 }).toBe(2);
    expect(living()).toHaveLength(1);
  });

  test('one that nobody has ended is named where that is asked for', async () => {
    const { child, pid } = await firstCopy('refuse', 'group');
    await kill(child, withGuardian);
    const { said } = start('refuse', 'group');
    expect(await said).toMatch(new RegExp(`^failed .*pid ${pid} \\(sleep 1000\\) holds it`));
    expect(living()).toEqual([pid]);
  });
});
