import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { ResourceExistsError, SharedLayoutError } from '../../../src/core/index.js';
import {
  type BackendChoice,
  mutex,
  type ResourceRegistry,
  rwLock,
  scoreboard,
  semaphore,
  snapshotCell,
} from '../../../src/resources/index.js';
import type { SharedFileFacts } from '../../../src/resources/kinds/shared-file.js';
import type { Lease, ResourceKind, ResourceRequest } from '../../../src/runtime/index.js';
import { Trial } from '../trial.js';

const HEADER = Buffer.from('0123456789abcdef rest of the header');
const request = (name: string, bytes = 4_096, image = HEADER): ResourceRequest =>
  ({ kind: 'scoreboard', name, bytes, image: image.toString('base64') }) as ResourceRequest;

async function granted(registry: ResourceRegistry, asked: ResourceRequest): Promise<SharedFileFacts> {
  const scope = registry.openScope({ path: 'shop/api', incarnation: 1 });
  try {
    return (await scope.grant(asked)).facts as SharedFileFacts;
  } finally {
    await scope.close();
  }
}

describe.each<BackendChoice>(['auto', 'files'])('a shared file (backend %s)', (backend) => {
  test('is whole from the first moment, for this user alone, and goes with its registry and not with its scope', async () => {
    await using trial = new Trial();
    const registry = await trial.open({ backend });
    const { path, owned } = await granted(registry, request('board'));
    expect(owned).toBe(true);
    expect(path).toBe(trial.path(`treewarden-${process.getuid?.()}.trial.board`));
    expect(lstatSync(path)).toMatchObject({ size: 4_096, mode: 0o100600, nlink: 1 });
    expect(readFileSync(path).subarray(0, HEADER.length)).toEqual(HEADER);
    expect(lstatSync(path).blocks * 512).toBeGreaterThanOrEqual(4_096);
    await registry.close();
    expect(trial.left).toEqual([]);
  });

  test('is the same for all who ask, and removed by the one that made it', async () => {
    await using trial = new Trial();
    const first = await trial.open({ backend });
    const second = await trial.open({ backend });
    const made = await granted(first, request('board'));
    expect(await granted(first, request('board'))).toEqual(made);
    expect(await granted(second, request('board'))).toMatchObject({ path: made.path, owned: false });
    await second.close();
    expect(existsSync(made.path)).toBe(true);
    await first.close();
    expect(existsSync(made.path)).toBe(false);
  });

  test('is made once, however many ask at the same time', async () => {
    await using trial = new Trial();
    const registries = await Promise.all(Array.from({ length: 5 }, () => trial.open({ backend })));
    const all = await Promise.all(
      registries.flatMap((registry) => [1, 2].map(() => granted(registry, request('board')))),
    );
    expect(new Set(all.map(({ path }) => path)).size).toBe(1);
    // Both acquires of the registry that was first.
    expect(all.filter(({ owned }) => owned)).toHaveLength(2);
    expect(trial.left).toHaveLength(1);
  });
});

