import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { InvalidSpecError, ScopeClosedError } from '../../src/core/index.js';
import {
  custom,
  fileLock,
  type RegistryEvent,
  ResourceRegistry,
  temporaryFile,
} from '../../src/resources/index.js';
import { memoryDirPath } from '../../src/resources/registry/options.js';
import type { ResourceRequest, ResourceScope } from '../../src/runtime/index.js';
import { ended, runs, Trial } from './trial.js';

const NEVER = ['false'] as const;

/** A request as a forked program sends it; releasing it appends its name to a file. */
function noted(trial: Trial, name: string): ResourceRequest {
  const whenDead = ['sh', '-c', `echo ${name} >> ${trial.path('notes')}`];
  return { kind: 'custom', name, whenDead } as ResourceRequest;
}

const notes = (trial: Trial): readonly string[] =>
  readFileSync(trial.path('notes'), 'utf8').trim().split('\n');

describe('opening', () => {
  test.each([
    [{}, 'scope'],
    [{ scope: 'a.b' }, 'scope'],
    [{ scope: 'shop', stateDir: 'here' }, 'stateDir'],
    [{ scope: 'shop', memoryDir: 'here' }, 'memoryDir'],
    [{ scope: 'shop', backend: 'ffi' }, 'backend'],
    [{ scope: 'shop', clock: {} }, 'clock'],
    [{ scope: 'shop', statedir: '/tmp' }, 'statedir'],
  ])('refuses %j by the name of the option', async (options, field) => {
    const opening = ResourceRegistry.open(options as never);
    await expect(opening).rejects.toThrow(InvalidSpecError);
    await expect(opening).rejects.toMatchObject({ field });
  });

  test('starts no process before somebody wants something', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const events: RegistryEvent[] = [];
    registry.on((event) => events.push(event));
    expect(events).toEqual([]);
    await registry.acquire(temporaryFile({ directory: trial.dir }));
    expect(events).toMatchObject([{ type: 'guardian:changed', state: 'watching' }]);
  });

  test('releases what a dead program of the scope has left, and nothing of a living one', {
    timeout: 60_000,
  }, async () => {
    await using trial = new Trial();
    const living = await trial.run('holds', 'file');
    const dead = await trial.run('holds', 'file');
    const { guardian, path } = JSON.parse(dead.said) as { guardian: number; path: string };
    process.kill(dead.process.pid as number, 'SIGSTOP');
    process.kill(guardian, 'SIGKILL');
    await ended(dead.process);
    expect(existsSync(path)).toBe(true);
    const registry = await trial.open();
    expect(existsSync(path)).toBe(false);
    expect(existsSync(JSON.parse(living.said).path)).toBe(true);
    expect(registry.reclaimed.ledgers.map(({ verdict }) => verdict).sort()).toEqual([
      'owner-alive',
      'reclaimed',
    ]);
  });
});

describe('a registry', () => {
  test('makes its ledger with the first thing that is wanted, so that there is none for one that held nothing', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    expect(registry.list()).toEqual([]);
    expect(trial.ledgers).toEqual([]);
    await registry.acquire(temporaryFile({ directory: trial.dir }));
    expect(trial.ledgers).toHaveLength(1);
    await registry.close();
    expect(trial.ledgers).toEqual([]);
  });

  test.each([
    [undefined, 'owner'],
    [7, 'owner'],
    [{}, 'path'],
    [{ path: 'shop' }, 'incarnation'],
    [{ path: 'shop', incarnation: 1, group: null }, 'group.pid'],
    [{ path: 'shop', incarnation: 1, group: { pid: 1, graceMs: 0 } }, 'group.pid'],
    [{ path: 'shop', incarnation: 1, group: { pid: 9, graceMs: Number.NaN } }, 'group.graceMs'],
  ])('opens no scope for %j', async (owner, field) => {
    await using trial = new Trial();
    const registry = await trial.open();
    expect(() => registry.openScope(owner as never)).toThrow(InvalidSpecError);
    expect(() => registry.openScope(owner as never)).toThrow(expect.objectContaining({ field }));
  });

  test('refuses a listener that is none', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    expect(() => registry.on('guardian:changed' as never)).toThrow(InvalidSpecError);
  });
});

