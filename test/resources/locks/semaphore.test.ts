import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  InvalidSpecError,
  LockStateError,
  LockTimeoutError,
  SharedLayoutError,
} from '../../../src/core/index.js';
import { openLockHost } from '../../../src/resources/locks/host.js';
import { LAYOUT } from '../../../src/resources/locks/layout.js';
import { attachSemaphore, type Semaphore, semaphore } from '../../../src/resources/locks/semaphore.js';
import { type GrantedFacts, type LockFiles, lockFiles, openWords } from './lock-files.js';
import { bundled, type Peer, type PeerSort, type Program, startPeer, USER } from './peers.js';
import { WAYS } from './ways.js';

let program: Program;
let files: LockFiles;
const peers: Peer[] = [];
const leases: Semaphore[] = [];

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
  describe.skipIf(skip)(`a semaphore guarded by ${implementation}`, () => {
    const here = async (granted: GrantedFacts): Promise<Semaphore> => {
      const given = { ...granted, giveBack: () => Promise.resolve() };
      const lease = await attachSemaphore(given, implementation, openLockHost(backend));
      leases.push(lease);
      return lease;
    };
    const elsewhere = async (sort: PeerSort, granted: GrantedFacts): Promise<Peer> => {
      const peer = await startPeer(sort, program);
      peers.push(peer);
      await peer.tell({ do: 'attach', using: { lock: 'semaphore', granted, implementation, backend } });
      return peer;
    };

    test('gives out as many permits as it has, to any thread', async () => {
      const granted = files.make('semaphore', 3);
      const gate = await here(granted);
      const other = await elsewhere('process', granted);
      const two = await gate.acquire({ permits: 2 });
      await other.tell({ do: 'take' });
      expect([gate.permits, gate.available]).toEqual([3, 0]);
      expect(gate.tryAcquire()).toBeUndefined();
      two.release();
      two.release();
      expect(gate.available).toBe(2);
      expect(gate.tryAcquire(3)).toBeUndefined();
      await other.tell({ do: 'release' });
      gate.tryAcquire(3)?.release();
      expect(gate.available).toBe(3);
    });

    test.each(['process', 'thread'] as const)('takes back the permits of a %s that died', async (sort) => {
      const granted = files.make('semaphore', 2);
      const gate = await here(granted);
      const holder = await elsewhere(sort, granted);
      await holder.tell({ do: 'take' });
      await holder.tell({ do: 'take' });
      const waiting = gate.acquire({ permits: 2 });
      await holder.kill();
      (await waiting).release();
      expect(gate.available).toBe(2);
    });

    test('takes back the permits of a process that called process.exit, and of a scope that ended', async () => {
      const granted = files.make('semaphore', 2);
      const [gate, task] = [await here(granted), await here(granted)];
      const holder = await elsewhere('process', granted);
      await holder.tell({ do: 'take' });
      await task.acquire();
      const waiting = gate.acquire({ permits: 2 });
      await expect(holder.tell({ do: 'exit', code: 3 })).rejects.toThrow('ended: 3');
      await task.abandon();
      (await waiting).release();
      expect(gate.available).toBe(2);
    });

    test('names its holders when the time is over, and refuses what can never be had', async () => {
      const granted = files.make('semaphore', 1);
      const gate = await here(granted);
      const holder = await elsewhere('process', granted);
      await holder.tell({ do: 'take' });
      const error = await gate.acquire({ timeoutMs: 30 }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LockTimeoutError);
      expect((error as LockTimeoutError).holders).toEqual([expect.stringMatching(/^pid \d+$/)]);
      await expect(gate.acquire({ permits: 2 })).rejects.toThrow(InvalidSpecError);
    });

    test('cannot be given up while a permit is held', async () => {
      const gate = await here(files.make('semaphore', 1));
      const held = await gate.acquire();
      await expect(gate.release()).rejects.toThrow(LockStateError);
      held.release();
      await gate.release();
    });

    test('lets one who wants many in between those who want one again and again', async () => {
      const granted = files.make('semaphore', 2);
      const gate = await here(granted);
      const other = await elsewhere('process', granted);
      let had = false;
      let held = gate.tryAcquire();
      const waiting = gate.acquire({ permits: 2 }).then((both) => {
        had = true;
        both.release();
      });
      const taking = other.tell({ do: 'take' }).then(() => other.tell({ do: 'release' }));
      held?.release();
      held = undefined;
      while (!had) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([waiting, taking]);
    });

    test('is refused to those in another pid namespace, whose pids mean somebody else', async () => {
      const granted = files.make('semaphore', 1);
      await (await here(granted)).release();
      const words = openWords((granted.facts as { path: string }).path);
      words.set(LAYOUT.pidNamespace, 1);
      words.close();
      await expect(here(granted)).rejects.toThrow(SharedLayoutError);
    });

    test('does not believe that a pid is the one that held it, if that started at another time', async () => {
      const granted = files.make('semaphore', 1);
      const gate = await here(granted);
      const words = openWords((granted.facts as { path: string }).path);
      // A holder of this very pid, in an earlier life of it.
      const place = [process.pid, process.pid, 1, 0, 1];
      for (const [index, word] of place.entries()) words.set(LAYOUT.table + index, word);
      words.set(LAYOUT.tableUsed, 1);
      words.close();
      (await gate.acquire()).release();
      expect(gate.available).toBe(1);
    });
  });
}

test('a semaphore is refused where it is given if it has no permits', () => {
  expect(() => semaphore({ name: 'x', permits: 0 })).toThrow(InvalidSpecError);
  expect(() => semaphore({ name: 'x' } as { name: string; permits: number })).toThrow(/permits/);
});