describe('a shared file', () => {
  test('that somebody has removed is made anew', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { path } = await granted(registry, request('board'));
    unlinkSync(path);
    expect(await granted(registry, request('board'))).toMatchObject({ owned: true });
    expect(existsSync(path)).toBe(true);
    await registry.close();
    expect(trial.left).toEqual([]);
  });

  test('that another has put in its place is not removed', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { path } = await granted(registry, request('board'));
    writeFileSync(trial.path('theirs'), 'foreign');
    renameSync(trial.path('theirs'), path);
    await registry.close();
    expect(readFileSync(path, 'utf8')).toBe('foreign');
  });

  test.each<readonly [string, (path: string) => void, new (...args: never[]) => Error]>([
    [
      'another header',
      (path) => writeFileSync(path, Buffer.alloc(4_096, 7), { mode: 0o600 }),
      SharedLayoutError,
    ],
    ['a smaller size', (path) => writeFileSync(path, HEADER, { mode: 0o600 }), SharedLayoutError],
    ['a mode that lets others write', (path) => open(path), ResourceExistsError],
    ['a directory in its place', (path) => void mkdirSync(path), ResourceExistsError],
    ['a symbolic link in its place', (path) => symlinkSync('/etc/hostname', path), ResourceExistsError],
    ['a pipe in its place', (path) => void spawnSync('mkfifo', ['-m', '600', path]), ResourceExistsError],
  ])('with %s is foreign, and is not touched', async (_, make, expected) => {
    await using trial = new Trial();
    const registry = await trial.open();
    const path = trial.path(`treewarden-${process.getuid?.()}.trial.board`);
    make(path);
    const before = lstatSync(path);
    await expect(granted(registry, request('board'))).rejects.toThrow(expected);
    await registry.close();
    expect(lstatSync(path)).toMatchObject({ ino: before.ino, size: before.size, mode: before.mode });
  });

  test.each<readonly [ResourceKind<Lease>, ResourceKind<Lease>, string]>([
    [mutex({ name: 's' }), rwLock({ name: 's' }), 'the state of a mutex instead of that of a rw-lock'],
    [
      semaphore({ name: 's', permits: 3 }),
      semaphore({ name: 's', permits: 1 }),
      '3 permits instead of 1 permit',
    ],
    [
      snapshotCell({ name: 's', bytes: 64 }),
      snapshotCell({ name: 's', bytes: 128 }),
      'room for 64 bytes instead of room for 128 bytes',
    ],
    [
      scoreboard({ name: 's', slots: 8, states: ['idle'] }),
      scoreboard({ name: 's', slots: 4, states: ['busy'] }),
      '8 slots and other states or counters instead of 4 slots and those that were asked for',
    ],
  ])('made with other settings says which, in words', async (made, asked, words) => {
    await using trial = new Trial();
    const registry = await trial.open();
    await granted(registry, made.request);
    await expect(granted(registry, asked.request)).rejects.toThrow(`"s" has ${words}.`);
  });

  test('of another program is called no shared state of treewarden', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const path = trial.path(`treewarden-${process.getuid?.()}.trial.s`);
    writeFileSync(path, Buffer.alloc(4_096, 7), { mode: 0o600 });
    const foreign = 'has something that is no shared state of treewarden instead of the state of a mutex.';
    await expect(granted(registry, mutex({ name: 's' }).request)).rejects.toThrow(foreign);
  });

  test('may have grown: its users append to it', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { path } = await granted(registry, request('board'));
    writeFileSync(path, 'x', { flag: 'a' });
    expect(await granted(registry, request('board'))).toMatchObject({ owned: true });
  });

  const MOUNTS = spawnSync('unshare', ['-m', 'true']).status === 0;
  test.skipIf(!MOUNTS).each(['auto', 'files'])(
    'in a full file system is a limit that is named, and leaves nothing (backend %s)',
    { timeout: 60_000 },
    async (backend) => {
      await using trial = new Trial();
      const program = fileURLToPath(new URL('../fixtures/fills-memory.ts', import.meta.url));
      mkdirSync(trial.path('small'));
      const script = 'mount -t tmpfs -o size=64k none "$1/small" && exec "$0" --import tsx "$2" "$1" "$3"';
      const { stdout, status } = spawnSync(
        'unshare',
        ['-m', 'sh', '-c', script, process.execPath, trial.dir, program, backend],
        { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
      );
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        name: 'ResourceLimitError',
        errno: 'ENOSPC',
        limit: { limit: trial.path('small'), allowed: 65_536 },
        left: [],
      });
    },
  );
});

function open(path: string): void {
  writeFileSync(path, Buffer.concat([HEADER, Buffer.alloc(4_096 - HEADER.length)]));
  chmodSync(path, 0o666);
}
