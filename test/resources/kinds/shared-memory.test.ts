import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import {
  CapabilityError,
  InvalidSpecError,
  ReleasedError,
  ResourceExistsError,
  ResourceLimitError,
  SharedLayoutError,
} from '../../../src/core/index.js';
import { segments } from '../../../src/resources/inspect/system-v.js';
import { makeSharedMemory } from '../../../src/resources/kinds/make-memory.js';
import type { SharedMemory } from '../../../src/resources/kinds/memory-lease.js';
import { type SharedMemoryOptions, sharedMemory } from '../../../src/resources/kinds/shared-memory.js';
import { MEMORY_DIR, MemorySite, NATIVE, ownKey, ownName, SYSTEM_V } from './memory-site.js';

const acquire = (site: MemorySite, options: SharedMemoryOptions): Promise<SharedMemory> =>
  site.acquire(makeSharedMemory, sharedMemory(options));

const BACKINGS: readonly (readonly [string, () => SharedMemoryOptions])[] = [
  ['POSIX memory', () => ({ name: ownName('posix'), bytes: 8_192 })],
  ['anonymous memory', () => ({ bytes: 8_192 })],
  ['a System V segment with a key', () => ({ key: ownKey(), bytes: 8_192 })],
  ['a private System V segment', () => ({ backing: 'system-v', bytes: 8_192 })],
];

describe.skipIf(!SYSTEM_V).each(BACKINGS)('%s', (_, options) => {
  test('is mapped once per user, and all see the same bytes', async () => {
    await using site = new MemorySite();
    const kind = sharedMemory(options());
    const claim = await site.grant(makeSharedMemory, kind.request);
    const attach = () =>
      kind.attach({
        name: claim.name,
        facts: claim.facts,
        user: { path: 'test', incarnation: 1 },
        giveBack: async () => {},
      });
    const one = await attach();
    const other = await attach();
    one.as(Float64Array, 8, 2).set([0.5, -1]);
    expect([...other.as(Float64Array, 8, 2)]).toEqual([0.5, -1]);
    other.write(4_000, Buffer.from('across a page'));
    expect(one.read(4_000, 13).toString()).toBe('across a page');
    expect(one.bytes.byteLength).toBe(8_192);
    await one.release();
    await other.release();
  });

  test('shows the same bytes to a second process and to a thread', { timeout: 60_000 }, async () => {
    await using site = new MemorySite();
    const kind = sharedMemory(options());
    const memory = await site.acquire(makeSharedMemory, kind);
    const { name, facts } = site.claims[0]!;
    memory.write(0, Buffer.from('hello'));
    for (const peer of [program, thread]) {
      await using other = await peer({ name, facts });
      expect(await other.ask({ read: [0, 5] })).toBe('hello');
      await other.ask({ write: [100, 'answered'] });
      expect(memory.read(100, 8).toString()).toBe('answered');
      memory.write(100, Buffer.alloc(8));
    }
  });

  test('throws after its release, and views that were kept do no harm', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, options());
    const { bytes } = memory;
    const floats = memory.as(Float64Array);
    bytes[0] = 7;
    await memory.release();
    for (const use of [
      () => memory.bytes,
      () => memory.as(Int32Array),
      () => memory.read(0, 1),
      () => memory.write(0, Buffer.from('x')),
    ]) {
      expect(use).toThrow(ReleasedError);
    }
    expect(bytes[0] ?? 0).toBe(0);
    bytes[0] = 1;
    floats[0] = 1;
    await memory.release();
  });

  test('leaves nothing behind, and is in no ledger, once it is released', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, options());
    const { id, path } = memory;
    await memory.release();
    expect(site.listed).toBe(0);
    if (id !== undefined) expect(segments().map((segment) => segment.id)).not.toContain(id);
    if (path !== undefined) expect(existsSync(path)).toBe(false);
  });

  test('is released within the exit event, twice without harm', async () => {
    await using site = new MemorySite();
    const claim = await site.grant(makeSharedMemory, sharedMemory(options()).request);
    claim.releaseSync();
    claim.releaseSync();
    expect(site.listed).toBe(0);
    const { path, id } = claim.facts as { path?: string; id?: number };
    if (path !== undefined) expect(existsSync(path)).toBe(false);
    if (id !== undefined) expect(segments().map((segment) => segment.id)).not.toContain(id);
  });

  test('refuses what lies outside', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, options());
    expect(() => memory.read(8_190, 3)).toThrow(RangeError);
    expect(() => memory.write(-1, Buffer.alloc(1))).toThrow(RangeError);
    expect(() => memory.as(Float64Array, 8_184, 2)).toThrow(RangeError);
    expect(() => memory.as(Float64Array, 4)).toThrow(RangeError);
  });
});

