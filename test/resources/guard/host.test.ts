import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { reclaim } from '../../../src/resources/guard/reclaim.js';
import { buildHost, Ground } from './hosts.js';
import { groupLives, processLives, SYSTEM_V } from './place.js';
import { SHELLS } from './shells.js';

const HAS = {
  unshare: spawnSync('unshare', ['-i', 'true']).status === 0,
};

let host: Awaited<ReturnType<typeof buildHost>>;
let ground: Ground;
beforeAll(async () => {
  host = await buildHost();
});
afterAll(() => host.remove());
beforeEach(() => {
  ground = new Ground(host.path);
});
afterEach(() => ground.close());

const cleared = (): Promise<void> =>
  expect.poll(() => ground.left(), { timeout: 10_000, interval: 5 }).toEqual([]);

describe.skipIf(SYSTEM_V === undefined)('a host', () => {
  // Busybox is a shell by the name it is called by.
  test.for(SHELLS.map(([shell]) => shell).filter((shell) => shell !== 'busybox'))(
    'that is killed leaves nothing behind, with a guardian in %s',
    async (shell) => {
      const one = await ground.host('hold', [`/bin/${shell}`, 'with-group']);
      expect(one.state).toBe('watching');
      expect(ground.left()).toHaveLength(12);
      await one.kill();
      await cleared();
      await expect.poll(() => processLives(one.guardian)).toBe(false);
      for (const line of one.said.filter((said) => said.startsWith('group')))
        expect(groupLives(Number(line.split(' ')[1]))).toBe(false);
    },
  );

  test('whose whole process group is killed leaves nothing behind', async () => {
    const one = await ground.host('hold');
    process.kill(-one.pid, 'SIGKILL');
    await cleared();
  });

  test('that dies writing its ledger anew leaves no half of it', async () => {
    const one = await ground.host('hold');
    const [ledger = ''] = ground.ledgers();
    const written = join(ground.stateDir, 'host', ledger);
    const pidNamespace = readFileSync(written, 'latin1').split(' ')[5];
    writeFileSync(`${written}.${pidNamespace}.new`, 'treewarden-');
    await one.kill();
    await cleared();
  });

  test('that is only stopped keeps everything, and so does one whose guardian is asked to end', async () => {
    const one = await ground.host('hold');
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1'] as const)
      process.kill(one.guardian, signal);
    one.child.kill('SIGSTOP');
    const report = await reclaim({ stateDir: ground.stateDir, dryRun: false });
    expect(report.ledgers.map(({ verdict }) => verdict)).toEqual(['owner-alive']);
    expect(processLives(one.guardian)).toBe(true);
    expect(ground.left()).toHaveLength(12);
    await one.kill();
    await cleared();
  });

  test('that becomes another program leaves nothing to it', async () => {
    const one = await ground.host('exec');
    await cleared();
    expect(readFileSync(`/proc/${one.pid}/comm`, 'utf8')).toBe('sleep\n');
  });

  test('whose guardian is killed gets another one, and then leaves nothing behind', async () => {
    const one = await ground.host('hold');
    process.kill(one.guardian, 'SIGKILL');
    await one.says(/^guardian restarting/);
    const next = Number((await one.says(/^guardian watching/)).split(' ')[2]);
    expect(next).not.toBe(one.guardian);
    expect(ground.left()).toHaveLength(12);
    await one.kill();
    await cleared();
  });

  test('that is killed with its guardian is cleaned up after by the next start', async () => {
    const one = await ground.host('hold');
    process.kill(one.guardian, 'SIGSTOP');
    await one.kill();
    process.kill(one.guardian, 'SIGKILL');
    expect(ground.left()).toHaveLength(12);
    // It takes the same keys, so what was left would be in its way.
    const next = await ground.host('reclaim-first');
    expect(ground.left()).toHaveLength(12);
    await next.kill();
    await cleared();
  });

  test('that another live owner in its scope has nothing to fear from', async () => {
    const other = new Ground(host.path);
    Object.assign(other, { dir: ground.dir, stateDir: ground.stateDir });
    try {
      const [living, dead] = [await ground.host('hold'), await other.host('churn')];
      const mine = ground.left().filter((what) => /^segment|^set/.test(what));
      await dead.kill();
      await expect.poll(() => processLives(dead.guardian)).toBe(false);
      await reclaim({ stateDir: ground.stateDir, dryRun: false });
      expect(ground.left().filter((what) => /^segment|^set/.test(what))).toEqual(mine);
      expect(ground.ledgers()).toHaveLength(1);
      await living.kill();
      await cleared();
    } finally {
      await other.close();
    }
  });

  test('whose state directory was cleaned away is known to its guardian all the same', async () => {
    const one = await ground.host('hold');
    renameSync(`${ground.stateDir}/host/${ground.ledgers()[0]}`, `${ground.dir}/state/elsewhere`);
    await one.kill();
    await cleared();
  });

  test.skipIf(!HAS.unshare)('in another ipc namespace is left alone', async () => {
    const one = await ground.host('hold', [], ['unshare', '-i', '--']);
    process.kill(one.guardian, 'SIGSTOP');
    await one.kill();
    process.kill(one.guardian, 'SIGKILL');
    const report = await reclaim({ stateDir: ground.stateDir, dryRun: false });
    expect(report.ledgers.map(({ verdict }) => verdict)).toEqual(['other-namespace']);
    expect(ground.ledgers()).toHaveLength(1);
  });

  test('that keeps acquiring is killed at any moment, many times, and never leaves anything', async () => {
    const rounds = Number(process.env.TREEWARDEN_KILLS ?? 24);
    for (let done = 0; done < rounds; done += 4) {
      await Promise.all(
        [1, 2, 3, 4].map(async () => {
          const other = new Ground(host.path);
          try {
            const one = await other.host('churn');
            const delayMs = Math.floor(Math.random() * 60);
            await once(AbortSignal.timeout(delayMs), 'abort');
            await one.kill();
            await expect.poll(() => other.left(), { timeout: 10_000 }).toEqual([]);
          } finally {
            await other.close();
          }
        }),
      );
    }
  }, 300_000);
});
