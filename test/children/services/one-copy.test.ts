import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseLedger } from '../../../src/resources/guard/lines.js';
import { processLives } from '../../resources/guard/place.js';
import { ServiceDirectory, SLEEPS } from './directory.js';

const CAPABLE = process.platform === 'linux' && spawnSync('flock', ['--version']).status === 0;
const has = (program: string): boolean => existsSync(join('/usr/bin', program));

let folder: string;
let program: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'treewarden-keeps-services-'));
  program = join(folder, 'keeps-services.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./fixtures/keeps-services.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    alias: { treewarden: fileURLToPath(new URL('../../../src/index.ts', import.meta.url)) },
    external: ['koffi'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

let here: ServiceDirectory;
const keepers: Keeper[] = [];
const others: ChildProcess[] = [];
beforeEach(() => {
  here = new ServiceDirectory();
});
afterEach(async () => {
  for (const { child } of keepers.splice(0)) await end(child);
  for (const one of others.splice(0)) await end(one);
  for (const pid of [...copies(), ...guardians()]) if (processLives(pid)) process.kill(pid, 'SIGKILL');
  await here.remove();
});

/** A program that keeps the directory, and what it says. */
class Keeper {
  readonly child: ChildProcess;
  readonly lines: string[] = [];

  constructor(id: string, state = 'state') {
    this.child = spawn(process.execPath, [program, here.path, join(here.root, state), id], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    keepers.push(this);
    // Safe: it was asked for as a pipe.
    createInterface({ input: this.child.stdout as NonNullable<ChildProcess['stdout']> }).on('line', (line) =>
      this.lines.push(line),
    );
  }

  async says(pattern: RegExp): Promise<string> {
    await expect
      .poll(() => this.lines.some((line) => pattern.test(line)), { timeout: 30_000, interval: 10 })
      .toBe(true);
    return this.lines.find((line) => pattern.test(line)) ?? '';
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

const WRITES_ITS_PID = '#!/bin/sh\necho $$ >> pids\nexec sleep 1000\n';

/** Of all copies of the service that were ever started. */
function copies(): readonly number[] {
  return here.read('service/web/pids').split('\n').filter(Boolean).map(Number);
}

function living(): readonly number[] {
  return copies().filter(processLives);
}

function guardians(): readonly number[] {
  const ledgers = ['state', 'other'].flatMap((state) => {
    const scope = join(here.root, state, 'services');
    return existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : [];
  });
  return ledgers
    .filter((path) => path.endsWith('.ledger'))
    .map((path) => parseLedger(readFileSync(path, 'latin1'))?.guardian?.pid ?? 0)
    .filter((pid) => pid > 0);
}

describe.runIf(CAPABLE)('a service runs once', () => {
  test.each([
    ['alive', false],
    ['dead', true],
  ])(
    'after kill -9 of its keeper and a new start, with the guardian %s',
    async (_, withGuardian) => {
      here.write('web', { run: WRITES_ITS_PID });
      const first = new Keeper('services');
      await first.says(/^ready services\/web /);
      await expect.poll(copies, { timeout: 10_000 }).toHaveLength(1);
      if (withGuardian) for (const pid of guardians()) process.kill(pid, 'SIGKILL');
      await end(first.child);
      await new Keeper('services').says(/^ready services\/web /);
      await expect.poll(copies, { timeout: 10_000 }).toHaveLength(2);
      expect(living()).toHaveLength(1);
      expect(living()).toEqual(copies().slice(1));
    },
    60_000,
  );

  test('whatever is left of another tree: it holds the lock, is named, and waited for', async () => {
    here.write('web', { run: WRITES_ITS_PID });
    const first = new Keeper('services');
    await first.says(/^ready services\/web /);
    await expect.poll(copies, { timeout: 10_000 }).toHaveLength(1);
    const [orphan = 0] = copies();
    for (const pid of guardians()) process.kill(pid, 'SIGKILL');
    await end(first.child);
    const second = new Keeper('others', 'other');
    await second.says(new RegExp(`is kept by sleep 1000 \\(pid ${orphan}\\) already, and waits for its end`));
    expect(copies()).toEqual([orphan]);
    process.kill(orphan, 'SIGKILL');
    await second.says(/^ready others\/web /);
    await expect.poll(copies, { timeout: 10_000 }).toHaveLength(2);
    expect(living()).toHaveLength(1);
  }, 60_000);

  test('when two keep the same directory: the second names the first, and takes over at its end', async () => {
    here.write('web', { run: WRITES_ITS_PID });
    const first = new Keeper('services');
    await first.says(/^ready services\/web /);
    const second = new Keeper('others', 'other');
    await second.says(new RegExp(`is kept by .*\\(pid ${first.child.pid}\\).* already, and waits`));
    first.child.kill('SIGTERM');
    await second.says(/^ready others\/web /);
    await expect.poll(copies, { timeout: 10_000 }).toHaveLength(2);
    expect(living()).toHaveLength(1);
    expect(second.lines.filter((line) => line.startsWith('noted'))).toHaveLength(1);
  }, 60_000);

  test.each(['supervise', 'runsv', 's6-supervise'].map((name) => [name, has(name)] as const))(
    'when %s keeps it',
    async (name, isThere) => {
      if (!isThere) return;
      const dir = here.write('web', { run: WRITES_ITS_PID });
      const other = spawn(name, [dir], { stdio: 'ignore' });
      others.push(other);
      await expect.poll(copies, { timeout: 10_000 }).toHaveLength(1);
      await here.start();
      await here.noted(new RegExp(`web is kept by .*${name} .*\\(pid ${other.pid}\\).* already`));
      expect(copies()).toHaveLength(1);
      await end(other);
      for (const pid of living()) process.kill(pid, 'SIGKILL');
      await here.ready('web');
      await expect.poll(copies, { timeout: 10_000 }).toHaveLength(2);
    },
    60_000,
  );

  test.runIf(has('supervise'))('when it is kept here already: supervise refuses it', async () => {
    const dir = here.write('web', { run: SLEEPS });
    await here.start();
    await here.ready('web');
    const refused = spawnSync('supervise', [dir], { encoding: 'utf8', timeout: 10_000 });
    expect(refused.stderr).toContain('unable to acquire');
    expect(refused.status).toBe(111);
  });
});