describe('named memory', () => {
  test('is found by other programs under its name, with its mode, whatever the umask is', async () => {
    await using site = new MemorySite();
    const name = ownName('found');
    const memory = await acquire(site, { name, bytes: 4_096, mode: 0o666 });
    expect(memory.path).toBe(join(MEMORY_DIR, name));
    expect(statSync(memory.path!).mode & 0o777).toBe(0o666);
    memory.write(10, Buffer.from('for all'));
    expect(readFileSync(memory.path!).subarray(10, 17).toString()).toBe('for all');
  });

  test('is known to the ledger by its inode before it has its name', async () => {
    await using site = new MemorySite();
    const name = ownName('known');
    const memory = await acquire(site, { name, bytes: 4_096 });
    const { dev, ino } = statSync(memory.path!);
    const [want, have] = site.lines;
    expect(want).toMatchObject({ step: 'want', entry: { type: 'file', onDisk: false } });
    expect(have).toEqual({ step: 'have', identity: { type: 'file', dev, ino } });
  });

  test('that is there already is neither taken nor touched', async () => {
    await using site = new MemorySite();
    const name = ownName('foreign');
    const owner = await acquire(site, { name, bytes: 4_096 });
    owner.write(0, Buffer.from('mine'));
    const refused = await acquire(site, { name, bytes: 4_096 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ResourceExistsError);
    expect((refused as Error).message).toContain(`pid ${process.pid}`);
    expect(owner.read(0, 4).toString()).toBe('mine');
    expect(site.listed).toBe(1);
  });

  test('that somebody else has put in its place is left alone', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, { name: ownName('replaced'), bytes: 4_096 });
    const path = memory.path!;
    unlinkSync(path);
    writeFileSync(path, 'another');
    await memory.release();
    expect(readFileSync(path, 'utf8')).toBe('another');
    unlinkSync(path);
  });

  test('is attached to without being owned', async () => {
    await using site = new MemorySite();
    const name = ownName('borrowed');
    const owner = await acquire(site, { name, bytes: 4_096 });
    const user = await acquire(site, { name, attach: true });
    expect(user.byteLength).toBe(4_096);
    user.write(0, Buffer.from('seen'));
    await user.release();
    expect(owner.read(0, 4).toString()).toBe('seen');
    expect(existsSync(owner.path!)).toBe(true);
  });

  test('that is smaller than was asked for is refused, where reading it would end the process', async () => {
    await using site = new MemorySite();
    const name = ownName('small');
    await acquire(site, { name, bytes: 4_096 });
    await expect(acquire(site, { name, bytes: 8_192, attach: true })).rejects.toThrow(SharedLayoutError);
  });

  test('is read and written without a native part', async () => {
    await using mapped = new MemorySite();
    await using site = new MemorySite('files');
    const name = ownName('files');
    const memory = await acquire(site, { name, bytes: 8_192 });
    expect(statSync(memory.path!).blocks * 512).toBeGreaterThanOrEqual(8_192);
    memory.write(4_090, Buffer.from('both ways'));
    expect(() => memory.bytes).toThrow(CapabilityError);
    const other = await acquire(mapped, { name, attach: true });
    expect(other.read(4_090, 9).toString()).toBe('both ways');
    other.write(0, Buffer.from('back'));
    expect(memory.read(0, 4).toString()).toBe('back');
  });

  test('without a native part throws after its release, whatever its descriptor stands for by then', async () => {
    await using site = new MemorySite('files');
    const memory = await acquire(site, { name: ownName('closed'), bytes: 4_096 });
    await memory.release();
    expect(() => memory.read(0, 1)).toThrow(ReleasedError);
    expect(() => memory.write(0, Buffer.from('x'))).toThrow(ReleasedError);
  });

  test('read only gives copies, and no view that must not be written to', async () => {
    await using site = new MemorySite();
    const name = ownName('readonly');
    const owner = await acquire(site, { name, bytes: 4_096 });
    const reader = await acquire(site, { name, attach: true, readOnly: true });
    owner.write(0, Buffer.from('look'));
    expect(reader.read(0, 4).toString()).toBe('look');
    expect(() => reader.bytes).toThrow(CapabilityError);
    expect(() => reader.write(0, Buffer.from('x'))).toThrow(/readOnly/);
  });
});

