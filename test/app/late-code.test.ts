import { expect, test, vi } from 'vitest';
import { supervise } from '../../src/app/index.js';
import { task } from '../../src/children/index.js';
import { silentLogger } from '../../src/runtime/index.js';

vi.mock('../../src/app/log.js', () => {
  throw new Error('it is not there');
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
