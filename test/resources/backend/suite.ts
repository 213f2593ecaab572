import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LockStateError, ReleasedError } from '../../../src/core/index.js';
import type { Native, NativeName } from '../../../src/resources/backend/backend.js';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { buildLibrary, type Library, type Peer, secondProcess, secondThread } from './peers.js';

const LINUX = process.platform === 'linux';
const CAN_UNSHARE = LINUX && spawnSync('unshare', ['-m', '-i', 'true']).status === 0;
const BYTES = 8192;

/** What every native backend promises. Real memory, real locks, second processes and threads. */
export function backendSuite(choice: NativeName): void {
  let native: Native;
  let library: Library;
  let folder: string;
  let path: string;
  let fd: number;
  const peers: Peer[] = [];
  const process2 = async (): Promise<Peer> => kept(await secondProcess(library.url, choice));
  const thread2 = async (): Promise<Peer> => kept(await secondThread(library.url, choice));
  const kept = (peer: Peer): Peer => {
    peers.push(peer);
    return peer;
  };

  beforeAll(async () => {
    native = (await loadNative(choice)) as Native;
    library = await buildLibrary();
    folder = mkdtempSync(join(LINUX ? '/dev/shm' : tmpdir(), 'treewarden-test-'));
    path = join(folder, 'file');
    fd = openSync(path, 'wx+', 0o600);
    native.allocate(fd, BYTES);
  });
  afterEach(async () => {
    await Promise.all(peers.splice(0).map((peer) => peer.kill()));
  });
  afterAll(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
    library.remove();
  });

  /** Runs a program of its own, which may be ended by what it does. */
  const program = (body: string, before: readonly string[] = [], node: readonly string[] = []) => {
    const text = `import { loadNative } from ${JSON.stringify(library.url)};
      import * as fs from 'node:fs';
      const native = await loadNative(${JSON.stringify(choice)});
      const path = ${JSON.stringify(path)};
      ${body}`;
    const [command = process.execPath, ...args] = [
      ...before,
      process.execPath,
      '--no-warnings',
      ...node,
      '--input-type=module',
      '-e',
      text,
    ];
    const { status, signal, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
    return { ended: signal ?? status, stdout: stdout.trim(), stderr };
  };

  describe('mappings', () => {
    test.each([
      ['a second process', process2],
      ['a worker thread', thread2],
    ])('%s sees the same bytes, and its own writes are seen', async (_, start) => {
      const mapping = native.map(fd, BYTES, 'write');
      const peer = await start();
      mapping.bytes.set([1, 2, 3], 4000);
      const seen = await peer.run(({ openRegion, native: there, kept: keep }, file) => {
        keep['region'] = openRegion(file, { access: 'write', native: there });
        return [...keep['region'].mapping.bytes.subarray(4000, 4003)];
      }, path);
      expect(seen).toEqual([1, 2, 3]);
      await peer.run(({ kept: keep }) => {
        keep['region'].mapping.bytes[4001] = 9;
      });
      expect([...mapping.bytes.subarray(4000, 4003)]).toEqual([1, 9, 3]);
      mapping.close();
    });

    test('atomic operations of two mappings meet in the same word', () => {
      const [one, other] = [native.map(fd, BYTES, 'write'), native.map(fd, BYTES, 'write')];
      const [a, b] = [one, other].map(({ bytes }) => new Int32Array(bytes.buffer, 16, 1)) as [
        Int32Array,
        Int32Array,
      ];
      Atomics.store(a, 0, 5);
      expect(Atomics.add(b, 0, 2)).toBe(5);
      expect(Atomics.compareExchange(a, 0, 7, 8)).toBe(7);
      expect(Atomics.load(b, 0)).toBe(8);
      one.close();
      other.close();
    });

    test('a copy-on-write mapping follows what others write, and keeps its own writes to itself', () => {
      const [writer, reader] = [native.map(fd, BYTES, 'write'), native.map(fd, BYTES, 'copy-on-write')];
      expect(reader.bytes[0]).toBe(0);
      writer.bytes[0] = 1;
      expect(reader.bytes[0]).toBe(1);
      reader.bytes[0] = 2;
      expect(writer.bytes[0]).toBe(1);
      writer.bytes[0] = 0;
      writer.close();
      reader.close();
    });

    test('a file that is shorter than what is mapped is refused, rather than read into SIGBUS', () => {
      expect(() => native.map(fd, BYTES + 1, 'write')).toThrow(
        expect.objectContaining({ name: 'SystemCallError', syscall: 'mmap', code: 'EOVERFLOW' }),
      );
    });

    test('once closed it throws, may be closed again, and its kept views show nothing of the others', () => {
      const mapping = native.map(fd, BYTES, 'write');
      const view = mapping.bytes;
      view[0] = 7;
      mapping.close();
      mapping.close();
      expect(mapping.closed).toBe(true);
      expect(() => mapping.bytes).toThrow(ReleasedError);
      expect(() => mapping.pin('late')).toThrow(ReleasedError);
      expect(view[0] ?? 0).toBe(0);
    });

    test('its buffer can be copied to a thread, and is not safe to be transferred', () => {
      const mapping = native.map(fd, BYTES, 'write');
      expect(structuredClone(mapping.bytes)).toHaveLength(BYTES);
      if (!('transfer' in ArrayBuffer.prototype)) return mapping.close();
      const buffer = mapping.bytes.buffer as ArrayBuffer & { transfer(): ArrayBuffer };
      const moved = buffer.transfer();
      expect(() => mapping.close()).toThrow(LockStateError);
      expect(new Uint8Array(moved)).toHaveLength(BYTES);
    });

    test('while it is pinned it cannot be closed, until every pin is let go', () => {
      const mapping = native.map(fd, BYTES, 'write');
      const unpin = [mapping.pin('the lock "a" is held'), mapping.pin('the lock "b" is held')];
      expect(() => mapping.close()).toThrow(LockStateError);
      unpin[0]?.();
      unpin[0]?.();
      expect(() => mapping.close()).toThrow(/the lock "b" is held/);
      mapping.bytes[0] = 3;
      unpin[1]?.();
      mapping.close();
      expect(mapping.closed).toBe(true);
    });

    test('views that are kept and used after thousands of closings crash nothing', () => {
      const { ended, stdout, stderr } = program(
        `const fd = fs.openSync(path, 'r+');
        const views = [];
        let sum = 0;
        for (let round = 0; round < 3000; round++) {
          const mapping = native.map(fd, ${BYTES}, 'write');
          const view = mapping.bytes;
          view[round % ${BYTES}] = 1;
          if (round % 3 === 0) views.push(view, new Int32Array(view.buffer));
          mapping.close();
          if (round % 500 === 0) { gc(); await new Promise(setImmediate); }
          for (const kept of views.slice(-40)) { kept[1] = 1; sum += kept[2] ?? 0; }
        }
        gc();
        for (const kept of views) { kept[1] = 1; sum += kept[2] ?? 0; }
        console.log('alive');`,
        [],
        ['--expose-gc'],
      );
      expect({ ended, stdout, stderr }).toEqual({ ended: 0, stdout: 'alive', stderr: '' });
    });

    test.skipIf(!LINUX)('what is collected is unmapped, closed or not, but never what is pinned', () => {
      const { ended, stdout, stderr } = program(
        `const fd = fs.openSync(path, 'r+');
        const count = () => fs.readFileSync('/proc/self/maps', 'utf8').split(path).length - 1;
        const turn = () => new Promise(setImmediate);
        (() => { for (let i = 0; i < 200; i++) native.map(fd, ${BYTES}, 'write').bytes[0] = 1; })();
        (() => { for (let i = 0; i < 200; i++) native.map(fd, ${BYTES}, 'write').close(); })();
        (() => { native.map(fd, ${BYTES}, 'write').pin('the lock is held'); })();
        const spent = () => fs.readFileSync('/proc/self/maps', 'utf8').split('\\n').length;
        const before = spent();
        for (let i = 0; i < 1000 && count() > 1; i++) { gc(); await turn(); }
        console.log(count(), before - spent() > 150);`,
        [],
        ['--expose-gc'],
      );
      expect({ ended, stdout, stderr }).toEqual({ ended: 0, stdout: '1 true', stderr: '' });
    });
  });

  test.skipIf(!LINUX)(
    'what a terminated thread had mapped is unmapped, and nobody else loses anything',
    async () => {
      const lines = () => readFileSync('/proc/self/maps', 'latin1').split(path).length - 1;
      const own = native.map(fd, BYTES, 'write');
      // Threads of the tests before this one.
      native.sweepThreads();
      const before = lines();
      const peer = await thread2();
      const other = await thread2();
      const mapIn = (thread: Peer) =>
        thread.run(({ native: there, openRegion, kept: keep }, file) => {
          keep['region'] = openRegion(file, { access: 'write', native: there });
        }, path);
      await mapIn(peer);
      await mapIn(other);
      expect(lines()).toBe(before + 2);
      expect(native.sweepThreads()).toBe(0);
      await peer.kill();
      expect(native.sweepThreads()).toBe(1);
      expect(lines()).toBe(before + 1);
      own.bytes[50] = 5;
      expect(await other.run(({ kept: keep }) => keep['region'].mapping.bytes[50] as number)).toBe(5);
      await other.run(({ kept: keep }) => keep['region'].close());
      own.close();
    },
  );

  describe('memory', () => {
    test('allocate makes a file longer, and never shorter', () => {
      truncateSync(path, BYTES);
      native.allocate(fd, 100);
      expect(readFileSync(path)).toHaveLength(BYTES);
    });

    test.skipIf(!CAN_UNSHARE)('a full memory file system is ENOSPC, and nobody is ended by it', () => {
      const small = mkdtempSync(join(tmpdir(), 'treewarden-small-'));
      const { ended, stdout, stderr } = program(
        `const fd = fs.openSync(${JSON.stringify(join(small, 'file'))}, 'w+');
        try { native.allocate(fd, 1 << 20); } catch (error) { console.log(error.syscall, error.code); }
        native.allocate(fd, 16384);
        const mapping = native.map(fd, 16384, 'write');
        mapping.bytes.fill(1);
        console.log('filled');`,
        ['unshare', '-m', 'sh', '-c', `mount -t tmpfs -o size=64k none ${small} && exec "$@"`, 'sh'],
      );
      rmSync(small, { recursive: true });
      expect({ ended, stdout, stderr }).toEqual({
        ended: 0,
        stdout: 'posix_fallocate ENOSPC\nfilled',
        stderr: '',
      });
    });

    test.skipIf(!LINUX)('memory without a name reaches a child by its descriptor', () => {
      const memory = native.memfd('frames');
      native.allocate(memory, BYTES);
      const mapping = native.map(memory, BYTES, 'write');
      const { status } = spawnSync('sh', ['-c', 'printf hello 1<> /proc/self/fd/3'], {
        stdio: ['ignore', 'inherit', 'inherit', memory],
      });
      expect(status).toBe(0);
      expect(Buffer.from(mapping.bytes.subarray(0, 5)).toString()).toBe('hello');
      mapping.close();
      closeSync(memory);
    });

    test.skipIf(!LINUX)('memory without a name is closed when another program is started', () => {
      const memory = native.memfd('frames');
      const { stdout } = spawnSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
      closeSync(memory);
      expect(stdout).not.toContain('memfd');
    });
  });

  test('flock excludes other processes, and dies with its holder', async () => {
    const peer = await process2();
    const lock = (how: 'exclusive' | 'shared') =>
      peer.run(
        ({ native: there, fs, kept: keep }, file, mode) => {
          keep['fd'] ??= fs.openSync(file, 'r');
          return there.flock(keep['fd'], mode);
        },
        path,
        how,
      );
    expect(await lock('exclusive')).toBe(true);
    expect(native.flock(fd, 'exclusive')).toBe(false);
    expect(await lock('shared')).toBe(true);
    expect(native.flock(fd, 'exclusive')).toBe(false);
    expect(native.flock(fd, 'shared')).toBe(true);
    await peer.kill();
    expect(native.flock(fd, 'exclusive')).toBe(true);
    expect(native.flock(fd, 'unlock')).toBe(true);
  });

  describe('threads', () => {
    test('the main thread is known by its process id', () => {
      expect(native.threadId()).toBe(process.pid);
    });

    test.skipIf(!LINUX)('another thread has an id of its own, the one in /proc', async () => {
      const peer = await thread2();
      const [id, proc] = await peer.run(({ native: there, fs }) => [
        there.threadId(),
        fs.readlinkSync('/proc/thread-self'),
      ]);
      expect(proc).toBe(`${process.pid}/task/${id}`);
    });
  });

  describe.skipIf(!LINUX)('robust mutexes', () => {
    const AT = 128;
    const mutexes = () => native.robustMutex ?? expect.fail('no robust mutexes');
    const lockIn = (peer: Peer) =>
      peer.run(
        ({ native: there, openRegion, kept: keep }, file, at) => {
          const region = openRegion(file, { access: 'write', native: there });
          keep['unpin'] = region.mapping?.pin('the test lock is held');
          keep['region'] = region;
          return region.mapping && there.robustMutex?.tryLock(region.mapping, at);
        },
        path,
        AT,
      );

    test('one holds it, others are told that it is busy, and cannot unlock it', async () => {
      const mapping = native.map(fd, BYTES, 'write');
      mutexes().initialise(mapping, AT);
      for (const peer of [await process2(), await thread2()]) {
        expect(await lockIn(peer)).toBe('locked');
        expect(mutexes().tryLock(mapping, AT)).toBe('busy');
        expect(() => mutexes().unlock(mapping, AT)).toThrow(expect.objectContaining({ code: 'EPERM' }));
        await peer.run(
          ({ native: there, kept: keep }, at) => there.robustMutex?.unlock(keep['region'].mapping, at),
          AT,
        );
        expect(mutexes().tryLock(mapping, AT)).toBe('locked');
        expect(mutexes().tryLock(mapping, AT)).toBe('busy');
        mutexes().unlock(mapping, AT);
      }
      mapping.close();
    });

    const deaths: readonly (readonly [string, () => Promise<Peer>, (peer: Peer) => Promise<unknown>])[] = [
      ['SIGKILL', process2, (peer) => peer.kill()],
      ['exit', process2, (peer) => peer.run(() => process.exit(0)).catch(() => peer.ended)],
      ['the exit of its thread', thread2, (peer) => peer.run(() => process.exit(0)).catch(() => peer.ended)],
      ['terminate()', thread2, (peer) => peer.kill()],
    ];
    test.each(deaths)('the next owner is told of a death by %s, and goes on', async (_, start, end) => {
      const mapping = native.map(fd, BYTES, 'write');
      mutexes().initialise(mapping, AT);
      const peer = await start();
      expect(await lockIn(peer)).toBe('locked');
      await end(peer);
      expect(mutexes().tryLock(mapping, AT)).toBe('owner-died');
      mutexes().markConsistent(mapping, AT);
      mutexes().unlock(mapping, AT);
      expect(mutexes().tryLock(mapping, AT)).toBe('locked');
      mutexes().unlock(mapping, AT);
      mapping.close();
    });

    test('unlocked after a death without a word that all is well, it is of no more use', async () => {
      const mapping = native.map(fd, BYTES, 'write');
      mutexes().initialise(mapping, AT);
      const peer = await process2();
      await lockIn(peer);
      await peer.kill();
      expect(mutexes().tryLock(mapping, AT)).toBe('owner-died');
      mutexes().unlock(mapping, AT);
      expect(mutexes().tryLock(mapping, AT)).toBe('unrecoverable');
      mapping.close();
    });

    test('its layout is named after libc and the processor', () => {
      expect(mutexes().layout).toMatch(/^(glibc|musl)-[a-z0-9]+$/);
      expect(mutexes().bytes % 8).toBe(0);
    });

    test('a place outside the mapping, or between two words, is refused, and so is a closed mapping', () => {
      const mapping = native.map(fd, BYTES, 'write');
      expect(() => mutexes().initialise(mapping, BYTES - 32)).toThrow(RangeError);
      expect(() => mutexes().tryLock(mapping, -64)).toThrow(RangeError);
      expect(() => mutexes().tryLock(mapping, Number.NaN)).toThrow(RangeError);
      expect(() => mutexes().tryLock(mapping, 3)).toThrow(RangeError);
      mapping.close();
      expect(() => mutexes().tryLock(mapping, AT)).toThrow(ReleasedError);
      expect(() => mutexes().tryLock({ ...mapping }, AT)).toThrow(TypeError);
    });
  });

  describe('System V', () => {
    const systemV = () => native.systemV ?? expect.fail('no System V');
    // Keys are the machine's: one that nobody else has at this time.
    const key = (number: number): number => 0x5457_0000 + ((process.pid * 8 + number) % 0x10000);

    test('a segment is seen by a second process, and is gone with the last user once it is marked', async () => {
      const id = systemV().createSegment(key(0), 5000, 0o600);
      const segment = systemV().attach(id, 5000, 'write');
      try {
        const peer = await process2();
        await peer.run(({ native: there, kept: keep }, number) => {
          const opened = there.systemV?.openSegment(number) ?? -1;
          keep['segment'] = there.systemV?.attach(opened, 5000, 'write');
          keep['segment'].bytes[4999] = 42;
        }, key(0));
        expect(segment.bytes[4999]).toBe(42);
      } finally {
        systemV().removeSegment(id);
      }
      const view = segment.bytes;
      segment.close();
      expect(view[4999] ?? 0).toBe(0);
      expect(() => segment.bytes).toThrow(ReleasedError);
      await Promise.all(peers.splice(0).map((peer) => peer.kill()));
      expect(() => systemV().attach(id, 1, 'read')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    });

    test('what exists is not made again, what does not is not opened, and more than there is is not shown', () => {
      expect(() => systemV().openSegment(key(1))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
      const id = systemV().createSegment(key(1), 100, 0o600);
      try {
        expect(() => systemV().createSegment(key(1), 100, 0o600)).toThrow(
          expect.objectContaining({ syscall: 'shmget', code: 'EEXIST' }),
        );
        expect(() => systemV().attach(id, 101, 'read')).toThrow(
          expect.objectContaining({ code: 'EOVERFLOW' }),
        );
      } finally {
        systemV().removeSegment(id);
      }
    });

    test.skipIf(!LINUX)('segments that are closed or collected are detached', () => {
      const { ended, stdout, stderr } = program(
        `const { systemV } = native;
        const id = systemV.createSegment(${key(2)}, 5000, 0o600);
        const attached = () => Number(fs.readFileSync('/proc/sysvipc/shm', 'utf8').split('\\n')
          .find((line) => line.trim().split(/ +/)[1] === String(id)).trim().split(/ +/)[6]);
        const views = [];
        try {
          (() => { for (let i = 0; i < 50; i++) systemV.attach(id, 5000, 'write').bytes[0] = 1; })();
          for (let i = 0; i < 50; i++) {
            const segment = systemV.attach(id, 5000, 'write');
            views.push(segment.bytes);
            segment.close();
          }
          const first = attached();
          for (let i = 0; i < 1000 && attached() > 0; i++) { gc(); await new Promise(setImmediate); }
          for (const view of views) view[1] = 1;
          console.log(first <= 50, attached());
        } finally {
          systemV.removeSegment(id);
        }`,
        [],
        ['--expose-gc'],
      );
      expect({ ended, stdout, stderr }).toEqual({ ended: 0, stdout: 'true 0', stderr: '' });
    });

    test.skipIf(!CAN_UNSHARE)('a limit of the kernel is ENOSPC', () => {
      const { ended, stdout } = program(
        `const { systemV } = native;
        const failure = (make) => { try { make(1); make(2); make(3); } catch (error) { return error.syscall + ' ' + error.code; } };
        console.log(failure((key) => systemV.createSegment(key, 4096, 0o600)), failure((key) => systemV.createSemaphores(key, 1, 0o600)));`,
        [
          'unshare',
          '-i',
          '-m',
          'sh',
          '-c',
          'echo 2 > /proc/sys/kernel/shmmni && echo "32000 1024000000 500 2" > /proc/sys/kernel/sem && exec "$@"',
          'sh',
        ],
      );
      expect({ ended, stdout }).toEqual({ ended: 0, stdout: 'shmget ENOSPC semget ENOSPC' });
    });

    test('permits that were taken with undo come back when their taker is killed, and others do not', async () => {
      const id = systemV().createSemaphores(key(3), 2, 0o600);
      try {
        systemV().setValues(id, [2, 2]);
        const peer = await process2();
        const taken = await peer.run(({ native: { systemV: there } }, number) => {
          const opened = there?.openSemaphores(number) ?? -1;
          return [there?.add(opened, 0, -2, true), there?.add(opened, 1, -1, false), there?.value(opened, 1)];
        }, key(3));
        expect(taken).toEqual([true, true, 1]);
        expect(systemV().add(id, 0, -1, true)).toBe(false);
        await peer.kill();
        expect([systemV().value(id, 0), systemV().value(id, 1)]).toEqual([2, 1]);
        expect(systemV().add(id, 0, -1, true)).toBe(true);
        expect(systemV().add(id, 0, 1, true)).toBe(true);
      } finally {
        systemV().removeSemaphores(id);
      }
      expect(() => systemV().value(id, 0)).toThrow(expect.objectContaining({ syscall: 'semctl' }));
    });
  });

  test('a named semaphore gives its permits to any process, and is gone once unlinked', async () => {
    const semaphores = native.namedSemaphores ?? expect.fail('no named semaphores');
    const name = `/treewarden-test-${process.pid}`;
    const semaphore = semaphores.create(name, 2, 0o600);
    try {
      const peer = await process2();
      const take = () =>
        peer.run(({ native: there, kept: keep }, called) => {
          keep['semaphore'] ??= there.namedSemaphores?.open(called);
          return keep['semaphore'].tryWait() as boolean;
        }, name);
      expect([await take(), await take(), await take()]).toEqual([true, true, false]);
      expect(semaphore.tryWait()).toBe(false);
      semaphore.post();
      if (LINUX) expect(semaphore.value).toBe(1);
      expect(await take()).toBe(true);
      expect(() => semaphores.create(name, 1, 0o600)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    } finally {
      semaphores.unlink(name);
    }
    expect(() => semaphores.open(name)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    semaphore.close();
    semaphore.close();
    expect(() => semaphore.post()).toThrow(ReleasedError);
  });

  describe.skipIf(!LINUX)('waiting for a word', () => {
    const AT = 1024;
    const wakeIn = (peer: Peer) =>
      peer.run(
        ({ native: there, openRegion, kept: keep }, file, at) => {
          keep['region'] ??= openRegion(file, { access: 'write', native: there });
          there.wake?.(keep['region'].mapping, at);
        },
        path,
        AT,
      );

    test('a wait beside the event loop is offered by koffi alone', () => {
      expect(native.wait === undefined).toBe(choice !== 'koffi');
      expect(native.wake).toBeDefined();
    });

    test.skipIf(choice !== 'koffi')('a wait ends when another process wakes it', async () => {
      const mapping = native.map(fd, BYTES, 'write');
      mapping.bytes.fill(0);
      const peer = await process2();
      // A wait that began too late to be woken lasts its 100 ms; then there is another try.
      const wokenAfterMs = async (): Promise<number> => {
        const fromMs = performance.now();
        const waited = native.wait?.(mapping, AT, 0, 60_000);
        await wakeIn(peer);
        await waited;
        return performance.now() - fromMs;
      };
      let shortestMs = Number.POSITIVE_INFINITY;
      for (let tries = 0; tries < 50 && shortestMs > 60; tries++) {
        shortestMs = Math.min(shortestMs, await wokenAfterMs());
      }
      expect(shortestMs).toBeLessThan(60);
      mapping.close();
    });

    test.skipIf(choice !== 'koffi')('a wait ends when its time is over, or its word is another', async () => {
      const mapping = native.map(fd, BYTES, 'write');
      mapping.bytes.fill(0);
      const fromMs = performance.now();
      await native.wait?.(mapping, AT, 0, 20);
      expect(performance.now() - fromMs).toBeGreaterThan(15);
      await native.wait?.(mapping, AT, 1, 60_000);
      await native.wait?.(mapping, AT, 0, 0);
      // The pool is everybody's: a second one beside the first returns at once.
      const first = native.wait?.(mapping, AT, 0, 100);
      const secondFromMs = performance.now();
      await native.wait?.(mapping, AT, 0, 100);
      expect(performance.now() - secondFromMs).toBeLessThan(60);
      await first;
      mapping.close();
      expect(() => native.wait?.(mapping, AT, 0, 1)).toThrow(ReleasedError);
    });
  });
}
