import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as room from '../../src/app/resources.js';
import {
  InvalidSpecError,
  isSupervisionError,
  StartError,
  SupervisionError,
  Supervisor,
  supervise,
  supervisor,
  task,
} from '../../src/index.js';
import { ResourceRegistry, snapshotCell } from '../../src/resources/index.js';
import type { ChildSpec } from '../../src/runtime/index.js';
import { fakeKind, fakeResources, leakCheck } from '../../src/testing/index.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'app-resources-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const cell = snapshotCell<number>({ name: 'rates', bytes: 1024 });
const where = () => ({ stateDir: join(folder, 'state'), memoryDir: folder });
const memory = (): readonly string[] => readdirSync(folder).filter((name) => name !== 'state');
/** The files below the state directory; the directory of a scope stays. */
const ledgers = (): readonly string[] =>
  existsSync(join(folder, 'state'))
    ? readdirSync(join(folder, 'state'), { withFileTypes: true, recursive: true })
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
    : [];

const holder = (id = 'rates'): ChildSpec =>
  task(
    id,
    async (ctx) => {
      await ctx.resources.acquire(cell);
      ctx.ready();
      await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
    },
    { ready: 'explicit' },
  );

test('a supervised tree has a registry, in the scope that its root names, until it has ended', async () => {
  const leaks = leakCheck();
  const tree = supervisor('shop', { children: [holder('a'), holder('b')] });
  const app = await supervise(tree, { signals: false, resources: where() });
  expect(memory()).toEqual([`treewarden-${process.getuid?.() ?? 0}.shop.rates`]);
  const report = await app.stop();
  expect(report.failures).toEqual([]);
  expect(await app.done).toMatchObject({ type: 'stopped' });
  expect([memory(), ledgers()]).toEqual([[], []]);
  await leaks.expectNone();
});

test('a supervised tree that acquires nothing opens no registry', async () => {
  const app = await supervise(supervisor('shop'), { signals: false, resources: where() });
  expect(readdirSync(folder)).toEqual([]);
  await app.stop();
  expect(readdirSync(folder)).toEqual([]);
});

test('a tree that ends by itself has closed its registry when that is told', async () => {
  const once = task('once', async (ctx) => void (await ctx.resources.acquire(cell)), {
    restart: 'transient',
  });
  const app = await supervise(once, { signals: false, resources: where() });
  expect(await app.done).toEqual({ type: 'completed' });
  expect([memory(), ledgers()]).toEqual([[], []]);
});

test('a start that fails leaves no registry behind', async () => {
  const tree = supervisor('shop', {
    children: [
      holder(),
      task('broken', () => Promise.reject(new Error('cannot start')), { ready: 'explicit' }),
    ],
  });
  const error = await supervise(tree, { signals: false, resources: where() }).catch((reason) => reason);
  expect(error).toBeInstanceOf(StartError);
  expect([memory(), ledgers()]).toEqual([[], []]);
});

test('a registry that a tree is given stays open when the tree has ended', async () => {
  await using registry = await ResourceRegistry.open({ scope: 'shop', ...where() });
  const own = await registry.acquire(snapshotCell({ name: 'own', bytes: 64 }));
  const app = await supervise(supervisor('shop', { children: [holder()] }), {
    signals: false,
    resources: registry,
  });
  expect(registry.list().map(({ owner }) => owner)).toEqual(['shop', 'shop/rates']);
  await app.stop();
  expect(registry.list().map(({ owner }) => owner)).toEqual(['shop']);
  await own.release();
});

test('an option of the registry that is wrong is refused before anything starts', async () => {
  let started = false;
  const start = (): void => {
    started = true;
  };
  const starting = supervise(start, { signals: false, resources: { backend: 'windows' as 'auto' } });
  await expect(starting).rejects.toBeInstanceOf(InvalidSpecError);
  expect(started).toBe(false);
});

test('what an option is refused by is told by treewarden/resources as well', () => {
  expect(room).toMatchObject({ InvalidSpecError, SupervisionError, isSupervisionError });
});

test('what cannot be released for the tree as a whole is in the stop report', async () => {
  const { driver, ...spec } = task(
    'rates',
    (ctx) => new Promise((resolve) => ctx.signal.addEventListener('abort', resolve)),
  );
  const start: ChildSpec['driver']['start'] = (host) => {
    host.tree?.defer(() => Promise.reject(new Error('cannot close')));
    return driver.start(host);
  };
  const root = new Supervisor(supervisor('shop', { children: [{ ...spec, driver: { start } }] }));
  await root.start();
  const { failures } = await root.stop();
  expect(failures).toEqual([{ subject: 'shop', message: 'cannot close' }]);
});

test('a lone function acquires by its context, and a provider of a test records it', async () => {
  const resources = fakeResources();
  const app = await supervise(
    async function main(ctx) {
      await ctx.resources.acquire(fakeKind('lock', 'a'));
    },
    { signals: false, resources },
  );
  await app.done;
  expect(resources.log).toEqual([
    'root/main#1 acquires lock "a"',
    'root/main#1 releases lock "a"',
    'root/main#1 ends',
  ]);
});
