import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startTicks } from '../../../src/resources/guard/identity.js';
import { createLedger, type FileLedger } from '../../../src/resources/guard/ledger.js';
import { parseLedger } from '../../../src/resources/guard/lines.js';
import { openScopeDir, stateDirPath } from '../../../src/resources/guard/state-dir.js';
import { Place } from './place.js';

let place: Place;
let ledger: FileLedger;
beforeEach(() => {
  place = new Place();
  ledger = createLedger({ stateDir: place.stateDir, scope: 'shop' });
});
afterEach(() => {
  ledger.close();
  place.close();
});

const FILE = { type: 'file', paths: ['/tmp/a'], onDisk: false } as const;
const parsed = () => parseLedger(readFileSync(ledger.path, 'latin1'));

describe('a ledger', () => {
  test('is a file of its owner alone, named for it, and says who that is', () => {
    const ticks = startTicks(process.pid);
    expect(basename(ledger.path)).toMatch(new RegExp(`^${process.pid}-${ticks}-[0-9a-f]{12}\\.ledger$`));
    expect(statSync(ledger.path).mode & 0o777).toBe(0o600);
    expect(parsed()?.header).toEqual(ledger.header);
    expect(ledger.header).toMatchObject({ scope: 'shop', owner: { pid: process.pid, startTicks: ticks } });
    expect(readdirSync(join(place.stateDir, 'shop'))).toHaveLength(1);
  });

  test('has every line in the file when the call returns', () => {
    const written = ledger.want(FILE);
    expect(parsed()?.entries).toEqual([{ number: 1, entry: FILE, identity: undefined, sinceS: 0 }]);
    written.have({ type: 'file', dev: 1, ino: 2 });
    expect(parsed()?.entries[0]?.identity).toEqual({ type: 'file', dev: 1, ino: 2 });
    expect(ledger.written).toEqual([written]);
    written.drop();
    written.drop();
    expect(parsed()?.entries).toEqual([]);
    expect(ledger.written).toEqual([]);
  });

  test('says since when a System V object was wanted, by the clock of the kernel', () => {
    const before = Math.floor(statSync(place.file('now').path).mtimeMs / 1000);
    ledger.want({ type: 'sysv-sem', key: 0xdeadbeef, count: 1 });
    const [entry] = parsed()?.entries ?? [];
    expect(entry?.entry).toEqual({ type: 'sysv-sem', key: 0xdeadbeef | 0, count: 1 });
    expect(entry?.sinceS).toBeGreaterThanOrEqual(before);
    expect(entry?.sinceS).toBeLessThanOrEqual(Math.floor(statSync(place.file('later').path).mtimeMs / 1000));
  });

  test('does not grow with what has been released, and never forgets what has not', () => {
    const held = [1, 2, 3].map((n) =>
      ledger.want({ type: 'directory', path: `/tmp/held ${n}`, onDisk: false }),
    );
    held[0]?.have({ type: 'directory', dev: 3, ino: 4 });
    ledger.guardedBy({ pid: 77, tid: 77, startTicks: 88 });
    let rewritten = 0;
    ledger.onRewritten(() => rewritten++);
    for (let n = 0; n < 20_000; n++) {
      const written = ledger.want(FILE);
      written.have({ type: 'file', dev: n, ino: n });
      written.drop();
      if (n % 500 === 0) expect(statSync(ledger.path).size).toBeLessThan(20_000);
    }
    expect(rewritten).toBeGreaterThan(10);
    expect(parsed()?.guardian?.pid).toBe(77);
    expect(parsed()?.entries.map(({ entry }) => entry)).toEqual(held.map(({ entry }) => entry));
    expect(parsed()?.entries[0]?.identity).toEqual({ type: 'directory', dev: 3, ino: 4 });
    expect(readdirSync(join(place.stateDir, 'shop'))).toHaveLength(1);
  });

  test('is kept as it is where it cannot be rewritten', () => {
    const dir = join(place.stateDir, 'shop');
    ledger.want({ type: 'directory', path: '/tmp/held', onDisk: false });
    const { path } = ledger;
    rmSync(dir, { recursive: true });
    for (let n = 0; n < 1000; n++) ledger.want(FILE).drop();
    expect(existsSync(path)).toBe(false);
    mkdirSync(dir, { mode: 0o700 });
    for (let n = 0; n < 2000; n++) ledger.want(FILE).drop();
    expect(parsed()?.entries.map(({ entry }) => entry.type)).toEqual(['directory']);
  });

  test('is removed when it is closed with nothing in it, and kept with something', () => {
    const written = ledger.want(FILE);
    const other = createLedger({ stateDir: place.stateDir, scope: 'shop' });
    other.close();
    other.close();
    expect(existsSync(other.path)).toBe(false);
    ledger.close();
    expect(existsSync(ledger.path)).toBe(true);
    expect(() => ledger.want(FILE)).toThrow(/released/);
    expect(() => written.have({ type: 'file', dev: 1, ino: 1 })).toThrow(/released/);
    written.drop();
  });

  test.for([
    { type: 'file', paths: ['relative'], onDisk: false },
    { type: 'file', paths: ['/'], onDisk: false },
    { type: 'directory', path: '/tmp/', onDisk: false },
    { type: 'directory', path: '/tmp/..', onDisk: false },
    { type: 'directory', path: '/tmp//x', onDisk: false },
    { type: 'group', pid: 1, graceMs: 0, signal: undefined },
    { type: 'group', pid: 0, graceMs: 0, signal: undefined },
    { type: 'group', pid: -1, graceMs: 0, signal: undefined },
  ] as const)('refuses %j', (entry) => {
    expect(() => ledger.want(entry)).toThrow(TypeError);
    expect(parsed()?.entries).toEqual([]);
  });

  test('refuses an identity of another type', () => {
    expect(() => ledger.want(FILE).have({ type: 'group', startTicks: 1 })).toThrow(TypeError);
  });
});

