import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { supervise } from '../../src/app/index.js';
import { task } from '../../src/children/index.js';
import { silentLogger } from '../../src/runtime/index.js';

vi.mock('../../src/app/log.js', () => {
  throw new Error('it is not there');
});

vi.mock('../../src/children/process/helper/spawn-helper.js', () => {
  throw new Error('it is not there');
});

test('a helper that cannot be had leaves no control socket behind', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'late-code-'));
  const starting = supervise(
    task('a', () => undefined),
    { spawnHelper: true, control: { directory } },
  );
  await expect(starting).rejects.toThrow();
  expect(readdirSync(directory)).toEqual([]);
  rmSync(directory, { recursive: true });
});

test('code that cannot be loaded fails the start, and leaves nothing of it behind', async () => {
  const before = process.listenerCount('SIGTERM');
  const starting = supervise(
    task('a', () => undefined),
    { logger: silentLogger },
  );
  await expect(starting).rejects.toThrow();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
