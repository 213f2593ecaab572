import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  LockStateError,
  LockTimeoutError,
  ReleasedError,
  SharedLayoutError,
} from '../../../src/core/index.js';
import type { BackendChoice } from '../../../src/resources/backend/choose.js';
import { openLockHost } from '../../../src/resources/locks/host.js';
import type { LockImplementation } from '../../../src/resources/locks/latch.js';
import { attachMutex, type Mutex, mutex } from '../../../src/resources/locks/mutex.js';
import { type GrantedFacts, type LockFiles, lockFiles, openWords } from './lock-files.js';
import { bundled, type Peer, type PeerSort, type Program, startPeer, USER } from './peers.js';
import { native, WAYS } from './ways.js';

let program: Program;
let files: LockFiles;
const peers: Peer[] = [];
const leases: Mutex[] = [];

beforeAll(async () => {
  program = await bundled(USER);
  files = lockFiles();
});
afterAll(() => {
  program.remove();
  files.remove();
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.kill()));
  await Promise.all(leases.splice(0).map((lease) => lease.abandon()));
});

for (const { implementation, backend, skip } of WAYS) {
  describe.skipIf(skip)(`a mutex by ${implementation}`, () => {
    const here = async (granted: GrantedFacts): Promise<Mutex> => {
      const given = { ...granted, giveBack: () => Promise.resolve() };
      const lease = await attachMutex(given, implementation, openLockHost(backend));
      leases.push(lease);
      return lease;
    };
    const elsewhere = async (sort: PeerSort, granted: GrantedFacts): Promise<Peer> => {
      const peer = await startPeer(sort, program);
      peers.push(peer);
      await peer.tell({ do: 'attach', using: { lock: 'mutex', granted, implementation, backend } });
      return peer;
    };

    test('is free at first, and free again after its release', async () => {
      const lock = await here(files.make('mutex'));
      expect(lock.implementation).toBe(implementation);
      for (let round = 0; round < 3; round += 1) {
        const hold = await lock.lock();
        expect(hold.ownerDied).toBe(false);
        expect(lock.tryLock()).toBeUndefined();
        hold.release();
        hold.release();
        expect(hold.released).toBe(true);
      }
      lock.tryLock()?.release();
    });

    test('loses no update among three processes and two threads', async () => {
      const granted = files.make('mutex');
      const path = files.words();
      const sorts: readonly PeerSort[] = ['process', 'process', 'process', 'thread', 'thread'];
      const users = await Promise.all(sorts.map((sort) => elsewhere(sort, granted)));
      const answers = await Promise.all(users.map((user) => user.tell({ do: 'count', path, times: 200 })));
      expect(answers).toEqual(sorts.map(() => undefined));
      const words = openWords(path);
      expect([words.get(0), words.get(1)]).toEqual([1000, 1000]);
      words.close();
    }, 60_000);

    test.each(['process', 'thread'] as const)(
      'tells the next one of the death of a %s that held it, until somebody has repaired',
      async (sort) => {
        const granted = files.make('mutex');
        const lock = await here(granted);
        const holder = await elsewhere(sort, granted);
        await holder.tell({ do: 'take' });
        expect(lock.tryLock()).toBeUndefined();
        const waiting = lock.lock();
        await holder.kill();
        const next = await waiting;
        expect(next.ownerDied).toBe(true);
        next.release();
        const third = await lock.lock();
        expect(third.ownerDied).toBe(true);
        third.repaired();
        third.release();
        using fourth = await lock.lock();
        expect(fourth.ownerDied).toBe(false);
      },
    );

    test('tells it again when the repairer dies too', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      for (const expected of [false, true]) {
        const holder = await elsewhere('process', granted);
        expect(await holder.tell({ do: 'take' })).toEqual({ ownerDied: expected });
        await holder.kill();
      }
      const hold = await lock.lock();
      expect(hold.ownerDied).toBe(true);
      hold.repaired();
      hold.release();
      expect((await lock.lock()).ownerDied).toBe(false);
    });

    test('tells it when the repairer dies after it has said that it has repaired', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      const first = await elsewhere('process', granted);
      await first.tell({ do: 'take' });
      await first.kill();
      const second = await elsewhere('process', granted);
      await second.tell({ do: 'take' });
      await second.tell({ do: 'repaired' });
      await second.kill();
      expect((await lock.lock()).ownerDied).toBe(true);
    });

    test('is freed by the process.exit of its holder, which counts as a death', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      const holder = await elsewhere('process', granted);
      await holder.tell({ do: 'take' });
      const waiting = lock.lock();
      await expect(holder.tell({ do: 'exit', code: 7 })).rejects.toThrow('ended: 7');
      expect((await waiting).ownerDied).toBe(true);
    });

    test('counts as died with when the scope of its holder ends', async () => {
      const granted = files.make('mutex');
      const [lock, other] = [await here(granted), await here(granted)];
      await other.lock();
      const waiting = lock.lock();
      await other.abandon();
      expect((await waiting).ownerDied).toBe(true);
      await expect(other.lock()).rejects.toThrow(ReleasedError);
    });

    test('cannot be given up while it is held, and can afterwards', async () => {
      const lock = await here(files.make('mutex'));
      const hold = await lock.lock();
      await expect(lock.release()).rejects.toThrow(LockStateError);
      expect(lock.released).toBe(false);
      hold.release();
      await lock.release();
      expect(() => lock.tryLock()).toThrow(ReleasedError);
    });

    test('is granted first come, first served within a thread, to one at a time', async () => {
      const granted = files.make('mutex');
      const [one, two] = [await here(granted), await here(granted)];
      const order: number[] = [];
      let inside = 0;
      const work = (number: number) => async (): Promise<void> => {
        inside += 1;
        expect(inside).toBe(1);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(number);
        inside -= 1;
      };
      await Promise.all([1, 2, 3, 4, 5, 6].map((n) => (n % 2 === 0 ? one : two).withLock(work(n))));
      expect(order).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('names its holder when the time is over, and leaves no waiter behind', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      const holder = await elsewhere('process', granted);
      await holder.tell({ do: 'take' });
      const error = await lock.lock({ timeoutMs: 40 }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockTimeoutError);
      expect((error as LockTimeoutError).holders).toEqual([expect.stringMatching(/^pid \d+$/)]);
      await expect(lock.lock({ timeoutMs: 0 })).rejects.toThrow(LockTimeoutError);
      await holder.tell({ do: 'release' });
      // Refused at once if the claim of the one that gave up were still there.
      expect(await holder.tell({ do: 'try' })).toBe(true);
    });

    test('is not waited for any longer once the signal is aborted', async () => {
      const lock = await here(files.make('mutex'));
      const hold = await lock.lock();
      const abort = new AbortController();
      const reason = new Error('enough');
      const [waiting, behind] = [lock.lock({ signal: abort.signal }), lock.lock()];
      abort.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expect(lock.lock({ signal: abort.signal })).rejects.toBe(reason);
      hold.release();
      (await behind).release();
    });

    test('has one listener on a signal, however many wait by it: Node warns of more than ten', async () => {
      const lock = await here(files.make('mutex'));
      const hold = await lock.lock();
      const { signal } = new AbortController();
      const waiting = Array.from({ length: 12 }, () => lock.withLock(() => undefined, { signal }));
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      hold.release();
      await Promise.all(waiting);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    test('does not wait for a waiter that was killed', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      const hold = await lock.lock();
      const waiter = await elsewhere('process', granted);
      const waiting = waiter.tell({ do: 'take' });
      // Long enough in the queue to have a claim on the next turn: the timeout below is longer than its patience.
      await expect(lock.lock({ timeoutMs: 200 })).rejects.toThrow(LockTimeoutError);
      await Promise.all([expect(waiting).rejects.toThrow('ended'), waiter.kill()]);
      hold.release();
      expect(lock.tryLock()).toBeDefined();
    });

    test('lets one who has waited long have its turn before those who come again and again', async () => {
      const granted = files.make('mutex');
      const lock = await here(granted);
      const waiter = await elsewhere('process', granted);
      let hold = lock.tryLock();
      let had = false;
      const waiting = waiter.tell({ do: 'take' }).then(() => {
        had = true;
      });
      let refused = 0;
      // Holds it nearly all the time; a waiter that is not let pass would never find it free.
      while (!had) {
        await new Promise((resolve) => setImmediate(resolve));
        hold?.release();
        hold = lock.tryLock();
        if (hold === undefined) refused += 1;
      }
      await waiting;
      expect(refused).toBeGreaterThan(0);
    });

    test('leaves nothing behind after a hundred thousand locks', async () => {
      const lock = await here(files.make('mutex'));
      const before = { files: openFiles(), active: process.getActiveResourcesInfo().length };
      const rounds = implementation === 'socket' ? 10_000 : 100_000;
      for (let round = 0; round < rounds; round += 1) {
        const hold = round % 2 === 0 ? lock.tryLock() : await lock.lock();
        if (hold?.ownerDied !== false) expect.fail(`round ${round} was told of a death, or refused`);
        hold.release();
        // Sockets are forgotten in a turn of the event loop.
        if (round % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      await new Promise((resolve) => setImmediate(resolve));
      expect(openFiles()).toBe(before.files);
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before.active);
    }, 120_000);

    test('passes on that an owner died when the repair fails', async () => {
      const granted = files.make('mutex');
      const [lock, other] = [await here(granted), await here(granted)];
      await other.lock();
      await other.abandon();
      const failure = new Error('no repair');
      await expect(
        lock.withLock(() => {
          throw failure;
        }),
      ).rejects.toBe(failure);
      await lock.withLock((hold) => {
        expect(hold.ownerDied).toBe(true);
        hold.repaired();
      });
      await lock.withLock((hold) => expect(hold.ownerDied).toBe(false));
    });
  });
}

