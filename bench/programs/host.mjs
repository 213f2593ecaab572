// host.mjs <state directory> <ten | mixed>: a program that holds what would outlive it, says what that is, and waits to be killed.

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { entryPoint } from './shared.mjs';

const [stateDir, what] = process.argv.slice(2);
const resources = await entryPoint('resources');
const registry = await resources.ResourceRegistry.open({ scope: 'host', stateDir });
const held = { keys: [], paths: [], groups: [] };

for (let i = 0; i < 5; i += 1) await oneOfSystemV();
if (what === 'mixed') await moreThanThat();
process.stdout.write(`${JSON.stringify({ ...held, guardian: registry.guardian.pid })}\n`);
// Should it be forgotten, it ends with whoever started it.
process.stdin.on('end', () => process.exit()).resume();

async function oneOfSystemV() {
  const { semaphoreSet, sharedMemory } = resources;
  const segment = await registry.acquire(sharedMemory({ key: randomInt(1, 2 ** 31), bytes: 4096 }));
  const set = await registry.acquire(semaphoreSet({ permits: [1] }));
  held.keys.push(segment.key, set.key);
}

async function moreThanThat() {
  const { processGroup, sharedMemory, temporaryFile } = resources;
  const name = `treewarden-bench-${process.pid}`;
  await registry.acquire(sharedMemory({ name, bytes: 4096 }));
  held.paths.push(`/dev/shm/${name}`, (await registry.acquire(temporaryFile())).path);
  for (let i = 0; i < 2; i += 1) {
    const sleeper = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    await once(sleeper, 'spawn');
    await registry.acquire(processGroup(sleeper.pid));
    held.groups.push(sleeper.pid);
  }
}