describe('a scope', () => {
  test('releases last in first out', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const scope = registry.openScope({ path: 'shop/api', incarnation: 3 });
    for (const name of ['one', 'two', 'three']) await scope.grant(noted(trial, name));
    expect(registry.list()).toMatchObject([
      { kind: 'custom', name: 'one', owner: 'shop/api', incarnation: 3 },
      { kind: 'custom', name: 'two' },
      { kind: 'custom', name: 'three' },
    ]);
    expect(await scope.close()).toEqual([]);
    expect(notes(trial)).toEqual(['three', 'two', 'one']);
    expect(registry.list()).toEqual([]);
  });

  test('opened last is closed first when the registry closes', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    for (const name of ['one', 'two', 'three']) {
      await registry.openScope({ path: `shop/${name}`, incarnation: 1 }).grant(noted(trial, name));
    }
    await registry.close();
    expect(notes(trial)).toEqual(['three', 'two', 'one']);
  });

  test('that closes while something is given back leaves that as it was given', async () => {
    await using trial = new Trial();
    const scope = (await trial.open()).openScope({ path: 'shop/api', incarnation: 1 });
    const { number } = await scope.grant(noted(trial, 'one'));
    const giving = scope.giveBack(number);
    expect(await scope.close()).toEqual([]);
    await giving;
    expect(existsSync(trial.path('notes'))).toBe(false);
  });

  test('carries on past what cannot be released, and tells all of it', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const scope = registry.openScope({ path: 'shop/api', incarnation: 1 });
    const failing = { kind: 'custom', name: 'bad', whenDead: NEVER } as ResourceRequest;
    await scope.grant(failing);
    await scope.grant(noted(trial, 'good'));
    await scope.grant(failing);
    const failures = await scope.close();
    expect(failures.map(String)).toEqual([
      expect.stringContaining('custom "bad"'),
      expect.stringContaining('custom "bad"'),
    ]);
    expect(notes(trial)).toEqual(['good']);
  });

  test('grants nothing once it is closed', async () => {
    await using trial = new Trial();
    const scope = (await trial.open()).openScope({ path: 'shop/api', incarnation: 1 });
    await scope.close();
    await expect(scope.grant(noted(trial, 'late'))).rejects.toThrow(ScopeClosedError);
    expect(existsSync(trial.path('notes'))).toBe(false);
  });

  test('that closes while something is being made releases and refuses it', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const scope: ResourceScope = registry.openScope({ path: 'shop/api', incarnation: 1 });
    const { request } = fileLock({ path: trial.path('lock') });
    const granting = scope.grant(request);
    const closing = scope.close();
    await expect(granting).rejects.toThrow(ScopeClosedError);
    expect(await closing).toEqual([]);
    expect(trial.left).toEqual([]);
  });

  test('of the program itself waits for no lock that another holds', async () => {
    await using trial = new Trial();
    const holder = await trial.open();
    await holder.acquire(fileLock({ path: trial.path('lock') }));
    const registry = await trial.open();
    // Told at the first entry of the ledger, so once it is being made.
    const begun = new Promise((resolve) => registry.on(resolve));
    const acquiring = registry
      .acquire(fileLock({ path: trial.path('lock'), timeoutMs: Number.POSITIVE_INFINITY }))
      .catch((error: unknown) => error);
    await begun;
    await registry.close();
    expect(await acquiring).toBeInstanceOf(ScopeClosedError);
  });

  test('waits for no lock that another holds', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    await registry.acquire(fileLock({ path: trial.path('lock') }));
    const scope = registry.openScope({ path: 'shop/api', incarnation: 1 });
    const granting = scope.grant(
      fileLock({ path: trial.path('lock'), timeoutMs: Number.POSITIVE_INFINITY }).request,
    );
    const refused = expect(granting).rejects.toThrow(ScopeClosedError);
    await scope.close();
    await refused;
  });

  test.each([
    [{ kind: 'nothing' }, 'kind'],
    [{ kind: 'toString' }, 'kind'],
    [{ kind: 'mutex', name: '../x', bytes: 64, image: '' }, 'name'],
    [{ kind: 'mutex', name: 'x', bytes: -1, image: '' }, 'bytes'],
    [{ kind: 'mutex', name: 'x', bytes: 64, image: '' }, 'image'],
    [{ kind: 'custom', name: 'x', whenDead: 'rm -rf /' }, 'whenDead'],
    [{ kind: 'process-group', pid: 1, graceMs: 0, signal: 'SIGTERM' }, 'pid'],
    [{ kind: 'process-group', pid: 4, graceMs: 0, signal: 'toString' }, 'signal'],
    [{ kind: 'file-lock', path: '', pid: 1, timeoutMs: 0 }, 'path'],
    [{ kind: 'temporary-file', name: 'a/b', directory: '/tmp', bytes: 0 }, 'name'],
  ])('refuses %j, whoever sent it', async (request, field) => {
    await using trial = new Trial();
    const scope = (await trial.open()).openScope({ path: 'shop/api', incarnation: 1 });
    const granting = scope.grant(request as ResourceRequest);
    await expect(granting).rejects.toThrow(InvalidSpecError);
    await expect(granting).rejects.toMatchObject({ field });
    expect(trial.left).toEqual([]);
  });

  test('lists the process group that uses it, until it closes', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const program = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const group = { pid: program.pid as number, graceMs: 0 };
    const scope = registry.openScope({ path: 'shop/api', incarnation: 1, group });
    await scope.grant(noted(trial, 'one'));
    const ledger = join(trial.dir, 'state', trial.scope, trial.ledgers[0] as string);
    const lines = readFileSync(ledger, 'latin1')
      .split('\n')
      .filter((line) => line.startsWith('w '));
    expect(lines.map((line) => line.split(' ')[2])).toEqual(['group', 'command']);
    await scope.close();
    // The group was its owner's to end.
    expect(runs(group.pid)).toBe(true);
    await ended(program);
  });
});

