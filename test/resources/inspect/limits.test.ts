import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Leftover, LimitFacts } from '../../../src/core/index.js';
import { NATIVE } from '../kinds/memory-site.js';

/** Whether this user may have namespaces of its own, in which limits are lowered without touching the host's. */
const NAMESPACES =
  process.platform === 'linux' &&
  NATIVE &&
  spawnSync('unshare', [
    '-im',
    'sh',
    '-c',
    'echo 4 > /proc/sys/kernel/shmmni && mount -t tmpfs tmpfs /dev/shm',
  ]).status === 0;

interface Failure {
  readonly code: string;
  readonly errno: string;
  readonly limit: LimitFacts;
  readonly leftovers: readonly Leftover[];
  readonly message: string;
  readonly listed: number;
}

interface Result {
  readonly error: Failure;
  readonly orphans: readonly { readonly id: number; readonly maker: number }[];
  readonly id: number;
  readonly files: readonly string[];
}

const PROGRAM = fileURLToPath(new URL('./fixtures/meets-limits.ts', import.meta.url));

/** Runs the program in its own ipc and mount namespace, after `prepare`. Whatever it leaves is gone with them. */
function meet(scenario: string, prepare: string, backend = 'auto'): Result {
  const { stdout, stderr, status, signal } = spawnSync(
    'unshare',
    [
      '-im',
      'sh',
      '-ec',
      `${prepare}; exec "$@"`,
      'sh',
      process.execPath,
      '--import',
      'tsx',
      PROGRAM,
      scenario,
      backend,
    ],
    { encoding: 'utf8', cwd: fileURLToPath(new URL('../../..', import.meta.url)) },
  );
  if (status !== 0) throw new Error(`${signal ?? status}: ${stderr}`);
  return JSON.parse(stdout) as Result;
}

describe.skipIf(!NAMESPACES)('a limit that is met is told', { timeout: 60_000 }, () => {
  test('of segments: how many there are, which ones nobody has attached and whose makers are dead, and how to remove them', () => {
    const { error, orphans } = meet('segments, two of them orphans', 'echo 4 > /proc/sys/kernel/shmmni');
    expect(error).toMatchObject({
      code: 'RESOURCE_LIMIT',
      errno: 'ENOSPC',
      limit: { limit: 'kernel.shmmni', allowed: 4, used: 4 },
      listed: 1,
    });
    expect(error.leftovers).toMatchObject(
      orphans.map(({ id, maker }) => ({
        what: `System V segment ${id}`,
        bytes: 4096,
        madeBy: `pid ${maker} (dead)`,
      })),
    );
    expect(error.message).toContain(`ipcrm ${orphans.map(({ id }) => `-m ${id}`).join(' ')}\``);
    expect(error.message).toContain('4 of the 4 segments');
  });

  test('of segments that a dead program of ours has left: what reclaims them', () => {
    const { error, id } = meet('segments, one of them in a ledger', 'echo 4 > /proc/sys/kernel/shmmni');
    expect(error.leftovers).toHaveLength(2);
    expect(error.leftovers.find(({ what }) => what === `System V segment ${id}`)).toMatchObject({
      reclaimable: true,
    });
    expect(error.message).toContain('`treewarden reclaim`');
    expect(error.message).not.toContain('ipcrm');
  });

  test('of segments that are all in use: how to raise it, and no command that removes anything', () => {
    const { error } = meet('segments, all in use', 'echo 4 > /proc/sys/kernel/shmmni');
    expect(error.leftovers).toEqual([]);
    expect(error.message).toContain('sysctl kernel.shmmni=8`');
    expect(error.message).not.toContain('ipcrm');
  });

  test.each([
    [
      'pages of segments',
      'echo 10 > /proc/sys/kernel/shmall',
      'kernel.shmall',
      10,
      8,
      'ENOSPC',
      'sysctl kernel.shmall=20`',
    ],
    [
      'the size of a segment',
      'echo 8192 > /proc/sys/kernel/shmmax',
      'kernel.shmmax',
      8192,
      undefined,
      'EINVAL',
      'sysctl kernel.shmmax=10000`',
    ],
    [
      'semaphore sets',
      'echo "250 32000 32 3" > /proc/sys/kernel/sem',
      'kernel.sem SEMMNI',
      3,
      3,
      'ENOSPC',
      'sysctl kernel.sem="250 32000 32 6"`',
    ],
    [
      'semaphores',
      'echo "250 10 32 128" > /proc/sys/kernel/sem',
      'kernel.sem SEMMNS',
      10,
      8,
      'ENOSPC',
      'sysctl kernel.sem="250 20 32 128"`',
    ],
    [
      'the size of a set',
      'echo "4 32000 32 128" > /proc/sys/kernel/sem',
      'kernel.sem SEMMSL',
      4,
      undefined,
      'EINVAL',
      'sysctl kernel.sem="8 32000 32 128"`',
    ],
  ])('of %s', (scenario, prepare, name, allowed, used, errno, command) => {
    const { error } = meet(scenario, prepare);
    expect(error).toMatchObject({ code: 'RESOURCE_LIMIT', errno, limit: { limit: name, allowed } });
    expect(error.limit.used).toBe(used);
    expect(error.message).toContain(command);
  });

  test.each(['auto', 'files'])('of a full /dev/shm, and nothing is left in it (%s)', (backend) => {
    const { error, files } = meet(
      'a full memory file system',
      'mount -t tmpfs -o size=1m tmpfs /dev/shm',
      backend,
    );
    expect(error).toMatchObject({
      code: 'RESOURCE_LIMIT',
      errno: 'ENOSPC',
      limit: { limit: '/dev/shm', allowed: 1_048_576, used: 0 },
      listed: 0,
    });
    expect(error.message).toContain('2097152 were asked for');
    expect(error.message).toContain('mount -o remount,size=');
    expect(files).toEqual([]);
  });

  test('of a /dev/shm without room for a semaphore', () => {
    const { error, files } = meet(
      'a memory file system without room for a semaphore',
      'mount -t tmpfs -o size=1m tmpfs /dev/shm',
    );
    expect(error).toMatchObject({
      code: 'RESOURCE_LIMIT',
      limit: { limit: '/dev/shm', used: 1_048_576 },
      listed: 1,
    });
    expect(files).toEqual([]);
  });

  test('of a /dev/shm that takes no more files', () => {
    const { error } = meet(
      'a memory file system with too many files',
      'mount -t tmpfs -o size=1m,nr_inodes=3 tmpfs /dev/shm',
    );
    expect(error).toMatchObject({
      code: 'RESOURCE_LIMIT',
      errno: 'ENOSPC',
      limit: { limit: '/dev/shm (files)', allowed: 3 },
    });
    expect(error.message).toContain('nr_inodes=6');
  });

  test('of descriptors, though to look takes one', () => {
    const { error } = meet('descriptors', 'ulimit -n 100');
    expect(error).toMatchObject({
      code: 'RESOURCE_LIMIT',
      errno: 'EMFILE',
      limit: { limit: 'RLIMIT_NOFILE', allowed: 100 },
    });
    expect(error.message).toContain('ulimit -n 200`');
  });
});
