import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { capabilities, reclaimLeftovers, survey } from '../../src/resources/index.js';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'treewarden-survey-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('capabilities', () => {
  test('without a native backend say so, and what to do', async () => {
    const all = await capabilities({ backend: 'files' });
    const native = all.find(({ name }) => name === 'native');
    expect(native).toEqual({
      name: 'native',
      there: false,
      detail: 'The backend "files" was asked for.',
      advice: 'Install the optional package koffi.',
    });
    expect(all.filter(({ name }) => /pthread|system-v|futex/.test(name)).map(({ there }) => there)).toEqual(
      expect.not.arrayContaining([true]),
    );
  });

  test('give advice only for what is missing', async () => {
    const all = await capabilities({ memoryDir: folder });
    expect(all.filter(({ there, advice }) => there && advice !== undefined)).toEqual([]);
    expect(all.find(({ name }) => name === 'memory-files')?.there).toBe(false);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    const missing = all.filter(({ name, there }) => name.startsWith('process:') && !there);
    expect(missing.every(({ detail }) => detail !== '')).toBe(true);
    expect(all.find(({ name }) => name === 'process:flock')?.there).toBe(
      spawnSync('flock', ['--version']).error === undefined,
    );
  });
});

describe('a survey', () => {
  test('of a machine where nothing was left is plain data, and makes nothing', async () => {
    const stateDir = join(folder, 'state');
    const found = await survey({ stateDir });
    expect(found.reclaim).toEqual({ ledgers: [], refused: [] });
    expect(found.stateDir).toBe(stateDir);
    expect(found.limits.map(({ limit }) => limit)).toContain('RLIMIT_NOFILE');
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({ stateDir, leftovers: expect.any(Array) });
    expect(() => rmSync(stateDir)).toThrow(/ENOENT/);
  });

  test('says which directories were not looked into, and why', async () => {
    const stateDir = join(folder, 'state');
    mkdirSync(stateDir, { mode: 0o777 });
    mkdirSync(join(stateDir, 'shop'), { mode: 0o700 });
    chmodSync(stateDir, 0o777);
    const { refused } = await reclaimLeftovers({ stateDir });
    expect(refused).toEqual([{ path: stateDir, why: expect.stringMatching(/others may write to it/) }]);
  });

  test('of a scope that is none, or of a path that is not absolute, is refused', async () => {
    await expect(survey({ scope: '../etc', stateDir: folder })).rejects.toThrow(/scope/);
    await expect(survey({ stateDir: 'state' })).rejects.toThrow(/absolute/);
  });

  test.each([
    ['scop', { scop: 'shop' }],
    ['backend', { backend: 'koffee' }],
  ])('or a reclaim, with a wrong %s, is refused before anything is looked at', async (field, options) => {
    const wrong = { stateDir: folder, ...options } as object;
    await expect(survey(wrong)).rejects.toThrow(new RegExp(`"?${field}`));
    await expect(reclaimLeftovers(wrong)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
    await expect(capabilities(options as object)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
  });
});
