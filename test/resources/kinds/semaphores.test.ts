import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  CapabilityError,
  InvalidSpecError,
  ReleasedError,
  ResourceError,
  ResourceExistsError,
} from '../../../src/core/index.js';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { semaphoreSets } from '../../../src/resources/inspect/system-v.js';
import { makePosixSemaphore } from '../../../src/resources/kinds/make-posix-semaphore.js';
import { makeSemaphoreSet } from '../../../src/resources/kinds/make-semaphore-set.js';
import {
  type PosixSemaphore,
  type PosixSemaphoreOptions,
  posixSemaphore,
} from '../../../src/resources/kinds/posix-semaphore.js';
import {
  type SemaphoreSet,
  type SemaphoreSetOptions,
  semaphoreSet,
} from '../../../src/resources/kinds/semaphore-set.js';
import { MemorySite, NATIVE, ownName, SYSTEM_V } from './memory-site.js';

const acquireSet = (site: MemorySite, options: SemaphoreSetOptions): Promise<SemaphoreSet> =>
  site.acquire(makeSemaphoreSet, semaphoreSet(options));
const acquire = (site: MemorySite, options: PosixSemaphoreOptions): Promise<PosixSemaphore> =>
  site.acquire(makePosixSemaphore, posixSemaphore(options));

