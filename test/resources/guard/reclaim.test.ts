import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { thisProcess } from '../../../src/resources/guard/identity.js';
import { guardianLine, haveLine, type LedgerHeader, wantLine } from '../../../src/resources/guard/lines.js';
import { type ReclaimReport, reclaim } from '../../../src/resources/guard/reclaim.js';
import { deadHeader, Place } from './place.js';

let place: Place;
beforeEach(() => {
  place = new Place();
});
afterEach(() => place.close());

type Held = ReturnType<Place['file']> & { ledger: string };

/** A ledger of a dead owner with one file in it. */
function deadOwner(header: Partial<LedgerHeader> = {}, name = 'file', onDisk = false): Held {
  const file = place.file(name);
  const lines = [
    wantLine(1, { type: 'file', paths: [file.path], onDisk }, 0),
    haveLine(1, { type: 'file', dev: file.dev, ino: file.ino }),
  ];
  return { ...file, ledger: place.ledger(lines, header).path };
}

const run = (options: { dryRun?: boolean; scope?: string; waitMs?: number } = {}): Promise<ReclaimReport> =>
  reclaim({ stateDir: place.stateDir, dryRun: false, waitMs: 0, ...options });

const verdicts = ({ ledgers }: ReclaimReport): readonly string[] => ledgers.map(({ verdict }) => verdict);

test('a dead owner’s file is released and its ledger removed', async () => {
  const held = deadOwner();
  const report = await run();
  expect(report.refused).toEqual([]);
  expect(report.ledgers).toMatchObject([
    { verdict: 'reclaimed', scope: 'shop', path: held.ledger, owner: { pid: process.pid }, ignoredLines: 0 },
  ]);
  expect(report.ledgers[0]?.entries).toEqual([
    { outcome: 'released', entry: { type: 'file', paths: [held.path], onDisk: false } },
  ]);
  expect([held.exists(), existsSync(held.ledger)]).toEqual([false, false]);
  expect(await run()).toEqual({ ledgers: [], refused: [] });
});

test('a dry run says what would be done, and does nothing', async () => {
  const held = deadOwner();
  const report = await run({ dryRun: true });
  expect(report.ledgers[0]).toMatchObject({
    verdict: 'reclaimable',
    entries: [{ outcome: 'would-release' }],
  });
  expect([held.exists(), existsSync(held.ledger)]).toEqual([true, true]);
});

test('only the scope that is asked for is looked into', async () => {
  const [shop, other] = [deadOwner(), deadOwner({ scope: 'other' }, 'other file')];
  await run({ scope: 'other' });
  expect([shop.exists(), other.exists()]).toEqual([true, false]);
  expect(await run({ scope: 'none' })).toEqual({ ledgers: [], refused: [] });
});

test('what is no longer what it was is reported as such', async () => {
  const held = deadOwner();
  renameSync(held.path, place.at('moved'));
  expect((await run({ dryRun: true })).ledgers[0]?.entries).toMatchObject([{ outcome: 'gone' }]);
  place.file('file');
  expect((await run()).ledgers[0]?.entries).toMatchObject([{ outcome: 'skipped', why: 'foreign' }]);
  expect(held.exists()).toBe(true);
});

const LEFT_ALONE: readonly (readonly [string, Partial<LedgerHeader>, string])[] = [
  ['a live owner', { owner: thisProcess() }, 'owner-alive'],
  ['another pid namespace', { pidNamespace: 1 }, 'other-namespace'],
  ['another ipc namespace', { ipcNamespace: 1 }, 'other-namespace'],
  ['another user', { uid: 12_345 }, 'other-user'],
];
test.for(LEFT_ALONE)('a ledger of %s is left alone', async ([, header, verdict]) => {
  const held = deadOwner(header);
  expect(verdicts(await run())).toEqual([verdict]);
  expect([held.exists(), existsSync(held.ledger)]).toEqual([true, true]);
});

test('another mount namespace is none: a service has a new one at every start', async () => {
  const held = deadOwner({ mountNamespace: 1 });
  expect(verdicts(await run())).toEqual(['reclaimed']);
  expect(held.exists()).toBe(false);
});