describe('a state directory', () => {
  test('is what is given, then what the environment gives, then a temporary one of this user', () => {
    mkdirSync(place.at('run'), { mode: 0o700 });
    const all = { TREEWARDEN_STATE_DIR: '/t', XDG_RUNTIME_DIR: place.at('run') };
    expect(stateDirPath('/given', all)).toBe('/given');
    expect(stateDirPath(undefined, all)).toBe('/t');
    const { XDG_RUNTIME_DIR } = all;
    expect(stateDirPath(undefined, { XDG_RUNTIME_DIR })).toBe(`${XDG_RUNTIME_DIR}/treewarden`);
    expect(stateDirPath(undefined, { XDG_RUNTIME_DIR: 'x' })).toMatch(/\/treewarden-\d+$/);
    expect(() => stateDirPath('relative')).toThrow(/absolute/);
    expect(() => stateDirPath(undefined, { TREEWARDEN_STATE_DIR: 'x' })).toThrow(/TREEWARDEN_STATE_DIR/);
  });

  test('is not in an XDG_RUNTIME_DIR that is missing, or open to others', () => {
    const fallback = stateDirPath(undefined, {});
    expect(stateDirPath(undefined, { XDG_RUNTIME_DIR: place.at('missing') })).toBe(fallback);
    mkdirSync(place.at('open'));
    chmodSync(place.at('open'), 0o777);
    expect(stateDirPath(undefined, { XDG_RUNTIME_DIR: place.at('open') })).toBe(fallback);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "is not in another user's XDG_RUNTIME_DIR, as sudo may hand it on",
    () => {
      mkdirSync(place.at('theirs'), { mode: 0o700 });
      spawnSync('chown', ['65534', place.at('theirs')]);
      const path = stateDirPath(undefined, { XDG_RUNTIME_DIR: place.at('theirs') });
      expect(path).toBe(stateDirPath(undefined, {}));
    },
  );

  test('is absolute also where the directory for temporary files is given relative to where the program stands', () => {
    vi.stubEnv('TMPDIR', 'here');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(stateDirPath(undefined, {})).toBe(
      join(process.cwd(), `here/treewarden-${process.getuid?.() ?? 0}`),
    );
  });

  test.for(['', '.', 'a.b', 'a/b', '../x', 'a b', '-a', 'ü', 'x'.repeat(49)])('has no scope %j', (scope) => {
    expect(() => createLedger({ stateDir: place.stateDir, scope })).toThrow(/scope/);
  });

  test.runIf(process.platform === 'linux')('is refused at once where no directory can be made', () => {
    for (const path of ['/proc/treewarden', '/proc/treewarden/deeper', '/dev/null/deeper']) {
      expect(() => openScopeDir(path, 'shop')).toThrow(/cannot be made. Give the registry another one/);
    }
  });

  test('is made with all that is missing above it', () => {
    expect(openScopeDir(place.at('a/b/c'), 'shop')).toBe(place.at('a/b/c/shop'));
    expect(statSync(place.at('a')).mode & 0o777).toBe(0o700);
  });

  test('is made for this user alone', () => {
    expect(statSync(place.stateDir).mode & 0o777).toBe(0o700);
    expect(statSync(join(place.stateDir, 'shop')).mode & 0o777).toBe(0o700);
  });

  test('is refused if it is a link, no directory, or open to others', () => {
    symlinkSync(place.stateDir, place.at('link'));
    expect(() => openScopeDir(place.at('link'), 'shop')).toThrow(/symbolic link/);
    mkdirSync(place.at('linked scope'), { mode: 0o700 });
    symlinkSync(place.dir, place.at('linked scope/shop'));
    expect(() => openScopeDir(place.at('linked scope'), 'shop')).toThrow(/symbolic link/);
    mkdirSync(place.at('open'));
    chmodSync(place.at('open'), 0o777);
    expect(() => openScopeDir(place.at('open'), 'shop')).toThrow(/others may write.*777/);
    place.file('file');
    expect(() => openScopeDir(place.at('file'), 'shop')).toThrow(/no directory/);
    expect(existsSync(place.at('open/shop'))).toBe(false);
  });

  test.skipIf(process.getuid?.() !== 0)("is refused if it is somebody else's", () => {
    mkdirSync(place.at('theirs'), { mode: 0o700 });
    spawnSync('chown', ['65534', place.at('theirs')]);
    expect(() => openScopeDir(place.at('theirs'), 'shop')).toThrow(/belongs to user 65534/);
  });
});
