import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { endAll, type Program, run } from '../app/program.js';

/** The built program. */
export const PROGRAM: string = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export function fixture(name: string): string {
  return fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
}

/** How a run of the program ended. */
export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let place = '';

/** Gives each test directories of its own for sockets and ledgers, and ends what it has started. */
export function inPlaceOfItsOwn(): () => string {
  const before = { ...process.env };
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'treewarden-cli-'));
    Object.assign(process.env, { XDG_RUNTIME_DIR: place, TREEWARDEN_STATE_DIR: join(place, 'state') });
    delete process.env['TREEWARDEN_SOCKET'];
  });
  afterEach(async () => {
    await endAll();
    process.env = { ...before };
    rmSync(place, { recursive: true, force: true });
  });
  return () => place;
}

/** Runs the program to its end. */
export function treewarden(...args: readonly string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: undefined },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** Starts the program; what it says on stderr is among its lines. */
export function start(...args: readonly string[]): Program {
  return run('sh', ['-c', 'exec "$@" 2>&1', 'sh', process.execPath, PROGRAM, ...args]);
}

/** Starts the program on a terminal of its own. */
export function startOnTerminal(...args: readonly string[]): Program {
  return run('script', ['-qec', [process.execPath, PROGRAM, ...args].join(' '), '/dev/null']);
}

/** Starts a tree, and resolves when it is ready. */
export async function startTree(...args: readonly string[]): Promise<Program> {
  const tree = start('run', ...args);
  await tree.says(/ {2}ready after /);
  return tree;
}

/** Stops a tree and waits for its end. */
export async function stopTree(tree: Program): Promise<void> {
  tree.kill('SIGTERM');
  await tree.ended;
}

/** Signals a tree again and again until it says that everything is ended: signals that come close together count once. */
export async function endAtOnce(tree: Program): Promise<void> {
  await expect
    .poll(
      () => {
        tree.kill('SIGINT');
        return tree.lines.join('\n');
      },
      { interval: 200, timeout: 10_000 },
    )
    .toMatch(/everything is ended at once/);
}
