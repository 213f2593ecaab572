import { existsSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { CapabilityError } from '../../../src/core/index.js';
import { fileLock, temporaryFile } from '../../../src/resources/index.js';
import { Trial } from '../trial.js';

// As Node's permission model has it: whatever a program was allowed, it may not call fsync; nor start others unless it was allowed to.
vi.mock(import('node:fs'), async (original) => {
  const fs = await original();
  return {
    ...fs,
    default: fs,
    fsyncSync: () => denied('fsync API is disabled when Permission Model is enabled.'),
  };
});
vi.mock(import('node:child_process'), async (original) => {
  const processes = await original();
  const spawn = (() => denied('Access to this API has been restricted.')) as typeof processes.spawn;
  return { ...processes, default: processes, spawn };
});

function denied(message: string): never {
  throw Object.assign(new Error(message), { code: 'ERR_ACCESS_DENIED' });
}

test('a program that may neither sync files nor start others is given what it can have', async () => {
  await using trial = new Trial();
  const registry = await trial.open({ backend: 'files' });
  const file = await registry.acquire(temporaryFile({ directory: trial.dir }));
  expect([existsSync(file.path), registry.guardian.pid]).toEqual([true, undefined]);
  await expect(registry.acquire(fileLock({ path: trial.path('lock') }))).rejects.toThrow(CapabilityError);
  await registry.close();
  expect(existsSync(file.path)).toBe(false);
});
