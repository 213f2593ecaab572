import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Guardian, type GuardianState, startGuardian } from '../../../src/resources/guard/guardian.js';
import { createLedger, type FileLedger } from '../../../src/resources/guard/ledger.js';
import { haveLine, parseLedger, wantLine } from '../../../src/resources/guard/lines.js';
import { systemClock } from '../../../src/runtime/index.js';
import { VirtualClock } from '../../../src/testing/index.js';
import { freshKey, Place, processLives, runGuardian, SYSTEM_V } from './place.js';

let place: Place;
let ledger: FileLedger;
let guardian: Guardian | undefined;
beforeEach(() => {
  place = new Place();
  ledger = createLedger({ stateDir: place.stateDir, scope: 'shop' });
});
afterEach(async () => {
  await guardian?.stop();
  guardian = undefined;
  ledger.close();
  place.close();
});

/** Holds a file as a kind of resource does. */
function hold(name: string): void {
  const { path, dev, ino } = place.file(name);
  ledger.want({ type: 'file', paths: [path], onDisk: false }).have({ type: 'file', dev, ino });
}

function states(of: Guardian): { seen: GuardianState[]; reaches(state: GuardianState): Promise<void> } {
  const seen: GuardianState[] = [];
  const waiting = new Map<GuardianState, () => void>();
  of.onState((state) => {
    seen.push(state);
    waiting.get(state)?.();
  });
  return { seen, reaches: (state) => new Promise((resolve) => waiting.set(state, resolve)) };
}

test('a guardian watches from the start, and its name is in the ledger', () => {
  guardian = startGuardian({ ledger, clock: systemClock });
  expect(guardian.state).toBe('watching');
  expect(processLives(guardian.pid ?? 0)).toBe(true);
  expect(parseLedger(readFileSync(ledger.path, 'latin1'))?.guardian?.pid).toBe(guardian.pid);
});

test('stopped, it ends without a hand on anything, and says so once', async () => {
  guardian = startGuardian({ ledger, clock: systemClock });
  const { seen } = states(guardian);
  const pid = guardian.pid ?? 0;
  hold('kept');
  await Promise.all([guardian.stop(), guardian.stop()]);
  expect(processLives(pid)).toBe(false);
  expect(guardian.state).toBe('stopped');
  expect(seen).toEqual(['stopped']);
  expect(existsSync(place.at('kept'))).toBe(true);
  expect(ledger.written).toHaveLength(1);
});

test('asked to release, it releases what is left, and the ledger is gone', async () => {
  guardian = startGuardian({ ledger, clock: systemClock });
  hold('released');
  await guardian.release();
  expect(existsSync(place.at('released'))).toBe(false);
  expect(existsSync(ledger.path)).toBe(false);
});

test('one that was stopped by SIGSTOP is killed when its time to end is up', async () => {
  guardian = startGuardian({ ledger, clock: systemClock, stopLimitMs: 50 });
  process.kill(guardian.pid ?? 0, 'SIGSTOP');
  await guardian.stop();
  expect(guardian.pid === undefined || !processLives(guardian.pid)).toBe(true);
});

test('killed, it is started again, releases nothing by that, and knows everything', async () => {
  guardian = startGuardian({ ledger, clock: systemClock });
  const { seen, reaches } = states(guardian);
  hold('held');
  const again = reaches('watching');
  process.kill(guardian.pid ?? 0, 'SIGKILL');
  await again;
  expect(seen).toEqual(['restarting', 'watching']);
  expect(existsSync(place.at('held'))).toBe(true);
  await guardian.release();
  expect(existsSync(place.at('held'))).toBe(false);
});

test('a machine without the shell is missing a guardian, and nothing else happens', async () => {
  guardian = startGuardian({ ledger, clock: systemClock, shell: place.at('no shell') });
  const { seen, reaches } = states(guardian);
  await reaches('missing');
  expect(seen).toEqual(['missing']);
  expect(guardian.pid).toBeUndefined();
  hold('held');
});

test('one that does not stay is tried ever more slowly, and is degraded until it stays', async () => {
  const shell = place.at('shell');
  symlinkSync('/bin/false', shell);
  const clock = new VirtualClock();
  guardian = startGuardian({ ledger, clock, shell });
  const { seen } = states(guardian);
  const reached = (): Promise<GuardianState | undefined> => clock.advance(100).then(() => guardian?.state);
  await expect.poll(reached, { timeout: 10_000, interval: 1 }).toBe('degraded');
  expect(seen.filter((state) => state === 'restarting')).toHaveLength(5);
  rmSync(shell);
  symlinkSync('/bin/sh', shell);
  await expect.poll(reached, { timeout: 10_000, interval: 1 }).toBe('watching');
});

test('a guardian that the ledger does not name leaves it to the next start', async () => {
  hold('kept');
  const path = place.at('copy.ledger');
  writeFileSync(path, readFileSync(ledger.path));
  const other = { ...ledger.header, owner: { ...ledger.header.owner, startTicks: 5 } };
  await runGuardian(['/bin/sh'], { path, header: other });
  expect(existsSync(place.at('kept'))).toBe(true);
});

test.skipIf(SYSTEM_V === undefined)(
  'what it cannot release stays in the ledger for the next start, and the rest does not',
  async () => {
    const [segment, file] = [place.segment(freshKey()), place.file('file')];
    const lines = [
      wantLine(1, { type: 'file', paths: [file.path], onDisk: false }, 0),
      wantLine(2, { ...segment, type: 'sysv-shm' }, 0),
      haveLine(2, { ...segment, type: 'sysv-shm' }),
    ];
    const dead = place.ledger(lines);
    mkdirSync(place.at('bin'));
    writeFileSync(place.at('bin/ipcrm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
    await runGuardian(['/bin/sh'], dead, { PATH: `${place.at('bin')}:${process.env.PATH}` });
    expect([segment.exists(), file.exists()]).toEqual([true, false]);
    expect(parseLedger(readFileSync(dead.path, 'latin1'))?.entries.map(({ number }) => number)).toEqual([2]);
    await runGuardian(['/bin/sh'], dead);
    expect(segment.exists()).toBe(false);
    expect(existsSync(dead.path)).toBe(false);
  },
);

test('its listeners and timers are gone with it', async () => {
  guardian = startGuardian({ ledger, clock: systemClock });
  const before = process.listenerCount('exit');
  await guardian.stop();
  expect(process.listenerCount('exit')).toBe(before);
});
