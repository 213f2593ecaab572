import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEnvDir } from '../../../../src/children/process/launch/env-dir.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'env-dir-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('each file is a variable, but for those whose name begins with a dot', () => {
  for (const [name, content] of [
    ['A', 'one \t\ntwo'],
    ['EMPTY', ''],
    ['.hidden', 'x'],
  ] as const)
    writeFileSync(join(folder, name), content);
  expect(readEnvDir(folder)).toEqual({ A: 'one', EMPTY: undefined });
  expect(Object.keys(readEnvDir(folder)).sort()).toEqual(['A', 'EMPTY']);
});

test('a name that no variable can have is refused', () => {
  writeFileSync(join(folder, 'A=B'), 'x');
  expect(() => readEnvDir(folder)).toThrow('the file "A=B" cannot be a variable, as its name has a "=".');
});
