import { spawnSync } from 'node:child_process';
import {
  chownSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LockStateError, ReleasedError, ResourceError, SharedLayoutError } from '../../../src/core/index.js';
import type { Native } from '../../../src/resources/backend/backend.js';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { openRegion } from '../../../src/resources/backend/region.js';

const LINUX = process.platform === 'linux';
const ROOT = process.geteuid?.() === 0;
const koffi = await loadNative('koffi');

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(LINUX ? '/dev/shm' : tmpdir(), 'treewarden-test-'));
  path = join(folder, 'file');
  writeFileSync(path, Buffer.alloc(4096));
});
afterAll(() => rmSync(folder, { recursive: true }));

const backends: readonly (readonly [string, Native | undefined])[] = [
  ['mapped', koffi],
  ['through its descriptor', undefined],
];

describe.each(backends)('a region, %s', (name, native) => {
  const skip = name === 'mapped' && native === undefined;

  test.skipIf(skip)('is read and written at any offset, and knows its file', () => {
    const region = openRegion(path, { bytes: 4096, access: 'write', native });
    region.write(4000, Buffer.from('hello'));
    expect(region.read(4001, 3).toString()).toBe('ell');
    expect(region.read(4096, 0)).toHaveLength(0);
    expect([region.path, region.bytes, region.mapping === undefined]).toEqual([
      path,
      4096,
      native === undefined,
    ]);
    region.close();
    expect(statSync(path).size).toBe(4096);
  });

  test.skipIf(skip)('nothing outside it is read or written', () => {
    const region = openRegion(path, { access: 'write', native });
    for (const offset of [-1, 4095, Number.NaN]) {
      expect(() => region.read(offset, 2)).toThrow(RangeError);
      expect(() => region.write(offset, Buffer.alloc(2))).toThrow(RangeError);
    }
    expect(() => region.read(0, -1)).toThrow(RangeError);
    region.close();
  });

  test.skipIf(skip)('one that was opened to be read refuses to be written', () => {
    for (const access of ['read', 'copy-on-write'] as const) {
      const region = openRegion(path, { access, native });
      expect(() => region.write(0, Buffer.alloc(1))).toThrow(LockStateError);
      expect(region.read(0, 1)).toHaveLength(1);
      region.close();
    }
  });

  test.skipIf(skip)('once closed it throws, and may be closed again', () => {
    const region = openRegion(path, { access: 'write', native });
    const { fd } = region;
    region.close();
    region.close();
    expect(region.closed).toBe(true);
    for (const use of [() => region.fd, () => region.read(0, 1), () => region.write(0, Buffer.alloc(1))]) {
      expect(use).toThrow(ReleasedError);
    }
    expect(() => fstatSync(fd)).toThrow(expect.objectContaining({ code: 'EBADF' }));
  });

  test.skipIf(skip)('a symbolic link is refused', () => {
    const link = join(folder, 'link');
    symlinkSync(path, link);
    expect(() => openRegion(link, { access: 'read', native })).toThrow(
      expect.objectContaining({ code: 'ELOOP' }),
    );
    rmSync(link);
  });

  test.skipIf(skip)('a directory and a pipe are refused, and no pipe is waited for', () => {
    const pipe = join(folder, 'pipe');
    const directory = join(folder, 'directory');
    spawnSync('mkfifo', [pipe]);
    mkdirSync(directory);
    for (const refused of [pipe, directory]) {
      expect(() => openRegion(refused, { access: 'read', native })).toThrow(SharedLayoutError);
      rmSync(refused, { recursive: true });
    }
  });

  test.skipIf(skip)('a file of another length than expected is refused', () => {
    expect(() => openRegion(path, { bytes: 8192, access: 'read', native })).toThrow(
      /has 4096 bytes instead of 8192/,
    );
  });

  test.skipIf(skip)('a file that is not there is ENOENT', () => {
    expect(() => openRegion(join(folder, 'none'), { access: 'read', native })).toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });

  test.skipIf(skip || !ROOT)("another user's file is refused", () => {
    const foreign = join(folder, 'foreign');
    writeFileSync(foreign, Buffer.alloc(4096));
    chownSync(foreign, 65_534, 65_534);
    expect(() => openRegion(foreign, { access: 'write', native })).toThrow(ResourceError);
    expect(() => openRegion(foreign, { access: 'write', native })).toThrow(/belongs to the user 65534/);
    rmSync(foreign);
  });
});

describe.skipIf(koffi === undefined)('mapped and not mapped', () => {
  test('see the same bytes at the same time', () => {
    const mapped = openRegion(path, { access: 'write', native: koffi });
    const plain = openRegion(path, { access: 'write', native: undefined });
    mapped.write(100, Buffer.from('from the mapping'));
    expect(plain.read(100, 16).toString()).toBe('from the mapping');
    plain.write(100, Buffer.from('from the file   '));
    expect(mapped.read(100, 16).toString()).toBe('from the file   ');
    mapped.close();
    plain.close();
  });

  test('a pinned region keeps its mapping and its descriptor until it is let go', () => {
    const region = openRegion(path, { access: 'write', native: koffi });
    const unpin = region.mapping?.pin('the lock is held');
    expect(() => region.close()).toThrow(LockStateError);
    expect(region.closed).toBe(false);
    expect(region.read(0, 1)).toHaveLength(1);
    unpin?.();
    region.close();
  });
});

test.skipIf(!LINUX)('its descriptor is closed when another program is started', () => {
  const region = openRegion(path, { access: 'write', native: undefined });
  const { stdout } = spawnSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
  region.close();
  expect(stdout).not.toContain(path);
});
