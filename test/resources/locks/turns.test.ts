import { describe, expect, test } from 'vitest';
import { LAYOUT } from '../../../src/resources/locks/layout.js';
import { MutexState } from '../../../src/resources/locks/mutex-state.js';
import { RwLockState } from '../../../src/resources/locks/rw-lock-state.js';
import { SemaphoreState } from '../../../src/resources/locks/semaphore-state.js';
import { HAS_THREADS, type Threads, threads } from './threads.js';

/** More turns than anybody has while another waits: one a millisecond, for the 20 ms of its patience and the pauses between two tries. */
const MOST_TURNS = 30;
const FOR_EVER = 300;
const OWNER = {};

interface Releasable {
  release(): void;
}

/** How many turns one thread has, each right after the other and a millisecond long, before `waiting` has ended. */
async function turnsBefore(
  waiting: Promise<Releasable>,
  { clock }: Threads,
  attempt: () => Releasable | string,
  how: 'one after the other' | 'overlapping',
): Promise<number> {
  let had = false;
  void waiting.then((hold) => {
    had = true;
    hold.release();
  });
  let turns = 0;
  let last: Releasable | undefined;
  for (; !had && turns < FOR_EVER; ) {
    if (how === 'one after the other') last?.release();
    const next = attempt();
    if (how === 'overlapping') last?.release();
    last = typeof next === 'string' ? undefined : next;
    if (last !== undefined) turns += 1;
    await clock.advance(1);
  }
  last?.release();
  return turns;
}

describe.skipIf(!HAS_THREADS)('one who waits', () => {
  test('for a mutex has it after a few turns of one who takes it again at once', async () => {
    const all = threads('mutex');
    const [greedy, patient] = [new MutexState(all.open()), new MutexState(all.open())];
    const first = greedy.attempt('it', OWNER);
    const waiting = patient.lock('it', {}, OWNER);
    if (typeof first !== 'string') first.release();
    const turns = await turnsBefore(waiting, all, () => greedy.attempt('it', OWNER), 'one after the other');
    expect(turns).toBeGreaterThan(10);
    expect(turns).toBeLessThan(MOST_TURNS);
    expect(all.words.load(LAYOUT.intent)).toBe(0);
  });

  test('to write has its turn after a few turns of readers that are never all gone', async () => {
    const all = threads('rw-lock');
    const [reader, writer] = [new RwLockState(all.open()), new RwLockState(all.open())];
    const first = reader.attempt('read', 'it', OWNER);
    const waiting = writer.lock('write', 'it', {}, OWNER);
    const turns = await turnsBefore(
      waiting,
      all,
      () => {
        const next = reader.attempt('read', 'it', OWNER);
        if (typeof first !== 'string') first.release();
        return next;
      },
      'overlapping',
    );
    expect(turns).toBeGreaterThan(10);
    expect(turns).toBeLessThan(MOST_TURNS);
  });

  test('to read has its turn after a few turns of a writer that comes again at once, and other readers go with it', async () => {
    const all = threads('rw-lock');
    const [writer, reader, other] = [1, 2, 3].map(() => new RwLockState(all.open()));
    if (writer === undefined || reader === undefined || other === undefined) return expect.fail();
    const first = writer.attempt('write', 'it', OWNER);
    const waiting = reader.lock('read', 'it', {}, OWNER);
    if (typeof first !== 'string') first.release();
    let together: unknown;
    const attempt = (): Releasable | string => {
      const got = writer.attempt('write', 'it', OWNER);
      if (got === 'busy') {
        const reading = other.attempt('read', 'it', OWNER);
        together = reading;
        if (typeof reading !== 'string') reading.release();
      }
      return got;
    };
    const turns = await turnsBefore(waiting, all, attempt, 'one after the other');
    expect(turns).toBeGreaterThan(10);
    expect(turns).toBeLessThan(MOST_TURNS);
    expect(together).toMatchObject({ access: 'read' });
  });

  test('for many permits has them after a few turns of one who takes single ones', async () => {
    const all = threads('semaphore', 2);
    const [greedy, patient] = [new SemaphoreState(all.open()), new SemaphoreState(all.open())];
    const first = greedy.attempt(1, 'it', OWNER);
    const waiting = patient.acquire(2, 'it', {}, OWNER);
    const attempt = (): Releasable | string => {
      const next = greedy.attempt(1, 'it', OWNER);
      if (typeof first !== 'string') first.release();
      return next;
    };
    const turns = await turnsBefore(waiting, all, attempt, 'overlapping');
    expect(turns).toBeGreaterThan(10);
    expect(turns).toBeLessThan(MOST_TURNS);
  });
});
