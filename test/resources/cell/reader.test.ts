import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InvalidSpecError, ReleasedError, SharedLayoutError } from '../../../src/core/index.js';
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
