import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadNative } from '../../src/resources/backend/choose.js';
import { ResourceRegistry, sharedMemory, snapshotCell } from '../../src/resources/index.js';
import { leakCheck } from '../../src/testing/index.js';

const LINUX = process.platform === 'linux';
const SYSTEM_V = LINUX && (await loadNative('auto'))?.systemV !== undefined;
const IPCMK = LINUX && spawnSync('ipcmk', ['--help']).status === 0;

describe('a leak check', () => {
  test('finds nothing where nothing was left', async () => {
    const leaks = leakCheck();
    await leaks.expectNone();
    expect(leaks.found()).toEqual([]);
  });

  test('names a listener, a timer, a server and a process that are left, and is content once they are gone', async () => {
    const leaks = leakCheck();
    const listener = (): void => undefined;
    process.on('SIGUSR2', listener);
    const timer = setTimeout(listener, 100_000);
    const server = createServer().listen(0);
    const sleeper = spawn('sleep', ['100'], { detached: true, stdio: 'ignore' });
    try {
      const left = leaks.found().join('\n');
      expect(left).toContain('process.on(SIGUSR2): 0 before, 1 now');
      expect(left).toMatch(/Timeout: \d+ before/);
      expect(left).toMatch(/TCPServerWrap: \d+ before/);
      expect(left).toMatch(new RegExp(`process ${sleeper.pid} \\(.*\\): 0 before, 1 now`));
      await expect(leaks.expectNone(20)).rejects.toMatchObject({
        code: 'ERR_ASSERTION',
        message: /left behind/,
      });
    } finally {
      process.off('SIGUSR2', listener);
      clearTimeout(timer);
      server.close();
      sleeper.kill('SIGKILL');
      await once(sleeper, 'exit');
    }
    await leaks.expectNone();
  });

  test('waits for what is about to be gone', async () => {
    const leaks = leakCheck();
    const sleeper = spawn('sleep', ['0.05'], { stdio: 'ignore' });
    await leaks.expectNone();
    expect(sleeper.exitCode).toBe(0);
  });

  test.skipIf(!LINUX)('names the ledger and the guardian of a registry that is left open', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'treewarden-leaks-'));
    const leaks = leakCheck();
    const registry = await ResourceRegistry.open({ scope: 'leaks', stateDir: folder, memoryDir: folder });
    try {
      await registry.acquire(snapshotCell({ name: 'rates', bytes: 64 }));
      expect(leaks.found()).toEqual(
        expect.arrayContaining([
          expect.stringMatching(/^ledger of an open registry, .*\.ledger: 0 before, 1 now$/),
          expect.stringMatching(
            new RegExp(`^process ${registry.guardian.pid} \\(.*treewarden-guardian.*\\): 0 before, 1 now$`),
          ),
        ]),
      );
    } finally {
      await registry.close();
      rmSync(folder, { recursive: true });
    }
    await leaks.expectNone();
  });

  test.skipIf(!SYSTEM_V)('names segments and memory, mapped and open, that are left', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'treewarden-leaks-'));
    const leaks = leakCheck();
    const registry = await ResourceRegistry.open({ scope: 'leaks', stateDir: folder });
    try {
      const name = `leaks-${process.pid}`;
      const named = await registry.acquire(sharedMemory({ name, bytes: 64 }));
      const segment = await registry.acquire(sharedMemory({ backing: 'system-v', bytes: 64 }));
      const nameless = await registry.acquire(sharedMemory({ bytes: 64 }));
      const left = leaks.found().join('\n');
      expect(left).toMatch(new RegExp(`^mapped ${named.path} \\(inode \\d+\\): 0 before`, 'm'));
      expect(left).toMatch(new RegExp(`^System V segment ${segment.id}: 0 before, 1 now`, 'm'));
      expect(left).toMatch(new RegExp(`^mapped System V segment ${segment.id}: 0 before`, 'm'));
      expect(left).toMatch(new RegExp(`^descriptor ${nameless.fd} of /`, 'm'));
    } finally {
      await registry.close();
      rmSync(folder, { recursive: true });
    }
    await leaks.expectNone();
  });

  test.skipIf(!LINUX)(
    'names a file in memory that is open, and does not mind one that is closed',
    async () => {
      const path = `/dev/shm/treewarden-leaks-${process.pid}`;
      const leaks = leakCheck();
      const fd = openSync(path, 'wx');
      try {
        expect(leaks.found()).toEqual([`descriptor ${fd} of ${path}: 0 before, 1 now`]);
        closeSync(fd);
        expect(leaks.found()).toEqual([]);
      } finally {
        unlinkSync(path);
      }
    },
  );

  test.skipIf(!IPCMK)('does not count what other programs make meanwhile', async () => {
    const path = `/dev/shm/treewarden-others-${process.pid}`;
    const leaks = leakCheck();
    execFileSync('sh', ['-c', 'echo theirs > "$0"', path]);
    const [id = ''] = /\d+/.exec(execFileSync('ipcmk', ['-M', '64'], { encoding: 'utf8' })) ?? [];
    try {
      expect(leaks.found()).toEqual([]);
    } finally {
      execFileSync('ipcrm', ['-m', id]);
      unlinkSync(path);
    }
  });
});