describe('anonymous memory', () => {
  test.each(['auto', 'files'] as const)('is handed to a child by its descriptor (%s)', async (backend) => {
    await using site = new MemorySite(backend);
    const memory = await acquire(site, { bytes: 4_096 });
    memory.write(0, Buffer.from('inherited'));
    const { stdout } = spawnSync('sh', ['-c', 'head -c 9 <&3; printf answered >&3'], {
      stdio: ['ignore', 'pipe', 'inherit', memory.fd!],
      encoding: 'utf8',
    });
    expect(stdout).toBe('inherited');
    // The child shares the position of this descriptor: it wrote behind what it had read.
    expect(memory.read(9, 8).toString()).toBe('answered');
  });

  test.skipIf(!NATIVE || process.platform !== 'linux')(
    'cannot be made shorter or longer by a child',
    async () => {
      await using site = new MemorySite();
      const memory = await acquire(site, { bytes: 8_192 });
      const program = `for (const bytes of [0, 4096, 8193, 8192])
      try { require('node:fs').ftruncateSync(3, bytes); console.log('done'); } catch ({ code }) { console.log(code); }`;
      const { stdout } = spawnSync(process.execPath, ['-e', program], {
        stdio: ['ignore', 'pipe', 'inherit', memory.fd!],
        encoding: 'utf8',
      });
      expect(stdout.trim().split('\n')).toEqual(['EPERM', 'EPERM', 'EPERM', 'done']);
      memory.write(8_191, Buffer.from('x'));
    },
  );

  test('that was inherited is used by its descriptor, which stays open', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, { bytes: 4_096 });
    const inherited = await acquire(site, { fd: memory.fd!, bytes: 4_096 });
    inherited.write(0, Buffer.from('same'));
    await inherited.release();
    expect(memory.read(0, 4).toString()).toBe('same');
  });

  test('is in no ledger: the kernel frees it with its last user', async () => {
    await using site = new MemorySite();
    await acquire(site, { bytes: 4_096 });
    expect(site.lines).toEqual([]);
  });
});

