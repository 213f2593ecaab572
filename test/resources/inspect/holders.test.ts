import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  holdersOfFile,
  holdersOfFiles,
  holdersOfSegment,
  parseMaps,
  usersOfFile,
} from '../../../src/resources/inspect/holders.js';
import { unattachedSegments } from '../../../src/resources/inspect/leftovers.js';
import { limit, limits, sizeOf } from '../../../src/resources/inspect/limits.js';
import { isDead, named } from '../../../src/resources/inspect/processes.js';
import { parseSegments, parseSemaphoreSets, segments } from '../../../src/resources/inspect/system-v.js';
import { makeSharedMemory } from '../../../src/resources/kinds/make-memory.js';
import { sharedMemory } from '../../../src/resources/kinds/shared-memory.js';
import { MemorySite, NATIVE, ownKey, ownName, SYSTEM_V } from '../kinds/memory-site.js';

describe.skipIf(!SYSTEM_V)('who uses what', () => {
  test('a segment is held by the processes that have it attached, by its id', async () => {
    await using site = new MemorySite();
    const kind = sharedMemory({ key: ownKey(), bytes: 4_096 });
    const memory = await site.acquire(makeSharedMemory, kind);
    expect(holdersOfSegment(memory.id!)).toEqual([
      expect.objectContaining({ pid: process.pid, mappings: 1, descriptors: [] }),
    ]);
    const claim = site.claims[0]!;
    expect(claim.users?.()).toEqual([named(process.pid)]);
    const other = await site.acquire(makeSharedMemory, sharedMemory({ key: memory.key!, attach: true }));
    expect(holdersOfSegment(memory.id!)[0]?.mappings).toBe(2);
    expect(segments().find(({ id }) => id === memory.id)?.attached).toBe(2);
    await other.release();
  });

  test('a file is held by those that have it mapped, and by those that have it open', async () => {
    await using site = new MemorySite();
    const memory = await site.acquire(
      makeSharedMemory,
      sharedMemory({ name: ownName('held'), bytes: 4_096 }),
    );
    const child = spawn('sh', ['-c', 'exec 7<"$1"; echo open; read line', 'sh', memory.path!], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const found = holdersOfFile(statSync(memory.path!));
    expect(found.map(({ pid }) => pid).sort()).toEqual([process.pid, child.pid!].sort());
    expect(found.find(({ pid }) => pid === process.pid)).toMatchObject({ mappings: 1, descriptors: [] });
    expect(found.find(({ pid }) => pid === child.pid)).toMatchObject({ mappings: 0, descriptors: [7] });
    expect(usersOfFile(statSync(memory.path!)).join()).toContain(`pid ${child.pid} (sh -c exec 7<`);
    child.stdin.end();
    await once(child, 'exit');
  });

  test('memory without a name is held by its descriptors', async () => {
    await using site = new MemorySite();
    await site.acquire(makeSharedMemory, sharedMemory({ bytes: 4_096 }));
    const { file } = site.claims[0]!.facts as { file: { dev: number; ino: number } };
    // The owner's, and the lease's.
    expect(holdersOfFile(file)).toEqual([expect.objectContaining({ pid: process.pid, mappings: 1 })]);
    expect(holdersOfFile(file)[0]?.descriptors).toHaveLength(2);
  });
});

describe.skipIf(process.platform !== 'linux')('files and processes', () => {
  test('several files are looked for at once, and each has its own holders', () => {
    const dir = mkdtempSync(join(tmpdir(), 'treewarden-holders-'));
    const paths = ['one', 'two'].map((name) => join(dir, name));
    for (const path of paths) writeFileSync(path, 'x');
    const fd = openSync(paths[1]!, 'r');
    const [one, two] = holdersOfFiles(paths.map((path) => statSync(path)));
    closeSync(fd);
    rmSync(dir, { recursive: true });
    expect(one).toEqual([]);
    expect(two).toMatchObject([{ pid: process.pid, descriptors: [fd] }]);
  });

  test('a process is dead once it is gone, and a zombie is dead as well', async () => {
    const child = spawn('true');
    const pid = child.pid!;
    expect(isDead(process.pid)).toBe(false);
    await once(child, 'exit');
    expect(isDead(pid)).toBe(true);
    expect(named(pid)).toBe(`pid ${pid} (dead)`);
    expect(named(0)).toContain('another pid namespace');
  });

  test('every limit is a number, and what is used of it is no more than it allows', () => {
    expect(limits().length).toBeGreaterThan(5);
    for (const { allowed, used } of limits()) {
      expect(allowed).toBeGreaterThan(0);
      if (used !== undefined) expect(used).toBeLessThanOrEqual(allowed);
    }
    const before = limit('RLIMIT_NOFILE')?.used ?? 0;
    const fds = [1, 2, 3].map(() => openSync('/dev/null', 'r'));
    expect(limit('RLIMIT_NOFILE')?.used).toBe(before + 3);
    for (const fd of fds) closeSync(fd);
    expect(sizeOf(join(tmpdir(), 'is', 'not', 'there'))).toBeUndefined();
  });

  test.skipIf(!NATIVE)(
    'a segment with an attachment, or a living maker, is not called an orphan',
    async () => {
      await using site = new MemorySite();
      const memory = await site.acquire(makeSharedMemory, sharedMemory({ key: ownKey(), bytes: 4_096 }));
      const idle = await site.grant(makeSharedMemory, sharedMemory({ key: ownKey(), bytes: 4_096 }).request);
      const { id } = idle.facts as { id: number };
      const found = unattachedSegments(({ id: one }) => one === id);
      expect(found.find(({ segment }) => segment.id === memory.id)).toBeUndefined();
      expect(found.find(({ segment }) => segment.id === id)).toMatchObject({
        makerDead: false,
        reclaimable: true,
      });
    },
  );
});

describe('what /proc says', () => {
  test('is read by the names of its columns, whatever else a kernel adds', () => {
    expect(
      parseSegments(
        '       key      shmid novel perms       size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime        rss       swap\n' +
          '-559038737          3     9  1600       4096    12    13      2  1000  1000  1000  1000          1          2          7          0          0\n',
      ),
    ).toEqual([
      {
        id: 3,
        key: -559038737,
        bytes: 4096,
        mode: 0o600,
        cpid: 12,
        lpid: 13,
        attached: 2,
        uid: 1000,
        changedAtS: 7,
        marked: true,
      },
    ]);
    expect(
      parseSemaphoreSets(
        '       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n' +
          '         5          1   666         25     0     0     0     0          0       1700\n',
      ),
    ).toEqual([{ id: 1, key: 5, count: 25, mode: 0o666, uid: 0, usedAtS: 0, changedAtS: 1700 }]);
    expect(parseSegments('')).toEqual([]);
  });

  test('maps are read with devices as stat gives them, and names with spaces', () => {
    expect(
      parseMaps(
        '7f0000000000-7f0000001000 rw-s 00000000 00:1a 42                         /dev/shm/a name (deleted)\n' +
          '7f0000001000-7f0000002000 rw-p 00000000 00:00 0 \n' +
          '7f0000002000-7f0000003000 rw-s 00000000 103:22c 7                        /SYSV0000abcd\n',
      ),
    ).toEqual([
      { dev: 0x1a, ino: 42, path: '/dev/shm/a name (deleted)' },
      { dev: 0x21_032c, ino: 7, path: '/SYSV0000abcd' },
    ]);
  });
});
