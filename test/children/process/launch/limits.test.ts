import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { limitSteps } from '../../../../src/children/process/launch/limits.js';

const isLinux = process.platform === 'linux';
const withPrlimit = describe.runIf(isLinux && spawnSync('prlimit').status === 0);

/** Our own, as the kernel tells them. */
function own(title: string): readonly [soft: string, hard: string] {
  const line = readFileSync('/proc/self/limits', 'latin1')
    .split('\n')
    .find((one) => one.startsWith(title));
  const [soft = '', hard = ''] = line?.slice(title.length).trim().split(/ +/) ?? [];
  return [soft, hard];
}

const flags = (limits: Parameters<typeof limitSteps>[0]): readonly string[] =>
  limitSteps(limits, 'The limits of "shop"').wrapper.slice(1, -1);

withPrlimit('a limit that is half given', () => {
  test('keeps the hard one that this program has', () => {
    expect(flags({ nofile: { soft: 64 } })).toEqual([`--nofile=64:${own('Max open files')[1]}`]);
  });

  test('keeps the soft one that this program has, where it fits', () => {
    const [soft, hard] = own('Max open files');
    const limit = hard === 'unlimited' ? hard : Number(hard);
    expect(flags({ nofile: { hard: limit } })).toEqual([`--nofile=${soft}:${hard}`]);
  });
});

withPrlimit('who may not raise a hard limit', () => {
  test('has its own in place of a higher one, and the lower one that is asked for', () => {
    const [, hard] = own('Max open files');
    const euid = process.geteuid?.();
    process.seteuid?.(euid === 0 ? 65_534 : (euid ?? 0));
    try {
      expect(flags({ nofile: 'unlimited' })).toEqual([`--nofile=${hard}:${hard}`]);
      expect(flags({ nofile: 64 })).toEqual(['--nofile=64:64']);
    } finally {
      process.seteuid?.(euid ?? 0);
    }
  });
});
