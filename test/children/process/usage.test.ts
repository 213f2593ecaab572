import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { command } from '../../../src/children/index.js';
import { readStat } from '../../../src/children/process/proc.js';
import { usageOf } from '../../../src/children/process/usage.js';
import { startRecorded } from '../../../src/testing/recording-host.js';

const onLinux = describe.runIf(process.platform === 'linux');

const identity = (pid: number): { pid: number; startTicks: number } => ({
  pid,
  startTicks: readStat(pid)?.startTicks ?? 0,
});

onLinux('what processes use', () => {
  test('is as Node says of itself', () => {
    const usage = usageOf([identity(process.pid)]);
    const { rss } = process.memoryUsage();
    const { user, system } = process.cpuUsage();
    expect(usage?.processes).toBe(1);
    expect(Math.abs((usage?.rssBytes ?? 0) - rss)).toBeLessThan(rss / 4);
    expect(Math.abs((usage?.cpuMs ?? 0) - (user + system) / 1000)).toBeLessThan(100);
  });

  test('is the sum of all of them', async () => {
    const other = spawn('sleep', ['1000']);
    await once(other, 'spawn');
    const both = usageOf([identity(process.pid), identity(other.pid as number)]);
    expect(both?.processes).toBe(2);
    other.kill('SIGKILL');
    await once(other, 'exit');
  });

  test('leaves out who has another beginning, or none', () => {
    expect(usageOf([{ pid: process.pid, startTicks: 1 }])).toEqual({ processes: 0, rssBytes: 0, cpuMs: 0 });
  });

  test('is known of a command with what it has started', async () => {
    const { host, incarnation } = startRecorded(
      command('two', 'sh', ['-c', 'sleep 1000 & echo up; wait'], {
        ready: { line: 'up' },
        stdout: 'capture',
      }),
    );
    await host.next('ready');
    while (incarnation.usage?.()?.processes !== 2) await new Promise((resolve) => setImmediate(resolve));
    expect(incarnation.usage?.()?.rssBytes).toBeGreaterThan(100_000);
    incarnation.kill();
    await host.next('exited');
    expect(incarnation.usage?.()).toBeUndefined();
  });
});
