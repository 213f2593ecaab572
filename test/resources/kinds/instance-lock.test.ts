import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  AlreadyLockedError,
  CapabilityError,
  InvalidSpecError,
  ScopeClosedError,
} from '../../../src/core/index.js';
import { capabilities, type ResourceRegistry } from '../../../src/resources/index.js';
import type { InstanceLockFacts } from '../../../src/resources/kinds/make-instance-lock.js';
import type { ResourceRequest, ResourceScope } from '../../../src/runtime/index.js';
import { ended, runs, Trial } from '../trial.js';

const FLOCK = spawnSync('flock', ['--version']).error === undefined;
const CAPABLE = process.platform === 'linux' && FLOCK;
const NATIVE = (await capabilities()).some(({ name, there }) => name === 'native' && there);

function scopeOf(registry: ResourceRegistry, incarnation = 1): ResourceScope {
  return registry.openScope({ path: 'shop/redis', incarnation });
}

async function lock(
  scope: ResourceScope,
  whenHeld: 'kill' | 'wait' | 'refuse',
  graceMs = 5_000,
): Promise<InstanceLockFacts> {
  const { facts } = await scope.grant({
    kind: 'instance-lock',
    name: 'shop/redis',
    whenHeld,
    graceMs,
  } as ResourceRequest);
  return facts as InstanceLockFacts;
}

