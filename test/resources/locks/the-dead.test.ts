import { beforeEach, describe, expect, test } from 'vitest';
import { LockStateError } from '../../../src/core/index.js';
import { LAYOUT, OWNER_DIED, TABLE_PLACES } from '../../../src/resources/locks/layout.js';
import type { LockFile } from '../../../src/resources/locks/lock-file.js';
import { MutexState } from '../../../src/resources/locks/mutex-state.js';
import { RwLockState } from '../../../src/resources/locks/rw-lock-state.js';
import { SemaphoreState } from '../../../src/resources/locks/semaphore-state.js';
import { writeWho } from '../../../src/resources/locks/who-words.js';
import { DEAD, HAS_THREADS, type Threads, threads, writeHolder } from './threads.js';

const OWNER = {};

describe.skipIf(!HAS_THREADS)('the dead', () => {
  let all: Threads;
  let file: LockFile;
  let living: LockFile;
  const open = (kind: 'mutex' | 'rw-lock' | 'semaphore', permits?: number): void => {
    all = threads(kind, permits);
    [file, living] = [all.open(), all.open()];
  };

  test('whose thread id stands in a mutex that the kernel has freed are told of, until somebody has repaired', () => {
    open('mutex');
    all.words.store(LAYOUT.owner, 4_000_000);
    const mutex = new MutexState(file);
    expect(mutex.attempt('it', OWNER)).toMatchObject({ ownerDied: true });
    expect(all.words.load(LAYOUT.owner)).toBe(file.who.tid | OWNER_DIED);
    expect(mutex.holders()).toEqual([
      `pid ${process.pid}${file.who.tid === process.pid ? '' : `, thread ${file.who.tid}`}`,
    ]);
  });

  describe('among the readers of a lock', () => {
    beforeEach(() => open('rw-lock'));

    test('do not keep a writer out, and the living do', () => {
      writeHolder(all.words, 0, DEAD, 1);
      writeHolder(all.words, 1, living.who, 1);
      writeHolder(all.words, 2, DEAD, 3);
      const lock = new RwLockState(file);
      expect(lock.attempt('write', 'it', OWNER)).toBe('busy');
      writeHolder(all.words, 1, living.who, 0);
      expect(lock.attempt('write', 'it', OWNER)).toMatchObject({ access: 'write', ownerDied: false });
    });

    test('are not named, and the living are', async () => {
      writeHolder(all.words, 1, living.who, 1);
      const lock = new RwLockState(file);
      const refused = lock.lock('write', 'it', { timeoutMs: 1 }, OWNER).catch((error: unknown) => error);
      // It died since its place was last looked at.
      writeHolder(all.words, 0, DEAD, 1);
      await all.clock.advance(1);
      const name = `pid ${living.who.pid}, thread ${living.who.tid}`;
      expect(await refused).toMatchObject({ holders: [name] });
    });
  });

  describe('among the writers of a lock', () => {
    beforeEach(() => open('rw-lock'));

    test.each(['read', 'write'] as const)('make way for one who comes to %s, who is told', (access) => {
      writeWho(all.words, LAYOUT.writer, DEAD);
      expect(new RwLockState(file).attempt(access, 'it', OWNER)).toMatchObject({ ownerDied: true });
      expect(all.words.load(LAYOUT.writerDied)).toBe(1);
      expect(all.words.load(LAYOUT.writer)).toBe(access === 'read' ? 0 : file.who.pid);
    });

    test('are told of by the mark alone once their place is free', () => {
      all.words.store(LAYOUT.writerDied, 1);
      expect(new RwLockState(file).attempt('read', 'it', OWNER)).toMatchObject({ ownerDied: true });
    });

    test.each(['read', 'write'] as const)('are not who lives: one who comes to %s is kept out', (access) => {
      writeWho(all.words, LAYOUT.writer, living.who);
      expect(new RwLockState(file).attempt(access, 'it', OWNER)).toBe('busy');
    });
  });

  describe('among the holders of permits', () => {
    beforeEach(() => open('semaphore', 3));

    test('give theirs back, and the living keep theirs', () => {
      writeHolder(all.words, 0, DEAD, 1);
      writeHolder(all.words, 1, living.who, 1);
      writeHolder(all.words, 2, DEAD, 1);
      const gate = new SemaphoreState(file);
      expect(gate.available).toBe(0);
      expect(gate.attempt(2, 'it', OWNER)).toMatchObject({ count: 2 });
      expect(gate.attempt(1, 'it', OWNER)).toBe('busy');
      expect(gate.available).toBe(0);
    });

    test('are looked for once in 2 ms at most', async () => {
      writeHolder(all.words, 0, living.who, 3);
      const gate = new SemaphoreState(file);
      expect(gate.attempt(1, 'it', OWNER)).toBe('busy');
      writeHolder(all.words, 0, DEAD, 3);
      expect(gate.attempt(1, 'it', OWNER)).toBe('busy');
      await all.clock.advance(2);
      expect(gate.attempt(1, 'it', OWNER)).toMatchObject({ count: 1 });
    });
  });

  describe('who held nothing', () => {
    beforeEach(() => open('semaphore', 1));
    const fillTable = (): void => {
      for (let place = 0; place < TABLE_PLACES; place += 1) writeHolder(all.words, place, living.who, 0);
    };

    test('leave their place to others when the table is full', () => {
      fillTable();
      writeHolder(all.words, 700, DEAD, 0);
      expect(new SemaphoreState(file).attempt(1, 'it', OWNER)).toMatchObject({ count: 1 });
      expect(all.words.load(LAYOUT.table + 700 * LAYOUT.placeWords + 1)).toBe(file.who.tid);
    });

    test('and are not there: the table is full of the living', () => {
      fillTable();
      expect(() => new SemaphoreState(file).attempt(1, 'it', OWNER)).toThrow(LockStateError);
      expect(file.latch.tryClose()).toBe(true);
    });
  });
});