describe.skipIf(!SYSTEM_V)('System V segments', () => {
  test('one without a key is owned by the kernel from the first moment on, and can still be attached to', async () => {
    await using site = new MemorySite();
    const memory = await acquire(site, { backing: 'system-v', bytes: 4_096 });
    expect(segments().find(({ id }) => id === memory.id)).toMatchObject({ marked: true, cpid: process.pid });
    expect(site.lines.map(({ step }) => step)).toEqual(['want', 'have', 'drop']);
  });

  test('one with a foreign key is neither taken nor touched', async () => {
    await using site = new MemorySite();
    const key = ownKey();
    const owner = await acquire(site, { key, bytes: 4_096 });
    const refused = await acquire(site, { key, bytes: 4_096 }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ResourceExistsError);
    expect((refused as Error).message).toContain(`id ${owner.id}, made by pid ${process.pid}`);
    // Not even for a moment: who dies then would leave it to a guardian that takes it for ours.
    expect(site.lines.map(({ step }) => step)).toEqual(['want', 'have']);
    expect(segments().find(({ id }) => id === owner.id)?.attached).toBe(1);
  });

  test('one of somebody else is attached to by its key, as a whole, and not removed', async () => {
    await using site = new MemorySite();
    const key = ownKey();
    const owner = await acquire(site, { key, bytes: 5_000 });
    const user = await acquire(site, { key, attach: true });
    expect(user.byteLength).toBe(5_000);
    await user.release();
    expect(segments().find(({ id }) => id === owner.id)?.attached).toBe(1);
  });

  test('a key of 32 bits is the same with and without its sign', async () => {
    await using site = new MemorySite();
    const key = 0x8000_0000 + (ownKey() % 0x7fff_0000);
    const owner = await acquire(site, { key, bytes: 4_096 });
    const user = await acquire(site, { key: key | 0, attach: true });
    expect(user.id).toBe(owner.id);
  });
});

describe('what there is not enough of', () => {
  test.skipIf(!NATIVE).each([
    ['memory without a name', { bytes: 1e14 }],
    ['a segment', { backing: 'system-v', bytes: 1e14 }],
    ['a file', { name: ownName('huge'), bytes: 1e14 }],
  ] as const)('%s is refused before the memory is taken', async (_, options) => {
    await using site = new MemorySite();
    const refused = await acquire(site, options).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ResourceLimitError);
    expect((refused as ResourceLimitError).limit.limit).toBe('memory');
    expect(site.listed).toBe(0);
  });
});

describe('options', () => {
  test.each<[string, SharedMemoryOptions]>([
    ['bytes', { name: 'frames' }],
    ['bytes', { name: 'frames', bytes: 0 }],
    ['name', { name: '../frames', bytes: 1 }],
    ['name', { name: 'sem.frames', bytes: 1 }],
    ['key', { key: 0, bytes: 1 }],
    ['key', { key: 1, backing: 'posix', name: 'frames', bytes: 1 }],
    ['mode', { bytes: 1, mode: 0o1777 }],
    ['attach', { bytes: 1, attach: true }],
    ['fd', { fd: 3, bytes: 1, backing: 'posix', name: 'frames' }],
    ['readOnly', { bytes: 1, readOnly: true }],
    ['size', { bytes: 1, size: 3 } as SharedMemoryOptions],
  ])('a wrong %s is refused where it is given', (field, options) => {
    const refused = catching(() => sharedMemory(options));
    expect(refused).toBeInstanceOf(InvalidSpecError);
    expect(refused).toMatchObject({ field });
  });
});

function catching(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

interface Peer extends AsyncDisposable {
  ask(what: { read?: [number, number]; write?: [number, string] }): Promise<unknown>;
}

const PROGRAM = fileURLToPath(new URL('./fixtures/uses-memory.ts', import.meta.url));

async function program(grant: { name: string; facts: unknown }): Promise<Peer> {
  const child: ChildProcess = fork(PROGRAM, { execArgv: ['--import', 'tsx'] });
  const ask = async (message: object): Promise<unknown> => {
    child.send(message);
    const [answer] = await once(child, 'message');
    return answer;
  };
  await ask(grant);
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

async function thread(grant: { name: string; facts: unknown }): Promise<Peer> {
  const worker = new Worker(new URL('./fixtures/uses-memory-in-thread.mjs', import.meta.url));
  const ask = async (message: object): Promise<unknown> => {
    worker.postMessage(message);
    const [answer] = await once(worker, 'message');
    return answer;
  };
  await ask(grant);
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}
