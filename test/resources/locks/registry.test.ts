import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvalidSpecError, LockStateError, LockTimeoutError } from '../../../src/core/index.js';
import {
  type LockOptions,
  type Mutex,
  mutex,
  ResourceRegistry,
  type RwLock,
  rwLock,
  type Semaphore,
  semaphore,
} from '../../../src/resources/index.js';
import type { ResourceKind } from '../../../src/runtime/index.js';

let folder: string;
let registry: ResourceRegistry;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'treewarden-locks-'));
  registry = await ResourceRegistry.open({ scope: 'locks', stateDir: folder, memoryDir: folder });
});
afterEach(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

test('locks are acquired from a registry, which removes their files when it closes', async () => {
  const lock = await registry.acquire(mutex({ name: 'orders' }));
  const book = await registry.acquire(rwLock({ name: 'prices' }));
  const gate = await registry.acquire(semaphore({ name: 'printers', permits: 2 }));
  (await lock.lock()).release();
  (await book.read()).release();
  (await gate.acquire()).release();
  expect(lock.implementation).toBe(book.implementation);
  await registry.close();
  expect(readdirSync(folder).filter((name) => name.includes('.locks.'))).toEqual([]);
});

test('a second lease of the same name is the same lock', async () => {
  const [one, two] = [
    await registry.acquire(mutex({ name: 'a' })),
    await registry.acquire(mutex({ name: 'a' })),
  ];
  const hold = await one.lock();
  expect(two.tryLock()).toBeUndefined();
  await expect(one.release()).rejects.toThrow(LockStateError);
  hold.release();
  two.tryLock()?.release();
});

test('a semaphore of another number of permits is refused', async () => {
  await registry.acquire(semaphore({ name: 'a', permits: 2 }));
  await expect(registry.acquire(semaphore({ name: 'a', permits: 3 }))).rejects.toThrow(
    /2 permits instead of 3 permits/,
  );
});

test.each([
  [() => mutex({ name: 'a' }), (lock: Mutex, options?: LockOptions) => lock.lock(options)],
  [() => rwLock({ name: 'b' }), (lock: RwLock, options?: LockOptions) => lock.write(options)],
  [
    () => semaphore({ name: 'c', permits: 1 }),
    (lock: Semaphore, options?: LockOptions) => lock.acquire(options),
  ],
] as const)(
  'who holds a lock and asks for it again is told that it waits for itself (%#)',
  async (kind, take) => {
    const lock = await registry.acquire((kind as () => ResourceKind<Mutex & RwLock & Semaphore>)());
    using _hold = await take(lock);
    const refused = await take(lock, { timeoutMs: 0 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(LockTimeoutError);
    expect(String(refused)).toMatch(/This very process has it, and a lock is not re-entrant/);
  },
);

test('a wait may be endless in so many words', async () => {
  const lock = await registry.acquire(mutex({ name: 'a' }));
  const hold = await lock.lock({ timeoutMs: Number.POSITIVE_INFINITY });
  const waiting = lock.lock({ timeoutMs: Number.POSITIVE_INFINITY });
  hold.release();
  (await waiting).release();
  await expect(lock.lock({ timeoutMs: Number.NaN })).rejects.toThrow(InvalidSpecError);
});

test('work that is no function is refused before the lock is taken', async () => {
  const lock = await registry.acquire(mutex({ name: 'a' }));
  const hold = await lock.lock();
  await expect(lock.withLock(7 as never)).rejects.toThrow(InvalidSpecError);
  hold.release();
});

test('what a closing registry finds held counts as held by one who died', async () => {
  const lock = await registry.acquire(mutex({ name: 'a' }));
  const other = await ResourceRegistry.open({ scope: 'locks', stateDir: folder, memoryDir: folder });
  const next = await other.acquire(mutex({ name: 'a' }));
  await lock.lock();
  const waiting = next.lock();
  await registry.close();
  const hold = await waiting;
  expect(hold.ownerDied).toBe(true);
  hold.release();
  await other.close();
});

test.skipIf(process.platform !== 'linux')('locks of a registry without native code load none', () => {
  const program = fileURLToPath(new URL('./fixtures/uses-files.ts', import.meta.url));
  const printed = execFileSync(process.execPath, ['--import', 'tsx', program, folder], { encoding: 'utf8' });
  expect(JSON.parse(printed)).toEqual({ made: ['socket', 'socket', 'socket'], koffi: false });
});
