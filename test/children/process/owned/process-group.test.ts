import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { ProcessGroup } from '../../../../src/children/process/owned/process-group.js';

const onLinux = test.runIf(process.platform === 'linux');

const started: ChildProcess[] = [];
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
});

function leader(): { readonly pid: number; readonly child: ChildProcess } {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  started.push(child);
  return { pid: child.pid ?? 0, child };
}

test('a signal reaches the group, and after its end nobody', async () => {
  const { pid, child } = leader();
  const group = new ProcessGroup(pid);
  const exit = once(child, 'exit');
  expect(group.signal('SIGTERM')).toBe(true);
  expect(await exit).toEqual([null, 'SIGTERM']);
  expect(group.isEmpty(false)).toBe(true);
  expect(group.signal('SIGTERM')).toBe(false);
});

onLinux('a stranger that was given the number of an ended leader is left alone', async () => {
  const stranger = leader();
  const ended = new ProcessGroup(stranger.pid);
  expect(ended.isEmpty(false)).toBe(true);
  expect(ended.signal('SIGKILL')).toBe(false);
  expect(process.kill(stranger.pid, 0)).toBe(true);
});

test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
  'a group of another user, whom we may not signal, is not empty',
  async () => {
    const child = spawn('sh', ['-c', 'sleep 1000 & echo up'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
      uid: 65_533,
    });
    child.stdout.resume();
    await once(child, 'exit');
    const group = new ProcessGroup(child.pid ?? 0);
    process.seteuid?.(65_534);
    try {
      expect(group.signal('SIGKILL')).toBe(true);
      expect(group.isEmpty(false)).toBe(false);
    } finally {
      process.seteuid?.(0);
    }
    expect(group.signal('SIGKILL')).toBe(true);
  },
);