describe('closing', () => {
  test('leaves no file, process or listener', async () => {
    await using trial = new Trial();
    const before = process.listenerCount('exit');
    const registry = await trial.open();
    const events: RegistryEvent[] = [];
    registry.on((event) => events.push(event));
    await registry.acquire(temporaryFile({ directory: trial.dir }));
    const lease = await registry.acquire(fileLock({ path: trial.path('lock') }));
    expect(process.listenerCount('exit')).toBe(before + 1);
    await registry.close();
    expect(lease.released).toBe(true);
    expect(events.at(-1)?.state).toBe('stopped');
    expect([...trial.left, ...trial.ledgers]).toEqual([]);
    expect(process.listenerCount('exit')).toBe(before);
    await registry.close();
  });

  test('refuses what is acquired afterwards', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    await registry.close();
    await expect(registry.acquire(temporaryFile())).rejects.toThrow(ScopeClosedError);
    expect(() => registry.openScope({ path: 'a', incarnation: 1 })).toThrow(ScopeClosedError);
  });

  test('gives back what is being acquired', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const acquiring = Promise.allSettled(
      Array.from({ length: 20 }, () => registry.acquire(temporaryFile({ directory: trial.dir, bytes: 10 }))),
    );
    await registry.close();
    for (const { status } of await acquiring) expect(status).toBe('rejected');
    expect([...trial.left, ...trial.ledgers]).toEqual([]);
  });

  test('closes scopes last opened first, and tells every failure at the end', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const order: string[] = [];
    const own = (name: string) => custom({ name, whenDead: ['true'], release: () => order.push(name) });
    await registry.acquire(own('first'));
    const scope = registry.openScope({ path: 'shop/api', incarnation: 1 });
    await scope.grant({ kind: 'custom', name: 'bad', whenDead: NEVER } as ResourceRequest);
    await registry.acquire(own('second'));
    await expect(registry.close()).rejects.toMatchObject({ errors: [{ subject: 'custom "bad"' }] });
    expect(order).toEqual(['second', 'first']);
  });

  test('has the guardian try again what could not be released', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const scope = registry.openScope({ path: 'shop/api', incarnation: 1 });
    const once = `[ -e ${trial.path('tried')} ] && echo again > ${trial.path('notes')} || { : > ${trial.path('tried')}; false; }`;
    await scope.grant({ kind: 'custom', name: 'late', whenDead: ['sh', '-c', once] } as ResourceRequest);
    await expect(registry.close()).rejects.toThrow(AggregateError);
    expect(notes(trial)).toEqual(['again']);
    expect(trial.ledgers).toEqual([]);
  });
});

describe('the guardian', () => {
  test('is replaced when somebody kills it, and nothing is released by that', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const states: string[] = [];
    registry.on(({ state }) => states.push(state));
    const file = await registry.acquire(temporaryFile({ directory: trial.dir }));
    const back = new Promise<void>((resolve) =>
      registry.on(({ state }) => {
        if (state === 'watching') resolve();
      }),
    );
    process.kill(registry.guardian.pid as number, 'SIGKILL');
    await back;
    expect(states).toEqual(['watching', 'restarting', 'watching']);
    expect(existsSync(file.path)).toBe(true);
  });

  test('has a small ledger after ten thousand leases', { timeout: 120_000 }, async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const kept = await registry.acquire(temporaryFile({ directory: trial.dir }));
    for (let round = 0; round < 10_000; round++) {
      const scope = registry.openScope({ path: 'shop/api', incarnation: round });
      await scope.grant(temporaryFile({ directory: memoryDirPath() }).request);
      await scope.close();
    }
    expect(trial.left).toEqual([kept.name.slice(trial.dir.length + 1)]);
    expect(registry.list()).toHaveLength(1);
    const ledger = join(trial.dir, 'state', trial.scope, trial.ledgers[0] as string);
    expect(statSync(ledger).size).toBeLessThan(64 * 1024);
  });
});

describe('a program that ends', () => {
  test.each(['exit', 'throw', 'reject', 'drain', 'SIGTERM', 'SIGKILL', 'SIGABRT'])(
    'by %s leaves nothing of any kind',
    { timeout: 60_000 },
    async (way) => {
      await using trial = new Trial();
      const { process: program, said } = await trial.run('holds', 'everything', way);
      const { group } = JSON.parse(said) as { group: number };
      expect(trial.left.length).toBeGreaterThan(5);
      const gone = once(program, 'exit');
      program.stdin?.end('go\n');
      await gone;
      await expect
        .poll(() => trial.left.filter((name) => name !== 'custom-ran'), {
          timeout: 20_000,
          interval: 5,
        })
        .toEqual([]);
      await expect.poll(() => trial.ledgers, { timeout: 20_000, interval: 5 }).toEqual([]);
      expect(runs(group)).toBe(false);
      expect(existsSync(trial.path('custom-ran'))).toBe(true);
    },
  );
});
