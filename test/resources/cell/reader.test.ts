import { chmodSync, chownSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  InvalidSpecError,
  ReleasedError,
  ResourceError,
  SharedLayoutError,
} from '../../../src/core/index.js';
import { snapshotCell } from '../../../src/resources/cell/cell.js';
import { snapshotReader } from '../../../src/resources/cell/reader.js';
import { SharedFileHost } from './host.js';

const rates = snapshotCell<{ readonly euro: number }>({ name: 'rates', bytes: 256 });

test('a reader sees the value, the version and the age without a registry', async () => {
  await using host = new SharedFileHost();
  const cell = await host.acquire(rates);
  using byPath = snapshotReader(host.pathOf('rates'));
  using byName = snapshotReader({ scope: 'test', name: 'rates', memoryDir: host.dir });
  expect([byPath.read(), byPath.version, byPath.ageMs]).toEqual([undefined, 0, undefined]);
  cell.write({ euro: 1 });
  for (const reader of [byPath, byName]) {
    expect([reader.read(), reader.version, String(reader.readBytes())]).toEqual([
      { euro: 1 },
      1,
      '{"euro":1}',
    ]);
    const target = Buffer.alloc(10);
    expect([reader.readInto(target), String(target)]).toEqual([10, '{"euro":1}']);
    expect(reader.writtenAt).toEqual(cell.writtenAt);
    expect(reader.ageMs).toBeGreaterThanOrEqual(0);
  }
});

test('a reader finds a cell that is made later, and one that is made anew', async () => {
  await using host = new SharedFileHost();
  using reader = snapshotReader(host.pathOf('rates'));
  expect([reader.read(), reader.version]).toEqual([undefined, 0]);
  const first = await host.acquire(rates);
  const found = reader.waitForChange();
  first.write({ euro: 1 });
  expect([await found, reader.read()]).toEqual([1, { euro: 1 }]);
  unlinkSync(reader.path);
  expect([reader.read(), reader.version]).toEqual([undefined, 0]);
  const second = await host.acquire(rates);
  second.write({ euro: 2 });
  expect([reader.read(), reader.version]).toEqual([{ euro: 2 }, 1]);
});

test('a reader that is closed reads no more', async () => {
  await using host = new SharedFileHost();
  await host.acquire(rates);
  const reader = snapshotReader(host.pathOf('rates'));
  const waiting = reader.waitForChange();
  reader.close();
  reader.close();
  expect(() => reader.read()).toThrow(ReleasedError);
  await expect(waiting).rejects.toThrow(ReleasedError);
});

test('a reader refuses what is no cell', () => {
  const dir = mkdtempSync(join(tmpdir(), 'treewarden-reader-'));
  try {
    const path = join(dir, 'other');
    for (const content of ['', 'TWCELL\0\0', 'TWCELL\0\0\x02\0\0\0\x40\0\0\0', 'x'.repeat(500)]) {
      writeFileSync(path, content);
      using reader = snapshotReader(path);
      expect(() => reader.read()).toThrow(SharedLayoutError);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('a reader refuses a wrong option where it is given', () => {
  expect(() => snapshotReader('')).toThrow(InvalidSpecError);
  expect(() => snapshotReader({ scope: 'a/b', name: 'c' })).toThrow(InvalidSpecError);
  // No registry can have that scope, so its cell would be waited for in vain.
  expect(() => snapshotReader({ scope: 'a.b', name: 'c' })).toThrow(InvalidSpecError);
  expect(() => snapshotReader({ scope: 'a', name: 'c', dir: '/' } as never)).toThrow(InvalidSpecError);
  expect(() => snapshotReader('/x', { codec: 'xml' as never })).toThrow(InvalidSpecError);
});

test('a reader refuses to wait with a wrong option', async () => {
  using reader = snapshotReader('/x');
  await expect(reader.waitForChange({ timeoutMs: Number.NaN })).rejects.toThrow(InvalidSpecError);
});

test.skipIf(process.getuid?.() !== 0)(
  'a cell of another user is read where its path is given, and not where anybody may have put it under that name',
  async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates);
    cell.write({ euro: 1 });
    chownSync(host.pathOf('rates'), 65_534, 65_534);
    const where = { scope: 'test', name: 'rates', memoryDir: host.dir };
    using closed = snapshotReader(where);
    expect(closed.read()).toEqual({ euro: 1 });
    chmodSync(host.dir, 0o1777);
    using open = snapshotReader(where);
    expect(() => open.read()).toThrow(ResourceError);
    expect(() => open.read()).toThrow(/user 65534 has made it/);
    using byPath = snapshotReader(host.pathOf('rates'));
    expect(byPath.read()).toEqual({ euro: 1 });
  },
);

test('what cannot be opened to be read is told with what to do', async () => {
  await using host = new SharedFileHost();
  using long = snapshotReader(`/${'x'.repeat(300)}`);
  expect(() => long.read()).toThrow(ResourceError);
  symlinkSync('/dev/null', host.pathOf('rates'));
  using link = snapshotReader({ scope: 'test', name: 'rates', memoryDir: host.dir });
  expect(() => link.read()).toThrow(/ELOOP/);
});

test('a value that JSON cannot hold is refused by the name of its cell, and why', async () => {
  await using host = new SharedFileHost();
  const cell = await host.acquire(snapshotCell<unknown>({ name: 'any', bytes: 64 }));
  cell.write(1);
  const ring: unknown[] = [];
  ring.push(ring);
  for (const [value, why] of [
    [10n, /BigInt/],
    [ring, /circular/],
    [undefined, /JSON can hold/],
  ] as const) {
    expect(() => cell.write(value)).toThrow(InvalidSpecError);
    expect(() => cell.write(value)).toThrow(/snapshot-cell "any"/);
    expect(() => cell.write(value)).toThrow(why);
  }
  expect(cell.read()).toBe(1);
});
