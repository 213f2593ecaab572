import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { task } from '../../../src/children/index.js';
import { mutex, ResourceRegistry } from '../../../src/resources/index.js';
import { Supervisor, supervisor } from '../../../src/runtime/index.js';

test('a task that crashes in the middle of what a mutex guards leaves the news to its next incarnation', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-locks-'));
  const resources = await ResourceRegistry.open({ scope: 'task', stateDir: folder, memoryDir: folder });
  const told: boolean[] = [];
  let running: Supervisor | undefined;
  const repaired = new Promise<void>((resolve) => {
    const work = task('writer', async (ctx) => {
      const lock = await ctx.resources.acquire(mutex({ name: 'accounts' }));
      const hold = await lock.lock();
      told.push(hold.ownerDied);
      if (!hold.ownerDied) throw new Error('in the middle of it');
      hold.repaired();
      hold.release();
      resolve();
    });
    const spec = supervisor('shop', {
      children: [{ ...work, restart: 'transient', backoff: { type: 'none' } }],
    });
    running = new Supervisor(spec, { resources });
  });
  await running?.start();
  await repaired;
  await running?.stop();
  await resources.close();
  expect(told).toEqual([false, true]);
  rmSync(folder, { recursive: true, force: true });
});