describe.skipIf(!SYSTEM_V)('a semaphore set', () => {
  test('counts permits, per semaphore, and never waits', async () => {
    await using site = new MemorySite();
    const set = await acquireSet(site, { permits: [1, 3] });
    expect([set.value(), set.value(1)]).toEqual([1, 3]);
    expect(set.tryTake()).toBe(true);
    expect(set.tryTake()).toBe(false);
    expect(set.tryTake(1, 4)).toBe(false);
    expect(set.tryTake(1, 3)).toBe(true);
    set.give();
    expect([set.value(), set.value(1)]).toEqual([1, 0]);
  });

  test('takes no number that the kernel would understand as another semaphore', async () => {
    await using site = new MemorySite();
    const set = await acquireSet(site, { permits: [1, 1] });
    for (const index of [0.5, 65_536, -1, Number.NaN, '1' as never]) {
      expect(() => set.tryTake(index)).toThrow(InvalidSpecError);
      expect(() => set.give(index)).toThrow(InvalidSpecError);
      expect(() => set.value(index)).toThrow(InvalidSpecError);
    }
    expect(() => set.tryTake(2)).toThrow(ResourceError);
    expect([set.value(0), set.value(1)]).toEqual([1, 1]);
  });

  test('is removed with its owner, and is in the ledger as the kernel knows it until then', async () => {
    await using site = new MemorySite();
    const set = await acquireSet(site, { permits: [1] });
    const { id, changedAtS } = semaphoreSets().find((one) => one.id === set.id)!;
    expect(site.lines).toEqual([
      { step: 'want', entry: { type: 'sysv-sem', key: set.key, count: 1 } },
      { step: 'have', identity: { type: 'sysv-sem', id, changedAtS } },
    ]);
    await set.release();
    expect(semaphoreSets().map((one) => one.id)).not.toContain(id);
    expect(site.listed).toBe(0);
    expect(() => set.value()).toThrow(ReleasedError);
  });

  test('is removed within the exit event, twice without harm', async () => {
    await using site = new MemorySite();
    const claim = await site.grant(makeSemaphoreSet, semaphoreSet({ permits: [1] }).request);
    claim.releaseSync();
    claim.releaseSync();
    const { id } = claim.facts as { id: number };
    expect(semaphoreSets().map((one) => one.id)).not.toContain(id);
  });

  test('of a foreign key is neither taken nor touched', async () => {
    await using site = new MemorySite();
    const owner = await acquireSet(site, { permits: [5] });
    await expect(acquireSet(site, { key: owner.key, permits: [1] })).rejects.toThrow(ResourceExistsError);
    expect(owner.value()).toBe(5);
    // Not even for a moment: who dies then would leave it to a guardian that takes it for ours.
    expect(site.lines.map(({ step }) => step)).toEqual(['want', 'have']);
  });

  test('that somebody removed is told, and the one that has its key now is left alone', async () => {
    await using site = new MemorySite();
    await using stranger = new MemorySite();
    const set = await acquireSet(site, { permits: [1] });
    (await loadNative('auto'))!.systemV!.removeSemaphores(set.id);
    expect(() => set.tryTake()).toThrow(ResourceError);
    const other = await acquireSet(stranger, { key: set.key, permits: [2] });
    await set.release();
    expect(other.value()).toBe(2);
  });

  test('gives back at the release what the lease still holds, and keeps what was newly given', async () => {
    await using site = new MemorySite();
    const owner = await acquireSet(site, { permits: [3] });
    const user = await acquireSet(site, { key: owner.key, attach: true });
    user.tryTake(0, 2);
    user.give(0, 1);
    await user.release();
    expect(owner.value()).toBe(3);
    const giver = await acquireSet(site, { key: owner.key, attach: true });
    giver.give(0, 4);
    await giver.release();
    expect(owner.value()).toBe(7);
  });

  test('gets back what a killed process held, unless that was not wanted', { timeout: 60_000 }, async () => {
    for (const [undo, left] of [
      [true, 2],
      [false, 1],
    ] as const) {
      await using site = new MemorySite();
      const set = await acquireSet(site, { permits: [2], undo });
      await killedWhileHolding('semaphore-set', site, () => expect(set.value()).toBe(1));
      expect(set.value()).toBe(left);
    }
  });

  test('keeps what a killed process had given anew', { timeout: 60_000 }, async () => {
    await using site = new MemorySite();
    const set = await acquireSet(site, { permits: [1] });
    await killedWhileHolding('semaphore-set', site, () => expect(set.value()).toBe(4), { give: 3 });
    expect(set.value()).toBe(4);
  });

  test('has the mode that was asked for', async () => {
    await using site = new MemorySite();
    const set = await acquireSet(site, { permits: [1], mode: 0o666 });
    expect(semaphoreSets().find(({ id }) => id === set.id)?.mode).toBe(0o666);
  });

  test.each<[string, SemaphoreSetOptions]>([
    ['permits', {}],
    ['permits', { permits: [] }],
    ['permits[1]', { permits: [1, 40_000] }],
    ['key', { permits: [1], key: 0 }],
    ['attach', { attach: true }],
    ['count', { permits: [1], count: 3 } as SemaphoreSetOptions],
  ])('refuses a wrong %s where it is given', (field, options) => {
    expect(catching(() => semaphoreSet(options))).toMatchObject({ name: 'InvalidSpecError', field });
  });
});

