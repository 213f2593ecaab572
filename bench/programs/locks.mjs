// locks.mjs <what> <implementation>: an uncontended lock, taken and let go: a mutex, a semaphore, a reader-writer lock, or what is used instead.

import { closeSync, openSync, unlinkSync, writeFileSync } from 'node:fs';
import properLockfile from 'proper-lockfile';
import { ownDirectory, withRegistry } from './own-registry.mjs';
import { nsPerOperation } from './per-operation.mjs';
import { report } from './shared.mjs';

const [what, kind] = process.argv.slice(2);
const name = `lock-${process.pid}`;

const MEASURES = {
  mutex: async (registry, { mutex }) => {
    const lock = await registry.acquire(mutex({ name, kind }));
    return {
      tryNs: await nsPerOperation((many) => {
        for (let i = 0; i < many; i += 1) lock.tryLock().release();
      }),
      lockNs: await nsPerOperation(async (many) => {
        for (let i = 0; i < many; i += 1) (await lock.lock()).release();
      }),
    };
  },
  semaphore: async (registry, { semaphore }) => {
    const permits = await registry.acquire(semaphore({ name, kind, permits: 1 }));
    return {
      tryNs: await nsPerOperation((many) => {
        for (let i = 0; i < many; i += 1) permits.tryAcquire().release();
      }),
    };
  },
  'rw-lock': async (registry, { rwLock }) => {
    const lock = await registry.acquire(rwLock({ name, kind }));
    return {
      readNs: await nsPerOperation((many) => {
        for (let i = 0; i < many; i += 1) lock.tryRead().release();
      }),
      writeNs: await nsPerOperation((many) => {
        for (let i = 0; i < many; i += 1) lock.tryWrite().release();
      }),
    };
  },
  'O_EXCL file': async (registry, resources) => {
    const file = `${await ownDirectory(registry, resources)}/lock`;
    return {
      tryNs: await nsPerOperation((many) => {
        for (let i = 0; i < many; i += 1) {
          closeSync(openSync(file, 'wx'));
          unlinkSync(file);
        }
      }),
    };
  },
  'proper-lockfile': async (registry, resources) => {
    const file = `${await ownDirectory(registry, resources)}/guarded`;
    writeFileSync(file, '');
    return {
      lockNs: await nsPerOperation(async (many) => {
        for (let i = 0; i < many; i += 1) {
          const release = await properLockfile.lock(file);
          await release();
        }
      }),
    };
  },
};

report(await withRegistry(MEASURES[what]));
