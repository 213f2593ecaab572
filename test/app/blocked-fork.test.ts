import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lifeOf, startTicks } from '../../src/resources/guard/identity.js';
import { endAll, type Program, start } from './program.js';

const POLL = { timeout: 30_000, interval: 5 };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'blocked-fork-'));
});
afterEach(async () => {
  await endAll();
  rmSync(folder, { recursive: true });
});

const held = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('held'));

async function forkOf(program: Program): Promise<{ lives(): boolean; end(): void }> {
  const pid = Number((await program.says(/^fork \d+$/)).slice('fork '.length));
  const who = { pid, tid: pid, startTicks: startTicks(pid) ?? 0 };
  const lives = (): boolean => lifeOf(who) === 'alive';
  return { lives, end: () => void (lives() && process.kill(pid, 'SIGKILL')) };
}

describe.skipIf(process.platform !== 'linux')('a fork that blocks, of a program that is killed', () => {
  test('is ended by the guardian once it has acquired something, and that is released then', async () => {
    const program = start('has-a-blocked-fork.mjs', [folder]);
    const worker = await forkOf(program);
    try {
      expect([worker.lives(), held().length]).toEqual([true, 1]);
      program.kill('SIGKILL');
      await expect.poll(worker.lives, POLL).toBe(false);
      await expect.poll(held, POLL).toEqual([]);
    } finally {
      worker.end();
    }
  }, 60_000);
});
