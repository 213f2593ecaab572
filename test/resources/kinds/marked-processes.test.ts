import { existsSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { InvalidSpecError, ScopeClosedError } from '../../../src/core/index.js';
import type { Entry, Written } from '../../../src/resources/guard/entry.js';
import { guardianLine, haveLine, type LedgerHeader, wantLine } from '../../../src/resources/guard/lines.js';
import { carriersOf, killMarked, signalCarrier } from '../../../src/resources/guard/marked.js';
import { ResourceRegistry, reclaimLeftovers, survey } from '../../../src/resources/index.js';
import {
  type MarkedProcessesRequest,
  makeMarkedProcesses,
} from '../../../src/resources/kinds/make-marked-processes.js';
import type { Site } from '../../../src/resources/site.js';
import { type ResourceRequest, type ResourceScope, systemClock } from '../../../src/runtime/index.js';
import { freshMark, Place } from '../guard/place.js';

const CAPABLE = process.platform === 'linux';

let place: Place;
let registry: ResourceRegistry | undefined;
beforeEach(() => {
  place = new Place();
});
afterEach(async () => {
  await registry?.close();
  registry = undefined;
  place.close();
});

/** Opened before there is anything to reclaim. */
async function openScope(): Promise<ResourceScope> {
  registry = await ResourceRegistry.open({ scope: 'shop', stateDir: place.stateDir });
  return registry.openScope({ path: 'shop', incarnation: 0 });
}

function request(mark: string, graceMs = 100): MarkedProcessesRequest {
  return { kind: 'marked-processes', mark, graceMs };
}

/** Of a grant, only what marked processes need of it; `entries` is what is on the record. */
function fakeSite(guarded: boolean, signal = new AbortController().signal) {
  const entries = new Set<Entry>();
  const want = (entry: Entry): Written => {
    entries.add(entry);
    return { entry, have: ignore, leave: ignore, drop: () => void entries.delete(entry) };
  };
  const parts: Partial<Site> = {
    ledger: { path: '', written: [], want, close: ignore },
    stateDir: place.stateDir,
    scope: 'shop',
    clock: systemClock,
    owner: { path: 'shop', incarnation: 0 } as Site['owner'],
    signal,
    guarded: () => guarded,
  };
  // Safe: these kinds of processes look at nothing else.
  return { mark: freshMark(), entries, site: parts as Site };
}

function attempted(run: () => void): 'done' | 'left' {
  try {
    run();
    return 'done';
  } catch {
    return 'left';
  }
}

function ignore(): void {}

/** What a dead program has left. */
async function leftover(header: Partial<LedgerHeader> = {}, lines: readonly string[] = []) {
  const mark = freshMark();
  const own = await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${mark}:1;` });
  const marked = wantLine(1, { type: 'marked', mark, graceMs: 100 }, 0) + haveLine(1, { type: 'marked' });
  return { mark, own, ledger: place.ledger([marked, ...lines], header) };
}

describe.skipIf(!CAPABLE)('processes that carry a mark', () => {
  test('are granted when those of dead programs of the scope have ended', async () => {
    const scope = await openScope();
    const { own, ledger } = await leftover();
    await scope.grant(request(freshMark()));
    expect(own.exists()).toBe(false);
    expect(existsSync(ledger.path)).toBe(false);
  });

  test('are waited for while a guardian is at work on those of a dead program, but no longer than their owner lives', async () => {
    const scope = await openScope();
    const guardian = await place.process('echo; exec sleep 1000', {});
    const { own } = await leftover({}, [guardianLine({ ...guardian, tid: guardian.pid })]);
    const granted = scope.grant(request(freshMark()));
    granted.catch(() => undefined);
    const closed = scope.close();
    await expect(granted).rejects.toThrow(ScopeClosedError);
    await closed;
    expect(own.exists()).toBe(true);
    const again = registry?.openScope({ path: 'shop', incarnation: 0 });
    const waiting = again?.grant(request(freshMark()));
    process.kill(guardian.pid, 'SIGKILL');
    await waiting;
    expect(own.exists()).toBe(false);
  });

  test.each<[string, Partial<LedgerHeader>]>([
    ['another user', { uid: 4_000_000 }],
    ['another pid namespace', { pidNamespace: 5 }],
    ['another boot', { bootId: 'another' }],
    ['another scope', { scope: 'other' }],
  ])('of %s are left alone', async (_, header) => {
    const scope = await openScope();
    const { own } = await leftover(header);
    await scope.grant(request(freshMark()));
    expect(own.exists()).toBe(true);
    await registry?.close();
    registry = await ResourceRegistry.open({ scope: 'shop', stateDir: place.stateDir });
    expect(own.exists()).toBe(true);
  });

  test('that a program has left are shown by survey(), and ended by reclaimLeftovers()', async () => {
    const { mark, own } = await leftover();
    const { reclaim } = await survey({ stateDir: place.stateDir });
    expect(reclaim.ledgers.flatMap(({ entries }) => entries)).toMatchObject([
      { entry: { type: 'marked', mark }, outcome: 'would-release' },
    ]);
    expect(own.exists()).toBe(true);
    const { ledgers } = await reclaimLeftovers({ stateDir: place.stateDir });
    expect(ledgers).toMatchObject([{ verdict: 'reclaimed', entries: [{ outcome: 'released' }] }]);
    expect(own.exists()).toBe(false);
  });

  test('are named as users of their lease, and outlive it where they are given back in order', async () => {
    const scope = await openScope();
    const mark = freshMark();
    await scope.grant(request(mark));
    const own = await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${mark}:1;` });
    expect(registry?.inspect()).toMatchObject([{ name: mark, users: [`pid ${own.pid} (sleep 1000)`] }]);
    await registry?.close();
    expect(own.exists()).toBe(true);
    expect(readdirSync(`${place.stateDir}/shop`)).toEqual([]);
  });

  test('are killed at once where nothing can be awaited, this process excepted', async () => {
    const mark = freshMark();
    const own = await place.process("trap '' TERM; echo; while :; do sleep 1; done", {
      TREEWARDEN_MARK: `${mark}:1;`,
    });
    expect(carriersOf(mark).map(({ pid }) => pid)).toContain(own.pid);
    killMarked(mark);
    await expect.poll(() => carriersOf(mark)).toEqual([]);
    expect(own.exists()).toBe(false);
  });

  describe.each([true, false])('where the program ends at once, with a guardian: %s,', (guarded) => {
    test('are left to it, or killed', async () => {
      const { mark, entries, site } = fakeSite(guarded);
      const claim = await makeMarkedProcesses(request(mark, 60_000), site);
      const own = await place.process("trap '' TERM; echo; while :; do sleep 1; done", {
        TREEWARDEN_MARK: `${mark}:1;`,
      });
      // It may take a moment to end: then the next start sees to it.
      const left = attempted(() => claim.releaseSync());
      if (guarded) expect([left, entries.size, own.exists()]).toEqual(['left', 1, true]);
      else await expect.poll(() => own.exists()).toBe(false);
      expect(entries.size).toBe(left === 'left' ? 1 : 0);
    });

    test('of whom none lives, are off the record', async () => {
      const { mark, entries, site } = fakeSite(guarded);
      const claim = await makeMarkedProcesses(request(mark), site);
      expect(entries.size).toBe(1);
      claim.releaseSync();
      expect(entries.size).toBe(0);
    });
  });

  test('are off the record where they could not be granted', async () => {
    const guardian = await place.process('echo; exec sleep 1000', {});
    await leftover({}, [guardianLine({ ...guardian, tid: guardian.pid })]);
    const { mark, entries, site } = fakeSite(true, AbortSignal.abort());
    await expect(makeMarkedProcesses(request(mark), site)).rejects.toThrow(ScopeClosedError);
    expect(entries.size).toBe(0);
  });

  test('are found by the whole mark', async () => {
    const mark = freshMark();
    const carry = (marks: string) => place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: marks });
    const own = await carry(`${mark}0:1;${mark}:12;`);
    await carry(`${mark}0:1;`);
    await carry(`0${mark}:1;`);
    await carry(`0${mark}:1;${mark}`);
    await place.process('echo; exec sleep 1000', { OTHER: `${mark}:1;`, TREEWARDEN_MARK: `0${mark}:1;` });
    expect(carriersOf(mark).map(({ pid }) => pid)).toEqual([own.pid]);
  });

  test('are signalled only while they are the ones that were found', async () => {
    const mark = freshMark();
    const own = await place.process('echo; exec sleep 1000', { TREEWARDEN_MARK: `${mark}:1;` });
    expect(signalCarrier({ pid: own.pid, startTicks: own.startTicks - 1 }, 'SIGKILL')).toBe(false);
    expect(own.exists()).toBe(true);
    expect(signalCarrier(own, 'SIGKILL')).toBe(true);
  });

  test.each([
    [{ mark: 'short' }, 'mark'],
    [{ mark: 'abcdefgh.*abcdefgh' }, 'mark'],
    [{ mark: 'ABCDEFGHIJKLMNOP' }, 'mark'],
    [{ graceMs: Number.POSITIVE_INFINITY }, 'graceMs'],
  ])('are refused by %j', async (wrong, field) => {
    const scope = await openScope();
    const refused = scope.grant({ ...request(freshMark()), ...wrong } as ResourceRequest);
    await expect(refused).rejects.toThrow(InvalidSpecError);
    await expect(refused).rejects.toMatchObject({ field });
    expect(readdirSync(`${place.stateDir}/shop`)).toEqual([]);
  });
});
