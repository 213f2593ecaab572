import { describe, expect, test } from 'vitest';
import { AlreadyLockedError, ReleasedError, ResourceLimitError } from '../../../src/core/index.js';
import { scoreboard } from '../../../src/resources/scoreboard/scoreboard.js';
import { actor, threadActor } from '../cell/actors.js';
import { SharedFileHost, WAYS } from '../cell/host.js';
import { boardKind } from '../cell/kinds.js';

describe.each(WAYS)('a scoreboard (%s)', (way) => {
  test('shows free slots before anybody has one', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    expect(board.read()).toEqual(
      [0, 1, 2, 3].map((index) => ({
        index,
        state: undefined,
        sinceMs: undefined,
        job: undefined,
        counters: { done: 0 },
        owner: undefined,
        alive: false,
      })),
    );
  });

  test('shows what the owner of a slot has said last', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    const reader = await host.acquire(boardKind, 'files');
    const slot = board.claim();
    expect(reader.read()[0]).toMatchObject({ state: undefined, alive: true });
    slot.set({ state: 'busy', job: 'resize 7', counters: { done: 3 } });
    expect(reader.read()[0]).toEqual({
      index: 0,
      state: 'busy',
      sinceMs: expect.any(Number),
      job: 'resize 7',
      counters: { done: 3 },
      owner: { pid: process.pid, tid: process.pid },
      alive: true,
    });
    slot.set({ state: 'idle' });
    expect(reader.read()[0]).toMatchObject({ state: 'idle', job: undefined, counters: { done: 3 } });
  });

  test('counts the time from when state or job has changed', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    const slot = board.claim();
    const sinceMs = (): number => board.read()[0]?.sinceMs ?? -1;
    slot.set({ state: 'busy', job: 'a' });
    while (sinceMs() < 250) await new Promise(setImmediate);
    slot.set({ state: 'busy', job: 'a', counters: { done: 1 } });
    expect(sinceMs()).toBeGreaterThanOrEqual(250);
    slot.set({ state: 'busy', job: 'b' });
    expect(sinceMs()).toBeLessThan(250);
  });

  test('cuts a job that is too long, in whole characters', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    const slot = board.claim();
    slot.set({ state: 'busy', job: `${'x'.repeat(15)}€` });
    expect(board.read()[0]?.job).toBe('x'.repeat(15));
    slot.set({ state: 'busy', job: `${'x'.repeat(13)}€€` });
    expect(board.read()[0]?.job).toBe(`${'x'.repeat(13)}€`);
  });

  test('gives each owner a slot of its own, and says when there is none', async () => {
    await using host = new SharedFileHost();
    await using other = actor(host.dir, way);
    const board = await host.acquire(boardKind, way);
    expect(board.claim(2).index).toBe(2);
    expect(await other.tell({ do: 'claim' })).toBe(0);
    expect([board.claim().index, board.claim().index]).toEqual([1, 3]);
    expect(() => board.claim()).toThrow(ResourceLimitError);
    expect(() => board.claim(0)).toThrow(AlreadyLockedError);
    await expect(other.tell({ do: 'claim', index: 2 })).rejects.toMatchObject({
      code: 'ALREADY_LOCKED',
      holder: process.pid,
    });
  });

  test('marks what a dead process was at, and gives its slot to the next', async () => {
    await using host = new SharedFileHost();
    await using worker = actor(host.dir, way);
    const board = await host.acquire(boardKind, way);
    await worker.tell({ do: 'claim' });
    await worker.tell({ do: 'set', state: 'busy', job: 'poison', done: 41 });
    expect(board.read()[0]).toMatchObject({ alive: true, owner: { pid: worker.pid } });
    await worker.kill();
    expect(board.read()[0]).toMatchObject({
      alive: false,
      owner: { pid: worker.pid },
      state: 'busy',
      job: 'poison',
      counters: { done: 41 },
    });
    expect(board.claim(0).index).toBe(0);
    expect(board.read()[0]).toMatchObject({ alive: true, state: undefined, counters: { done: 0 } });
  });

  test('marks what a dead thread was at, though its process lives', async () => {
    await using host = new SharedFileHost();
    await using worker = threadActor(host.dir, way);
    const board = await host.acquire(boardKind, way);
    await worker.tell({ do: 'claim' });
    await worker.tell({ do: 'set', state: 'busy' });
    expect(board.read()[0]).toMatchObject({ alive: true, owner: { pid: process.pid } });
    expect(board.read()[0]?.owner?.tid).not.toBe(process.pid);
    await worker.kill();
    expect(board.read()[0]).toMatchObject({ alive: false, state: 'busy' });
  });

  test('is read while the event loop of an owner is blocked', async () => {
    await using host = new SharedFileHost();
    await using worker = actor(host.dir, way);
    const board = await host.acquire(boardKind, way);
    await worker.tell({ do: 'claim' });
    await worker.tell({ do: 'set', state: 'busy', job: 'endless' });
    expect(await worker.tell({ do: 'block' })).toBe('blocked');
    expect(board.read()[0]).toMatchObject({ alive: true, state: 'busy', job: 'endless' });
  });

  test('frees the slot that is given back, and those of a lease that is released', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    const other = await host.acquire(boardKind, way);
    const slot = board.claim();
    board.claim().set({ state: 'busy', counters: { done: 2 } });
    slot.release();
    slot.release();
    expect(() => slot.set({ state: 'idle' })).toThrow(ReleasedError);
    expect(other.read()[0]).toMatchObject({ owner: undefined, alive: false });
    expect(other.claim().index).toBe(0);
    await board.release();
    expect(other.read()[1]).toMatchObject({ owner: undefined, state: undefined, counters: { done: 2 } });
    expect(() => board.read()).toThrow(ReleasedError);
    expect(() => board.claim()).toThrow(ReleasedError);
  });

  test('refuses a state and a counter that it does not have', async () => {
    await using host = new SharedFileHost();
    const board = await host.acquire(boardKind, way);
    const slot = board.claim();
    slot.set({ state: 'idle' });
    expect(() => slot.set({ state: 'asleep' as 'idle' })).toThrow(/one of idle, busy/);
    expect(() => slot.set({ state: 'busy', counters: { lost: 1 } as never })).toThrow(/one of done/);
    expect(() => board.claim(4)).toThrow(/0 to 3/);
    expect(board.read()[0]).toMatchObject({ state: 'idle' });
  });
});

test('scoreboards of different words do not share an image', () => {
  const one = scoreboard({ name: 'a', slots: 1, states: ['idle', 'busy'] });
  const other = scoreboard({ name: 'a', slots: 1, states: ['busy', 'idle'] });
  expect(one.request).not.toEqual(other.request);
});

test.each([
  [{ name: 'a', slots: 0, states: ['x'] }, 'slots'],
  [{ name: 'a', slots: 1, states: [] }, 'states'],
  [{ name: 'a', slots: 1, states: ['x', 'x'] }, 'states'],
  [{ name: 'a', slots: 1, states: ['x'], counters: [''] }, 'counters'],
  [{ name: 'a', slots: 1, states: ['x'], jobBytes: -1 }, 'jobBytes'],
  [{ name: 'a', slots: 1, states: ['x'], jobs: 1 }, 'jobs'],
])('%j is refused for its %s', (options, field) => {
  let thrown: unknown;
  try {
    scoreboard(options as never);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'INVALID_SPEC', field });
});
