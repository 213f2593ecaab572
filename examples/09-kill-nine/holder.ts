// Takes what outlives a process: segments and semaphores of System V, and memory with a name. Then it waits to be killed.

import { ResourceRegistry, semaphoreSet, sharedMemory } from 'treewarden/resources';

const first = Number(process.argv[2]);
const registry = await ResourceRegistry.open({ scope: 'kill-nine' });

for (const key of [first, first + 1, first + 2]) await registry.acquire(sharedMemory({ key, bytes: 65_536 }));
for (const key of [first + 3, first + 4]) await registry.acquire(semaphoreSet({ key, permits: [1, 1] }));
await registry.acquire(sharedMemory({ name: `kill-nine-${first}`, bytes: 65_536 }));

console.log('holding');
setInterval(() => undefined, 1 << 30);
