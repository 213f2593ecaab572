import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LockStateError, type LockTimeoutError, ReleasedError } from '../../../src/core/index.js';
import { openLockHost } from '../../../src/resources/locks/host.js';
import { attachRwLock, type RwLock } from '../../../src/resources/locks/rw-lock.js';
import { type GrantedFacts, type LockFiles, lockFiles, openWords } from './lock-files.js';
import { bundled, type Peer, type PeerSort, type Program, startPeer, USER } from './peers.js';
import { WAYS } from './ways.js';

let program: Program;
let files: LockFiles;
const peers: Peer[] = [];
const leases: RwLock[] = [];

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
  describe.skipIf(skip)(`a reader-writer lock by ${implementation}`, () => {
    const here = async (granted: GrantedFacts): Promise<RwLock> => {
      const given = { ...granted, giveBack: () => Promise.resolve() };
      const lease = await attachRwLock(given, implementation, openLockHost(backend));
      leases.push(lease);
      return lease;
    };
    const elsewhere = async (sort: PeerSort, granted: GrantedFacts): Promise<Peer> => {
      const peer = await startPeer(sort, program);
      peers.push(peer);
      await peer.tell({ do: 'attach', using: { lock: 'rw-lock', granted, implementation, backend } });
      return peer;
    };

    test('is held by many readers, or by one writer', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const other = await elsewhere('process', granted);
      const [one, two] = [await lock.read(), await lock.read()];
      await other.tell({ do: 'take', access: 'read' });
      expect(lock.tryWrite()).toBeUndefined();
      one.release();
      two.release();
      expect(lock.tryWrite()).toBeUndefined();
      await other.tell({ do: 'release' });
      const writing = await lock.write();
      expect([lock.tryRead(), lock.tryWrite()]).toEqual([undefined, undefined]);
      writing.release();
      lock.tryRead()?.release();
    });

    test('loses no update among three writing processes and two threads', async () => {
      const granted = files.make('rw-lock');
      const path = files.words();
      const sorts: readonly PeerSort[] = ['process', 'process', 'process', 'thread', 'thread'];
      const users = await Promise.all(sorts.map((sort) => elsewhere(sort, granted)));
      const answers = await Promise.all(users.map((user) => user.tell({ do: 'count', path, times: 100 })));
      expect(answers).toEqual(sorts.map(() => undefined));
      const words = openWords(path);
      expect([words.get(0), words.get(1)]).toEqual([500, 500]);
      words.close();
    }, 60_000);

    test.each(['process', 'thread'] as const)('is not kept by a %s that died reading', async (sort) => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const reader = await elsewhere(sort, granted);
      await reader.tell({ do: 'take', access: 'read' });
      const waiting = lock.write();
      await reader.kill();
      expect((await waiting).ownerDied).toBe(false);
    });

    test.each(['process', 'thread'] as const)(
      'tells readers and writers of the death of a %s that was writing, until a writer has repaired',
      async (sort) => {
        const granted = files.make('rw-lock');
        const lock = await here(granted);
        const writer = await elsewhere(sort, granted);
        await writer.tell({ do: 'take', access: 'write' });
        const waiting = lock.read();
        await writer.kill();
        const reading = await waiting;
        expect(reading.ownerDied).toBe(true);
        expect(() => reading.repaired()).toThrow(LockStateError);
        reading.release();
        const unrepaired = await lock.write();
        expect(unrepaired.ownerDied).toBe(true);
        unrepaired.release();
        const writing = await lock.write();
        expect(writing.ownerDied).toBe(true);
        writing.repaired();
        writing.release();
        expect((await lock.read()).ownerDied).toBe(false);
      },
    );

    test('tells the next one again when the repairer dies too, before or after it has repaired', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      for (const repairs of [false, true]) {
        const writer = await elsewhere('process', granted);
        await writer.tell({ do: 'take', access: 'write' });
        if (repairs) await writer.tell({ do: 'repaired' });
        await writer.kill();
      }
      expect((await lock.read()).ownerDied).toBe(true);
    });

    test('is freed by the process.exit of its writer, which counts as a death', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const writer = await elsewhere('process', granted);
      await writer.tell({ do: 'take', access: 'write' });
      const waiting = lock.write();
      await expect(writer.tell({ do: 'exit', code: 0 })).rejects.toThrow('ended: 0');
      expect((await waiting).ownerDied).toBe(true);
    });

    test('tells of a writer whose scope ended, and not of a reader', async () => {
      const granted = files.make('rw-lock');
      const [lock, reader, writer] = [await here(granted), await here(granted), await here(granted)];
      await reader.read();
      await reader.abandon();
      (await lock.write()).release();
      await writer.write();
      const waiting = lock.write();
      await writer.abandon();
      expect((await waiting).ownerDied).toBe(true);
    });

    test('cannot be given up while it is held', async () => {
      const lock = await here(files.make('rw-lock'));
      const reading = await lock.read();
      await expect(lock.release()).rejects.toThrow(LockStateError);
      reading.release();
      await lock.release();
      await expect(lock.read()).rejects.toThrow(ReleasedError);
    });

    test('cannot be given up while it is held, also when others of its thread have let go in another order', async () => {
      const granted = files.make('rw-lock');
      const [one, two, three] = [await here(granted), await here(granted), await here(granted)];
      const holds = [await one.read(), await two.read(), await three.read()];
      holds[0]?.release();
      await one.release();
      await expect(two.release()).rejects.toThrow(LockStateError);
      holds[2]?.release();
      await three.release();
      await expect(two.release()).rejects.toThrow(LockStateError);
      holds[1]?.release();
      await two.release();
    });

    test('names those who stand in the way when the time is over', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const other = await elsewhere('process', granted);
      await other.tell({ do: 'take', access: 'read' });
      const error = await lock.write({ timeoutMs: 30 }).catch((reason: unknown) => reason);
      expect((error as LockTimeoutError).holders).toEqual([expect.stringMatching(/^pid \d+$/)]);
      await other.tell({ do: 'release' });
      await other.tell({ do: 'take', access: 'write' });
      const second = await lock.read({ timeoutMs: 30 }).catch((reason: unknown) => reason);
      expect((second as LockTimeoutError).holders).toEqual([expect.stringMatching(/^pid \d+ \(writing\)$/)]);
    });

    test('is not waited for any longer once the signal is aborted', async () => {
      const lock = await here(files.make('rw-lock'));
      const hold = await lock.write();
      const abort = new AbortController();
      const waiting = lock.read({ signal: abort.signal });
      abort.abort();
      await expect(waiting).rejects.toBe(abort.signal.reason);
      hold.release();
      lock.tryWrite()?.release();
    });

    test('lets a writer in between readers that are never all gone', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const writer = await elsewhere('process', granted);
      let had = false;
      const writing = writer.tell({ do: 'take', access: 'write' }).then(() => {
        had = true;
      });
      let hold = lock.tryRead();
      while (!had) {
        await new Promise((resolve) => setImmediate(resolve));
        const next = lock.tryRead();
        hold?.release();
        hold = next;
      }
      await writing;
    });

    test('lets a reader in between writers that come again and again', async () => {
      const granted = files.make('rw-lock');
      const lock = await here(granted);
      const reader = await elsewhere('process', granted);
      let had = false;
      let hold = lock.tryWrite();
      const reading = reader.tell({ do: 'take', access: 'read' }).then(() => {
        had = true;
      });
      while (!had) {
        await new Promise((resolve) => setImmediate(resolve));
        hold?.release();
        hold = lock.tryWrite();
      }
      await reading;
    });
  });
}