describe.skipIf(!NATIVE || process.platform !== 'linux')('a POSIX semaphore', () => {
  test('counts permits and never waits', async () => {
    await using site = new MemorySite();
    const semaphore = await acquire(site, { name: ownName('count'), permits: 1 });
    expect(semaphore.tryTake()).toBe(true);
    expect(semaphore.tryTake()).toBe(false);
    expect(semaphore.value).toBe(0);
    semaphore.give();
    semaphore.give();
    expect(semaphore.value).toBe(2);
  });

  test('has a file that is known by its inode before it has its name, and its mode whatever the umask is', async () => {
    await using site = new MemorySite();
    const name = ownName('known');
    const semaphore = await acquire(site, { name, permits: 1, mode: 0o666 });
    const { dev, ino, mode } = statSync(`/dev/shm/sem.${name}`);
    expect(semaphore.path).toBe(`/dev/shm/sem.${name}`);
    expect(mode & 0o777).toBe(0o666);
    expect(site.lines.map(({ step }) => step)).toEqual(['want', 'have']);
    expect(site.lines[1]).toMatchObject({ identity: { type: 'file', dev, ino } });
    await semaphore.release();
    expect(existsSync(semaphore.path)).toBe(false);
    expect(() => semaphore.tryTake()).toThrow(ReleasedError);
  });

  test('of a foreign name is neither taken nor touched', async () => {
    await using site = new MemorySite();
    const name = ownName('foreign');
    const owner = await acquire(site, { name, permits: 5 });
    await expect(acquire(site, { name, permits: 1 })).rejects.toThrow(ResourceExistsError);
    expect(owner.value).toBe(5);
    expect(site.listed).toBe(1);
  });

  test('that somebody else has put in its place is left alone', async () => {
    await using site = new MemorySite();
    const semaphore = await acquire(site, { name: ownName('replaced'), permits: 1 });
    unlinkSync(semaphore.path);
    writeFileSync(semaphore.path, 'another');
    await semaphore.release();
    expect(existsSync(semaphore.path)).toBe(true);
    unlinkSync(semaphore.path);
  });

  test('gives back at the release what the lease still holds', async () => {
    await using site = new MemorySite();
    const name = ownName('held');
    const owner = await acquire(site, { name, permits: 2 });
    const user = await acquire(site, { name, attach: true });
    user.tryTake();
    user.tryTake();
    user.give();
    await user.release();
    expect(owner.value).toBe(2);
  });

  test('is the same in another process, and loses what a killed one held', { timeout: 60_000 }, async () => {
    await using site = new MemorySite();
    const semaphore = await acquire(site, { name: ownName('shared'), permits: 2 });
    await killedWhileHolding('posix-semaphore', site, () => expect(semaphore.value).toBe(1));
    expect(semaphore.value).toBe(1);
  });

  test('that nobody made cannot be attached to', async () => {
    await using site = new MemorySite();
    const refused = await acquire(site, { name: ownName('none'), attach: true }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: 'RESOURCE_FAILED', errno: 'ENOENT' });
  });

  test.each<[string, PosixSemaphoreOptions]>([
    ['name', { name: 'a/b', permits: 1 }],
    ['permits', { name: 'a' }],
    ['permits', { name: 'a', permits: -1 }],
    ['mode', { name: 'a', permits: 1, mode: -1 }],
  ])('refuses a wrong %s where it is given', (field, options) => {
    const refused = catching(() => posixSemaphore(options));
    expect(refused).toBeInstanceOf(InvalidSpecError);
    expect(refused).toMatchObject({ field });
  });
});

describe('without a native part', () => {
  test('a request from elsewhere is checked as one from here', async () => {
    await using site = new MemorySite('files');
    const request = { ...semaphoreSet({ permits: [1] }).request, permits: ['many'] };
    await expect(site.grant(makeSemaphoreSet, request)).rejects.toThrow(InvalidSpecError);
  });

  test('what needs one says which capability is missing', async () => {
    const facts = { native: 'files', key: 1, undo: true };
    const granted = { name: 'a', facts, user: { path: 'test', incarnation: 1 }, giveBack: async () => {} };
    await expect(semaphoreSet({ permits: [1] }).attach(granted)).rejects.toThrow(CapabilityError);
    await expect(posixSemaphore({ name: 'a', permits: 1 }).attach(granted)).rejects.toThrow(CapabilityError);
  });
});

const PROGRAM = fileURLToPath(new URL('./fixtures/takes-permits.ts', import.meta.url));

/** A process takes a permit of the last thing granted, or gives some, and is killed then. */
async function killedWhileHolding(
  kind: string,
  site: MemorySite,
  meanwhile: () => void,
  how: { readonly give?: number } = {},
): Promise<void> {
  const { name, facts } = site.claims.at(-1)!;
  const child = fork(PROGRAM, { execArgv: ['--import', 'tsx'] });
  child.send({ kind, name, facts: facts as object, ...how });
  const [taken] = await once(child, 'message');
  expect(taken).toBe(true);
  meanwhile();
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function catching(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}