test('of another boot only files on a disk are looked for, and its ledger is removed', async () => {
  const [memory, disk] = [place.file('memory'), place.file('disk')];
  const lines = [
    wantLine(1, { type: 'file', paths: [memory.path], onDisk: false }, 0),
    wantLine(2, { type: 'file', paths: [disk.path], onDisk: true }, 0),
    haveLine(2, { type: 'file', dev: disk.dev, ino: disk.ino }),
    wantLine(3, { type: 'command', argv: ['touch', place.at('ran')] }, 0),
    wantLine(4, { type: 'group', pid: process.pid, graceMs: 0, signal: undefined }, 0),
    wantLine(5, { type: 'sysv-shm', key: 1, bytes: 1 }, 0),
  ];
  // Neither its pids nor its namespaces mean anything.
  const header = { bootId: 'another', owner: thisProcess(), pidNamespace: 1 };
  const { path } = place.ledger(lines, header);
  const report = await run();
  expect(verdicts(report)).toEqual(['reclaimed']);
  const skipped = { outcome: 'skipped', why: 'other-boot' };
  expect(report.ledgers[0]?.entries).toMatchObject([
    skipped,
    { outcome: 'released' },
    skipped,
    skipped,
    skipped,
  ]);
  expect([memory.exists(), disk.exists(), existsSync(place.at('ran')), existsSync(path)]).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('garbage, and what is no file of ours, is reported and not acted upon', async () => {
  const held = deadOwner();
  const dir = dirname(held.ledger);
  writeFileSync(
    held.ledger,
    readFileSync(held.ledger, 'utf8').replace('treewarden-ledger 1', 'treewarden-ledger 9'),
  );
  const real = deadOwner({ scope: 'elsewhere' }, 'victim');
  symlinkSync(real.ledger, join(dir, '1-1-abc.ledger'));
  writeFileSync(join(dir, '2-2-abc.ledger'), '\0\0\0\0');
  spawnSync('mkfifo', [join(dir, '3-3-abc.ledger')]);
  writeFileSync(join(dir, 'notes.txt'), '');
  expect(verdicts(await run({ scope: 'shop' }))).toEqual(Array(4).fill('not-understood'));
  expect([held.exists(), real.exists()]).toEqual([true, true]);
  expect(readdirSync(dir)).toHaveLength(5);
});

test.skipIf(process.getuid?.() !== 0)("somebody else's ledger or directory is not believed", async () => {
  const [held, other] = [deadOwner(), deadOwner({ scope: 'other' }, 'other')];
  chownSync(held.ledger, 65534, 65534);
  chownSync(dirname(other.ledger), 65534, 65534);
  const report = await run();
  expect(verdicts(report)).toEqual(['other-user']);
  expect(report.refused).toMatchObject([
    { path: dirname(other.ledger), why: expect.stringMatching('65534') },
  ]);
  expect([held.exists(), other.exists()]).toEqual([true, true]);
});

test('a state directory that is a link is refused', async () => {
  deadOwner();
  symlinkSync(place.stateDir, place.at('link'));
  const report = await reclaim({ stateDir: place.at('link'), dryRun: false });
  expect(report).toEqual({
    ledgers: [],
    refused: [{ path: place.at('link'), why: 'it is a symbolic link' }],
  });
});

test('a ledger that its guardian is at work on is waited for, and then left to it', async () => {
  const held = deadOwner();
  writeFileSync(held.ledger, guardianLine(thisProcess()), { flag: 'a' });
  expect(verdicts(await run({ waitMs: 20 }))).toEqual(['at-work']);
  expect(held.exists()).toBe(true);
  const waiting = run({ waitMs: 10_000 });
  unlinkSync(held.ledger);
  expect(verdicts(await waiting)).toEqual(['released-by-another']);
});

test('one that a dead reclaim had in hand is taken over; one that a live one has is not', async () => {
  const held = deadOwner();
  renameSync(held.ledger, `${held.ledger}.by-${process.pid}-${thisProcess().startTicks}`);
  expect(verdicts(await run())).toEqual(['at-work']);
  renameSync(
    `${held.ledger}.by-${process.pid}-${thisProcess().startTicks}`,
    `${held.ledger}.by-${process.pid}-1`,
  );
  expect(verdicts(await run())).toEqual(['reclaimed']);
  expect(held.exists()).toBe(false);
  expect(readdirSync(dirname(held.ledger))).toEqual([]);
});

test('any number at once release everything once', async () => {
  const scopes = Array.from({ length: 20 }, (_, n) => `scope-${n}`);
  const files = scopes.map((scope) => deadOwner({ scope }, scope));
  const reports = await Promise.all(Array.from({ length: 5 }, () => run({ waitMs: 10_000 })));
  expect(files.filter((file) => file.exists())).toEqual([]);
  const released = reports.flatMap(({ ledgers }) => ledgers.flatMap(({ entries }) => entries));
  expect(released.filter(({ outcome }) => outcome === 'released')).toHaveLength(scopes.length);
  expect(scopes.flatMap((scope) => readdirSync(join(place.stateDir, scope)))).toEqual([]);
});

test('a failing command is told of once', async () => {
  const { path } = place.ledger([wantLine(1, { type: 'command', argv: ['false'] }, 0)]);
  const report = await run();
  expect(report.ledgers[0]).toMatchObject({ verdict: 'reclaimed', entries: [{ outcome: 'failed' }] });
  expect(existsSync(path)).toBe(false);
});

test('what an owner was about to put in place when it died is removed, and that of others is not', async () => {
  deadOwner();
  const { pidNamespace } = deadHeader();
  const { pid, startTicks } = thisProcess();
  const dir = join(place.stateDir, 'shop');
  const names = [
    `${pid}-1-abc.ledger.${pidNamespace}.new`,
    `${pid}-1-abc.ledger.1.new`,
    `${pid}-${startTicks}-abc.ledger.${pidNamespace}.new`,
  ];
  for (const name of names) writeFileSync(join(dir, name), '');
  await run();
  expect(readdirSync(dir).sort()).toEqual(names.slice(1).sort());
});