/** A program that inherits a descriptor, once it runs. */
async function heir(fd: number, script = 'echo; exec sleep 1000'): Promise<ChildProcess & { pid: number }> {
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore', fd], detached: true });
  onTestFinished(() => {
    if (child.pid !== undefined && runs(child.pid)) process.kill(-child.pid, 'SIGKILL');
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child as ChildProcess & { pid: number };
}

/** A copy that runs on although nobody supervises it. */
async function orphan(
  trial: Trial,
  script?: string,
): Promise<{ child: ChildProcess; pid: number; path: string }> {
  const registry = await trial.open();
  const { fd, path } = await lock(scopeOf(registry), 'refuse');
  const child = await heir(fd, script);
  await registry.close();
  return { child, pid: child.pid, path };
}

describe.skipIf(!CAPABLE)('an instance lock', () => {
  test('is held as long as a child has its descriptor, and its file goes with the last of them', async () => {
    await using trial = new Trial();
    const { child, pid, path } = await orphan(trial);
    expect(readFileSync(path, 'utf8')).toBe('shop/redis\n');
    const registry = await trial.open();
    const refused = lock(scopeOf(registry), 'refuse');
    await expect(refused).rejects.toThrow(AlreadyLockedError);
    await expect(refused).rejects.toMatchObject({ holder: pid });
    await expect(refused).rejects.toThrow(`pid ${pid} (sleep 1000) holds it`);
    process.kill(pid, 'SIGKILL');
    await ended(child);
    const scope = scopeOf(registry);
    await lock(scope, 'refuse');
    expect(
      registry
        .inspect()
        .flatMap(({ users }) => users)
        .join(),
    ).toContain(`pid ${process.pid} `);
    await scope.close();
    expect(existsSync(path)).toBe(false);
    await registry.close();
    expect(trial.ledgers).toEqual([]);
  });

  test('has an orphan killed, which is asked first', async () => {
    await using trial = new Trial();
    const { pid } = await orphan(
      trial,
      `trap 'echo >"${trial.path('asked')}"; exit' TERM; echo; while :; do sleep 0.05; done`,
    );
    await lock(scopeOf(await trial.open()), 'kill');
    expect(runs(pid)).toBe(false);
    expect(existsSync(trial.path('asked'))).toBe(true);
  });

  test('has an orphan killed that does not end by itself, and one that was stopped', async () => {
    await using trial = new Trial();
    const { pid } = await orphan(trial, "trap '' TERM; (kill -STOP $$; echo); while :; do sleep 0.05; done");
    await lock(scopeOf(await trial.open()), 'kill', 100);
    expect(runs(pid)).toBe(false);
  });

  test('has one that was stopped go on, so that it ends by its own handler', async () => {
    await using trial = new Trial();
    const { pid } = await orphan(
      trial,
      `trap 'echo >"${trial.path('asked')}"; exit' TERM; (kill -STOP $$; echo); while :; do sleep 0.05; done`,
    );
    await lock(scopeOf(await trial.open()), 'kill', 60_000);
    expect(runs(pid)).toBe(false);
    expect(existsSync(trial.path('asked'))).toBe(true);
  });

  test('has a child of this very program killed, which an earlier incarnation has left', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const before = scopeOf(registry, 1);
    const { fd } = await lock(before, 'refuse');
    const { pid } = await heir(fd);
    await before.close();
    await lock(scopeOf(registry, 2), 'kill');
    expect(runs(pid)).toBe(false);
  });

  test('leaves a process alone that only has the file open', async () => {
    await using trial = new Trial();
    const { pid, path } = await orphan(trial);
    const other = openSync(path, 'r');
    const reader = await heir(other);
    closeSync(other);
    await lock(scopeOf(await trial.open()), 'kill');
    expect([runs(pid), runs(reader.pid)]).toEqual([false, true]);
  });

  test('never has a program killed that supervises in its scope', async () => {
    await using trial = new Trial();
    const [one, two] = [await trial.open(), await trial.open()];
    const { fd } = await lock(scopeOf(one), 'refuse');
    const { pid } = await heir(fd);
    const refused = lock(scopeOf(two), 'kill', 0);
    await expect(refused).rejects.toMatchObject({ holder: process.pid });
    await expect(refused).rejects.toThrow('It is alive and supervises');
    expect(runs(pid)).toBe(true);
  });

  test('never has this very program killed, though somebody has removed its ledger', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { path } = await lock(scopeOf(registry, 1), 'refuse');
    for (const name of trial.ledgers.filter((name) => name.includes('.ledger')))
      unlinkSync(join(dirname(path), name));
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    onTestFinished(() => kill.mockRestore());
    await expect(lock(scopeOf(registry, 2), 'kill', 0)).rejects.toThrow('It is alive and supervises');
    expect(kill.mock.calls.filter(([, signal]) => signal !== 0)).toEqual([]);
  });

  test('waits for its holder, and is taken by one of those who wait', async () => {
    await using trial = new Trial();
    const { pid } = await orphan(trial);
    const registry = await trial.open();
    const [one, two] = [scopeOf(registry, 1), scopeOf(registry, 2)];
    const got: number[] = [];
    const waiting = [one, two].map((scope, at) => lock(scope, 'wait').then(() => got.push(at)));
    expect(got).toEqual([]);
    expect(runs(pid)).toBe(true);
    process.kill(pid, 'SIGKILL');
    await Promise.race(waiting);
    expect(got).toHaveLength(1);
    await (got[0] === 0 ? one : two).close();
    await Promise.all(waiting);
    expect(got).toHaveLength(2);
  });

  test('is waited for no longer than its owner lives', async () => {
    await using trial = new Trial();
    const { pid } = await orphan(trial);
    const scope = scopeOf(await trial.open());
    const waiting = lock(scope, 'wait');
    waiting.catch(() => undefined);
    await scope.close();
    await expect(waiting).rejects.toThrow(ScopeClosedError);
    expect(runs(pid)).toBe(true);
  });

  test('is still held when somebody has removed its file', async () => {
    await using trial = new Trial();
    const { pid, path } = await orphan(trial);
    unlinkSync(path);
    const registry = await trial.open();
    await expect(lock(scopeOf(registry), 'refuse')).rejects.toMatchObject({ holder: pid });
    await lock(scopeOf(registry), 'kill');
    expect(runs(pid)).toBe(false);
  });

  test('is had by its name, also where the file is removed while it is being locked', async () => {
    await using trial = new Trial();
    const { child } = await orphan(trial);
    await ended(child);
    const registry = await trial.open({ backend: 'files' });
    const real = spawnSync('sh', ['-c', 'command -v flock'], { encoding: 'utf8' }).stdout.trim();
    const path = join(trial.dir, 'state', trial.scope, '*.lock');
    // The first to lock finds the file gone once it has it, as one does who waited for a holder that ended.
    const script = `#!/bin/sh\n"${real}" "$@" || exit\n[ -e "$0.once" ] || { rm ${path}; >"$0.once"; }\n`;
    mkdirSync(trial.path('bin'));
    writeFileSync(trial.path('bin/flock'), script, { mode: 0o700 });
    vi.stubEnv('PATH', `${trial.path('bin')}:${process.env['PATH']}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const held = await lock(scopeOf(registry), 'refuse');
    expect(existsSync(trial.path('bin/flock.once'))).toBe(true);
    expect(readFileSync(held.path, 'utf8')).toBe('shop/redis\n');
    expect(fstatSync(held.fd).ino).toBe(statSync(held.path).ino);
  });

  test('is had without libc', async () => {
    await using trial = new Trial();
    await lock(scopeOf(await trial.open({ backend: 'files' })), 'refuse');
    await expect(lock(scopeOf(await trial.open({ backend: 'files' })), 'refuse')).rejects.toThrow(
      AlreadyLockedError,
    );
  });

  test('is refused where nothing can lock, and had by libc where the program is missing', async () => {
    await using trial = new Trial();
    const [files, auto] = [await trial.open({ backend: 'files' }), await trial.open()];
    vi.stubEnv('PATH', trial.dir);
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(lock(scopeOf(files), 'refuse')).rejects.toThrow(CapabilityError);
    if (NATIVE) {
      await lock(scopeOf(auto), 'refuse');
      await expect(lock(scopeOf(auto, 2), 'refuse')).rejects.toThrow(AlreadyLockedError);
    }
  });

  test.each([
    [{ name: '' }, 'name'],
    [{ whenHeld: 'steal' }, 'whenHeld'],
    [{ graceMs: -1 }, 'graceMs'],
  ])('refuses %j', async (wrong, field) => {
    await using trial = new Trial();
    const request = { kind: 'instance-lock', name: 'a', whenHeld: 'wait', ...wrong };
    const refused = scopeOf(await trial.open()).grant(request as ResourceRequest);
    await expect(refused).rejects.toThrow(InvalidSpecError);
    await expect(refused).rejects.toMatchObject({ field });
    expect(trial.ledgers).toEqual([]);
  });
});
