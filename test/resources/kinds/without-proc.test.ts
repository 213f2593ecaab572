import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { loadNative } from '../../../src/resources/backend/choose.js';
import { semaphoreSet, sharedMemory } from '../../../src/resources/index.js';
import { randomKey } from '../../../src/resources/kinds/system-v.js';
import { Trial } from '../trial.js';

vi.mock(import('../../../src/resources/inspect/system-v.js'), async (original) => ({
  ...(await original()),
  segments: () => [],
  semaphoreSets: () => [],
}));

const SYSTEM_V = process.platform === 'linux' && (await loadNative('auto'))?.systemV !== undefined;
/** Past what is mocked. */
const keys = (list: 'shm' | 'sem'): readonly number[] =>
  readFileSync(`/proc/sysvipc/${list}`, 'latin1')
    .split('\n')
    .slice(1, -1)
    .map((line) => Number.parseInt(line, 10));

test.skipIf(!SYSTEM_V)('where nobody lists System V objects they are released all the same', async () => {
  await using trial = new Trial();
  const registry = await trial.open();
  const [one, two] = [randomKey(), randomKey()];
  await registry.acquire(semaphoreSet({ permits: [1], key: one }));
  await registry.acquire(sharedMemory({ bytes: 4096, key: two }));
  expect([keys('sem').includes(one), keys('shm').includes(two)]).toEqual([true, true]);
  await registry.close();
  expect([keys('sem').includes(one), keys('shm').includes(two)]).toEqual([false, false]);
});
