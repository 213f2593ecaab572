// kinds.mjs: what it takes to acquire one of each kind and to release it again, in µs. What is shared by name is made by the first, which is not
// counted, and opened by the others.

import { MEMORY, ownDirectory, withRegistry } from './own-registry.mjs';
import { nsPerOperation } from './per-operation.mjs';
import { report } from './shared.mjs';

report(await withRegistry(measureAll));

async function measureAll(registry, resources) {
  const measured = {};
  for (const [name, kind] of Object.entries(await kindsOf(registry, resources))) {
    const ns = await nsPerOperation(async (many) => {
      for (let i = 0; i < many; i += 1) await (await registry.acquire(kind)).release();
    });
    measured[name] = ns / 1000;
  }
  return measured;
}

async function kindsOf(registry, resources) {
  const directory = await ownDirectory(registry, resources);
  const path = `${directory}/path`;
  const named = (what) => ({ name: `${what}-${process.pid}` });
  return {
    mutex: resources.mutex(named('mutex')),
    'rw-lock': resources.rwLock(named('rw-lock')),
    semaphore: resources.semaphore({ ...named('semaphore'), permits: 1 }),
    'snapshot-cell': resources.snapshotCell({ ...named('cell'), bytes: 1024 }),
    'anonymous memory': resources.sharedMemory({ bytes: 4096 }),
    'POSIX memory': resources.sharedMemory({ ...named('bench'), bytes: 4096 }),
    'private segment': resources.sharedMemory({ backing: 'system-v', bytes: 4096 }),
    'semaphore set': resources.semaphoreSet({ permits: [1] }),
    'POSIX semaphore': resources.posixSemaphore({ ...named('bench'), permits: 1 }),
    'file lock': resources.fileLock({ path }),
    'temporary file': resources.temporaryFile({ directory: MEMORY }),
    'temporary directory': resources.temporaryDirectory({ directory: MEMORY }),
    'Unix socket': resources.unixSocket({ path: `${path}.sock` }),
  };
}