/** How many this process has open. */
function openFiles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
}

describe('the implementation of a mutex', () => {
  const attach = async (granted: GrantedFacts, kind: LockImplementation | 'auto', backend: BackendChoice) => {
    const given = { ...granted, giveBack: () => Promise.resolve() };
    const lease = await attachMutex(given, kind, openLockHost(backend));
    leases.push(lease);
    return lease;
  };

  test('is what the first user chose, for those that follow', async () => {
    const granted = files.make('mutex');
    await (await attach(granted, 'socket', 'auto')).release();
    expect((await attach(granted, 'auto', 'files')).implementation).toBe('socket');
    await leases.pop()?.release();
    expect((await attach(granted, 'auto', 'auto')).implementation).toBe('socket');
  });

  test.skipIf(native === undefined)('refuses one who cannot use it, or asks for another', async () => {
    const granted = files.make('mutex');
    await (await attach(granted, 'flock', 'auto')).release();
    await expect(attach(granted, 'auto', 'files')).rejects.toThrow(SharedLayoutError);
    await expect(attach(granted, 'socket', 'auto')).rejects.toThrow(SharedLayoutError);
    // Also while this thread has it open.
    await attach(granted, 'auto', 'auto');
    await expect(attach(granted, 'socket', 'auto')).rejects.toThrow(SharedLayoutError);
  });

  test('is refused where it is given if there is none such, or a name is misspelt', () => {
    expect(() => mutex({ name: 'x', kind: 'spin' as 'auto' })).toThrow(/kind/);
    expect(() => mutex({ name: '../x' })).toThrow(/name/);
    expect(() => mutex({ name: 'x', timeout: 5 } as { name: string })).toThrow(/timeout/);
  });
});
