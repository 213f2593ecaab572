import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refresher } from '../../src/app/resources.js';
import { constantBackoff, InvalidSpecError, supervise, supervisor, task } from '../../src/index.js';
import { snapshotCell, snapshotReader } from '../../src/resources/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'app-refresher-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const rates = snapshotCell<{ readonly euro: number }>({ name: 'rates', bytes: 1_024 });
const options = () => ({
  signals: false as const,
  resources: { stateDir: join(folder, 'state'), memoryDir: folder },
});
const outside = () =>
  snapshotReader<{ readonly euro: number }>({ scope: 'shop', name: 'rates', memoryDir: folder });

test('a refresher is ready with its first value, which its siblings and other programs read', async () => {
  const seen: unknown[] = [];
  const tree = supervisor('shop', {
    strategy: 'rest_for_one',
    children: [
      refresher('rates', { cell: rates, load: async () => ({ euro: 1 }), everyMs: 1 }),
      task(
        'reader',
        async (ctx) => {
          const cell = await ctx.resources.acquire(rates);
          seen.push(cell.read());
        },
        { restart: 'temporary' },
      ),
    ],
  });
  const app = await supervise(tree, options());
  using reader = outside();
  expect(reader.read()).toEqual({ euro: 1 });
  await app.stop();
  expect(seen).toEqual([{ euro: 1 }]);
  expect(readdirSync(folder).filter((name) => name !== 'state')).toEqual([]);
  expect([reader.read(), reader.version]).toEqual([undefined, 0]);
});

test('a source that fails for too long crashes the refresher, and its value outlives it', async () => {
  let loads = 0;
  const load = (): { readonly euro: number } => {
    loads += 1;
    if (loads === 1 || loads > 10) return { euro: loads };
    throw new Error('down');
  };
  const tree = supervisor('shop', {
    intensity: Number.POSITIVE_INFINITY,
    backoff: constantBackoff(1),
    children: [refresher('rates', { cell: rates, load, everyMs: 5, maxAgeMs: 20, onError: () => {} })],
  });
  const app = await supervise(tree, options());
  using reader = outside();
  const values = [reader.read()];
  await reader.waitForChange({ since: 1 });
  values.push(reader.read());
  expect(values).toEqual([{ euro: 1 }, { euro: expect.any(Number) }]);
  expect(app.child('rates').incarnation).toBeGreaterThan(1);
  // The next incarnation has gone on from the version of the one before.
  expect(reader.version).toBeGreaterThan(1);
  await app.stop();
});

test('the options of a refresher are refused where they are given', () => {
  expect(() => refresher('rates', { cell: rates, load: 5 as never })).toThrow(InvalidSpecError);
  expect(() => refresher('rates', { cell: rates, load: () => ({ euro: 1 }), maxAge: 5 } as never)).toThrow(
    InvalidSpecError,
  );
  expect(() => refresher('', { cell: rates, load: () => ({ euro: 1 }) })).toThrow(InvalidSpecError);
});
