import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AlreadyLockedError } from '../../../src/core/index.js';
import { LockedFile } from '../../../src/resources/files/locked-file.js';
import type { Claim } from '../../../src/resources/site.js';
import { MemorySite } from '../kinds/memory-site.js';

const WHICH = spawnSync('sh', ['-c', 'command -v flock'], { encoding: 'utf8' }).stdout.trim();
const PID = 4_000_001;

/** A locked file, whose release is the claim's. */
async function locked(site: MemorySite, path: string): Promise<Claim> {
  return site.grant(
    async (_, inner) => {
      const options = {
        subject: 'the lock',
        path,
        pid: PID,
        timeoutMs: 0,
        advice: '',
        admit: () => undefined,
      };
      const file = await LockedFile.lock(options, inner);
      return {
        name: path,
        facts: undefined,
        release: () => file.release(),
        releaseSync: () => file.release(),
      };
    },
    { kind: 'locked' },
  );
}

/** What the ledger was told to do when the owner is dead. */
function removalOf(site: MemorySite): readonly string[] {
  const entry = site.lines.flatMap((line) => (line.step === 'want' ? [line.entry] : [])).at(-1);
  if (entry?.type !== 'command') throw new Error('no command is listed');
  return entry.argv;
}

function run([program = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  expect(spawnSync(program, args, { env, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
}

/** How many, where that can be seen. */
function openFiles(): number {
  return existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0;
}

describe.skipIf(WHICH === '')('a locked file', () => {
  test('that another has put in its place is not removed by its release', async () => {
    await using site = new MemorySite('files');
    const path = join(site.dir, 'lock');
    const claim = await locked(site, path);
    renameSync(path, join(site.dir, 'moved'));
    writeFileSync(path, `${PID}\n`);
    await claim.release();
    expect(readFileSync(path, 'utf8')).toBe(`${PID}\n`);
  });

  test('that could not be locked leaves nothing listed, and nothing open', async () => {
    await using site = new MemorySite('files');
    const path = join(site.dir, 'lock');
    await locked(site, path);
    const before = openFiles();
    await expect(locked(site, path)).rejects.toThrow(AlreadyLockedError);
    expect([site.listed, openFiles()]).toEqual([1, before]);
  });
});

describe.skipIf(WHICH === '')('what removes the file of a dead owner', () => {
  test('leaves it alone while anybody has it locked', async () => {
    await using site = new MemorySite('files');
    const path = join(site.dir, 'lock');
    await locked(site, path);
    run(removalOf(site));
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    ['names that owner', true, `${PID}\n`, false],
    ['names another', true, `${PID + 1}\n`, true],
    ['was made by it, and not signed yet', true, '', false],
    ['was there before, and is not signed', false, '', true],
    ['holds what is no pid', false, 'content of its own', true],
  ])('looks whether it %s', async (_, isNew, content, stays) => {
    await using site = new MemorySite('files');
    const path = join(site.dir, 'lock');
    if (!isNew) writeFileSync(path, '');
    await (await locked(site, path)).release();
    writeFileSync(path, content);
    run(removalOf(site));
    expect(existsSync(path)).toBe(stays);
  });

  test('leaves a file alone that has come in its place meanwhile', async () => {
    await using site = new MemorySite('files');
    const path = join(site.dir, 'lock');
    await (await locked(site, path)).release();
    writeFileSync(path, `${PID}\n`);
    // Comes between its opening and its locking.
    const swap = `#!/bin/sh\nmv '${path}' '${path}.old'\necho ${PID} > '${path}'\nexec ${WHICH} "$@"\n`;
    writeFileSync(join(site.dir, 'flock'), swap);
    chmodSync(join(site.dir, 'flock'), 0o755);
    run(removalOf(site), { PATH: `${site.dir}:${process.env.PATH}` });
    expect([existsSync(path), existsSync(`${path}.old`)]).toEqual([true, true]);
  });
});
