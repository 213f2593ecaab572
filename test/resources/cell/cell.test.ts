import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  AlreadyLockedError,
  InvalidSpecError,
  ReleasedError,
  ResourceLimitError,
  SharedLayoutError,
} from '../../../src/core/index.js';
import { type SnapshotCell, snapshotCell } from '../../../src/resources/cell/cell.js';
import { CURRENT, cellBytes, slotAt } from '../../../src/resources/cell/layout.js';
import { actor, threadActor } from './actors.js';
import { SharedFileHost, WAYS } from './host.js';
import { cellKind } from './kinds.js';

interface Rates {
  readonly euro: number;
}

const rates = snapshotCell<Rates>({ name: 'rates', bytes: 1_024 });

/** Changes bytes of a cell behind its back. */
function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, bytes, 0, bytes.length, at);
  closeSync(fd);
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

describe.each(WAYS)('a snapshot cell (%s)', (way) => {
  test('has no value before the first', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    expect([cell.read(), cell.readBytes(), cell.version, cell.ageMs, cell.writtenAt]).toEqual([
      undefined,
      undefined,
      0,
      undefined,
      undefined,
    ]);
  });

  test('shows the last value to all who have it', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    const others = [await host.acquire(rates, 'auto'), await host.acquire(rates, 'files')];
    for (const euro of [1, 2, 3]) {
      cell.write({ euro });
      for (const other of [cell, ...others]) expect([other.read(), other.version]).toEqual([{ euro }, euro]);
    }
  });

  test('is decoded again only when its version has moved', async () => {
    await using host = new SharedFileHost();
    let decoded = 0;
    const codec = {
      encode: (value: number) => Buffer.from(`${value}`),
      decode: (bytes: Buffer) => {
        decoded += 1;
        return Number(bytes);
      },
    };
    const cell = await host.acquire(snapshotCell({ name: 'n', bytes: 64, codec }), way);
    cell.write(5);
    expect([cell.read(), cell.read(), cell.read(), decoded]).toEqual([5, 5, 5, 1]);
    cell.write(6);
    expect([cell.read(), decoded]).toEqual([6, 2]);
  });

  test('copies its bytes into memory that is given, of which the rest stays as it is', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(snapshotCell({ name: 'n', bytes: 64, codec: 'bytes' }), way);
    const target = new Uint8Array(6).fill(9);
    expect(cell.readInto(target)).toBeUndefined();
    for (const bytes of [[1, 2, 3], [4, 5], [], [6, 7, 8, 5, 4, 3]]) {
      cell.write(Uint8Array.from(bytes));
      target.fill(9);
      expect(cell.readInto(target)).toBe(bytes.length);
      expect([...target]).toEqual([...bytes, 9, 9, 9, 9, 9, 9].slice(0, 6));
    }
  });

  test('copies nothing into memory that is too small', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    cell.write({ euro: 1 });
    const target = new Uint8Array(9);
    expect(() => cell.readInto(target)).toThrow(
      new RangeError('The value of snapshot-cell "rates" takes 10 bytes, and was to be read into 9.'),
    );
    expect([...target]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('holds bytes as they are', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(
      snapshotCell<Uint8Array>({ name: 'b', bytes: 100, codec: 'bytes', crc: false }),
      way,
    );
    cell.write(Uint8Array.of(0, 255, 7));
    expect([...(cell.read() ?? [])]).toEqual([0, 255, 7]);
  });

  test('refuses what does not fit, and keeps the last value', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(cellKind, way);
    cell.write({ euro: 1 });
    expect(() => cell.write('x'.repeat(1_023))).toThrow(ResourceLimitError);
    expect(() => cell.write(undefined)).toThrow(InvalidSpecError);
    expect([cell.read(), cell.version]).toEqual([{ euro: 1 }, 1]);
    cell.write('x'.repeat(1_022));
    expect(cell.version).toBe(2);
  });

  test('writes what has changed, and confirms what has not', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    expect(cell.update({ euro: 1 })).toBe(true);
    const { writtenAt } = cell;
    const reader = await host.acquire(rates, way);
    // The age is in whole ms of a clock that all share.
    while ((reader.ageMs ?? 0) < 250) await cell.waitForChange({ timeoutMs: 5 });
    expect(cell.update({ euro: 1 })).toBe(false);
    expect(reader.ageMs).toBeLessThan(250);
    expect([reader.version, reader.writtenAt]).toEqual([1, writtenAt]);
    expect(cell.update({ euro: 2 })).toBe(true);
    expect(reader.version).toBe(2);
  });

  test('has one writer, and refuses the second by name while the first lives', async () => {
    await using host = new SharedFileHost();
    await using other = actor(host.dir, way);
    const cell = await host.acquire(rates, way);
    await other.tell({ do: 'write', value: { euro: 1 } });
    const refusal = expect(() => cell.write({ euro: 2 }));
    refusal.toThrow(AlreadyLockedError);
    expect(catching(() => cell.write({ euro: 2 }))).toMatchObject({ holder: other.pid });
    await expect(host.acquire(snapshotCell({ ...RATES, role: 'writer' }), way)).rejects.toThrow(
      AlreadyLockedError,
    );
    expect(cell.read()).toEqual({ euro: 1 });
  });

  test('gives the next writer its turn when a process that wrote is killed', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    await using first = actor(host.dir, way);
    expect(await first.tell({ do: 'write', value: { euro: 1 } })).toBe(1);
    await first.kill();
    expect(cell.read()).toEqual({ euro: 1 });
    cell.write({ euro: 2 });
    expect([cell.read(), cell.version]).toEqual([{ euro: 2 }, 2]);
  });

  test('gives the next writer its turn when a thread that wrote ends', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    await using thread = threadActor(host.dir, way);
    await thread.tell({ do: 'write', value: { euro: 1 } });
    expect(catching(() => cell.write({ euro: 2 }))).toBeInstanceOf(AlreadyLockedError);
    await thread.kill();
    cell.write({ euro: 2 });
    expect(cell.version).toBe(2);
  });

  test('gives the next writer its turn when the lease is released', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    await using first = actor(host.dir, way);
    await first.tell({ do: 'write', value: { euro: 1 } });
    await first.tell({ do: 'release' });
    cell.write({ euro: 2 });
    await expect(first.tell({ do: 'write', value: { euro: 3 } })).rejects.toMatchObject({
      code: 'ALREADY_LOCKED',
      holder: process.pid,
    });
  });

  test('lets one of many who want to write at once', { timeout: 60_000 }, async () => {
    await using host = new SharedFileHost();
    await using group = new AsyncDisposableGroup();
    const actors = Array.from({ length: 4 }, () => group.use(actor(host.dir, way)));
    for (const each of actors) await each.tell({ do: 'read' });
    for (let round = 0; round < 10; round += 1) {
      const outcomes = await Promise.allSettled(
        actors.map((each) => each.tell({ do: 'write', value: { euro: round } })),
      );
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      // All may be refused: each by one that came first and was too late itself.
      expect(winners.length).toBeLessThanOrEqual(1);
      for (const each of actors) await each.tell({ do: 'release' });
    }
  });

  test('keeps the last complete value when a writer dies in the middle of the next', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    cell.write({ euro: 1 });
    cell.write({ euro: 2 });
    await cell.release();
    // What a writer leaves that dies within the payload of version 3, or right before the last store.
    const slot = slotAt(3, 1_024);
    const path = host.pathOf('rates');
    overwrite(path, slot, word(0));
    overwrite(path, slot + 64, Buffer.from('{"eu'));
    const next = await host.acquire(rates, way);
    expect([next.read(), next.version]).toEqual([{ euro: 2 }, 2]);
    overwrite(path, slot, word(3));
    expect([next.read(), next.version]).toEqual([{ euro: 2 }, 2]);
    next.write({ euro: 3 });
    expect([next.read(), next.version]).toEqual([{ euro: 3 }, 3]);
  });

  test('tells a damaged value from a torn one', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    cell.write({ euro: 1 });
    overwrite(host.pathOf('rates'), slotAt(1, 1_024) + 64, Buffer.from('['));
    expect(() => cell.read()).toThrow(SharedLayoutError);
    expect(() => cell.readInto(new Uint8Array(1_024))).toThrow(SharedLayoutError);
    cell.write({ euro: 2 });
    expect(cell.read()).toEqual({ euro: 2 });
  });

  test('that is damaged is mended by the next update, also by one of the same value', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    cell.write({ euro: 1 });
    overwrite(host.pathOf('rates'), slotAt(1, 1_024) + 64, Buffer.from('['));
    expect(cell.update({ euro: 1 })).toBe(true);
    expect([cell.read(), cell.version]).toEqual([{ euro: 1 }, 2]);
  });

  test('counts on past 32 bits', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    const last = 2 ** 32 - 2;
    cell.write({ euro: 1 });
    cell.write({ euro: 2 });
    // Version 2 is made to be the last even one of the low half.
    const path = host.pathOf('rates');
    overwrite(path, slotAt(2, 1_024), word(last));
    overwrite(path, CURRENT, word(last));
    await cell.release();
    const next = await host.acquire(rates, way);
    const versions = [next.version];
    for (const euro of [3, 4, 5]) {
      next.write({ euro });
      expect(next.read()).toEqual({ euro });
      versions.push(next.version);
    }
    expect(versions).toEqual([last, last + 1, last + 4, last + 5]);
  });

  test('tells of a change without holding up the event loop', async () => {
    await using host = new SharedFileHost();
    await using writer = actor(host.dir, way);
    const cell = await host.acquire(rates, way);
    const changes = [cell.waitForChange(), cell.waitForChange()];
    await writer.tell({ do: 'write', value: { euro: 1 } });
    expect(await Promise.all(changes)).toEqual([1, 1]);
    expect(await cell.waitForChange({ since: 0 })).toBe(1);
    expect(await cell.waitForChange({ timeoutMs: 10 })).toBeUndefined();
  });

  test('ends the waiting when it is aborted or released', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    const stop = new AbortController();
    const aborted = cell.waitForChange({ signal: stop.signal });
    const released = cell.waitForChange();
    stop.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    await expect(cell.waitForChange({ signal: stop.signal })).rejects.toThrow('enough');
    await cell.release();
    await expect(released).rejects.toThrow(ReleasedError);
  });

  test.each([
    [5, 'options'],
    [null, 'options'],
    [{ timeoutMs: Number.NaN }, 'timeoutMs'],
    [{ timeoutMs: -1 }, 'timeoutMs'],
    [{ timeoutMs: '5' }, 'timeoutMs'],
    [{ since: 0.5 }, 'since'],
    [{ signal: {} }, 'signal'],
    [{ timeout: 5 }, 'timeout'],
  ])('refuses to wait with %j, which would be waited for without an end', async (options, field) => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    await expect(cell.waitForChange(options as never)).rejects.toMatchObject({ code: 'INVALID_SPEC', field });
  });

  test('can no longer be used once it is released', async () => {
    await using host = new SharedFileHost();
    const cell: SnapshotCell<Rates> = await host.acquire(rates, way);
    cell.write({ euro: 1 });
    await cell.release();
    for (const use of [
      () => cell.read(),
      () => cell.readBytes(),
      () => cell.readInto(new Uint8Array(1024)),
      () => cell.version,
      () => cell.ageMs,
      () => cell.writtenAt,
      () => cell.write({ euro: 2 }),
      () => cell.update({ euro: 2 }),
      () => cell.confirm(),
    ]) {
      expect(use).toThrow(ReleasedError);
    }
  });

  test('lets a reader see, and not write', async () => {
    await using host = new SharedFileHost();
    const cell = await host.acquire(rates, way);
    const reader = await host.acquire(snapshotCell<Rates>({ ...RATES, role: 'reader' }), way);
    cell.write({ euro: 1 });
    expect(reader.read()).toEqual({ euro: 1 });
    expect(() => reader.write({ euro: 2 })).toThrow(/role is 'reader'/);
    expect(() => reader.confirm()).toThrow(/role is 'reader'/);
  });

  test('remembers a writer by 32 bytes', async () => {
    await using host = new SharedFileHost();
    for (let life = 1; life <= 3; life += 1) {
      const cell = await host.acquire(rates, way);
      cell.write({ euro: life });
      cell.write({ euro: life });
      await cell.release();
      expect(statSync(host.pathOf('rates')).size).toBe(cellBytes(1_024) + 32 * life);
    }
  });
});

describe('the options of a snapshot cell', () => {
  test.each([
    [{ name: '', bytes: 1 }, 'name'],
    [{ name: 'a/b', bytes: 1 }, 'name'],
    [{ name: 'a', bytes: 0 }, 'bytes'],
    [{ name: 'a', bytes: 1.5 }, 'bytes'],
    [{ name: 'a', bytes: 1, codec: 'xml' }, 'codec'],
    [{ name: 'a', bytes: 1, codec: {} }, 'codec'],
    [{ name: 'a', bytes: 1, role: 'owner' }, 'role'],
    [{ name: 'a', bytes: 1, crc: 1 }, 'crc'],
    [{ name: 'a', bytes: 1, size: 1 }, 'size'],
  ])('%j is refused for its %s', (options, field) => {
    expect(catching(() => snapshotCell(options as never))).toMatchObject({ code: 'INVALID_SPEC', field });
  });
});

const RATES = { name: 'rates', bytes: 1_024 } as const;

function catching(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

class AsyncDisposableGroup implements AsyncDisposable {
  readonly #members: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(member: T): T {
    this.#members.push(member);
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member[Symbol.asyncDispose]();
  }
}
