import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { leakCheck } from '../../src/testing/index.js';

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
});
