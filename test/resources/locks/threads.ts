import { readdirSync } from 'node:fs';
import type { Region } from '../../../src/resources/backend/region.js';
import { startTicks, type Who, whoAmI } from '../../../src/resources/guard/identity.js';
import { Intent } from '../../../src/resources/locks/intent.js';
import type { Latch } from '../../../src/resources/locks/latch.js';
import { LAYOUT, type LockKind, lockBytes } from '../../../src/resources/locks/layout.js';
import type { LockFile } from '../../../src/resources/locks/lock-file.js';
import { Queue } from '../../../src/resources/locks/queue.js';
import { type Words, wordsOf } from '../../../src/resources/locks/words.js';
import { VirtualClock } from '../../../src/testing/virtual-clock.js';

/** Where threads can be told apart, as here they must. */
export const HAS_THREADS: boolean = process.platform === 'linux' && otherThreads().length >= 2;

/** A lock's file as several threads have it, all of them in this one, so that a test decides who comes when. */
export interface Threads {
  readonly clock: VirtualClock;
  readonly words: Words;
  /** The file as the next thread has it; at most three. */
  open(): LockFile;
}

export function threads(kind: LockKind, permits = 0): Threads {
  const bytes = new Uint8Array(new SharedArrayBuffer(lockBytes(kind)));
  // Safe: a region that is mapped is used by its mapping alone.
  const words = wordsOf({ mapping: { bytes } } as Region);
  words.store(PERMITS, permits);
  const clock = new VirtualClock();
  const whos = [whoAmI(), ...otherThreads()];
  const shared = { closed: false };
  return {
    clock,
    words,
    open: () => {
      const who = whos.shift();
      if (who === undefined) throw new Error('there are no more threads here');
      const intent = new Intent(words, who, clock);
      const queue = new Queue(clock, intent);
      return { words, latch: latchOf(shared), implementation: 'pthread', who, clock, intent, queue };
    },
  };
}

/** Somebody of this process's pid, in an earlier life of it. */
export const DEAD: Who = { ...whoAmI(), startTicks: 1 };

/** Writes somebody and a count into the table of holders. */
export function writeHolder(words: Words, place: number, who: Who, count: number): void {
  const row = [who.pid, who.tid, who.startTicks | 0, Math.floor(who.startTicks / 2 ** 32), count];
  for (const [index, word] of row.entries()) {
    words.store(LAYOUT.table + place * LAYOUT.placeWords + index, word);
  }
  words.store(LAYOUT.tableUsed, Math.max(words.load(LAYOUT.tableUsed), place + 1));
}

/** Where the number of permits stands. */
const PERMITS = 3;

function latchOf(shared: { closed: boolean }): Latch {
  return {
    spins: 1,
    tryClose: () => {
      if (shared.closed) return false;
      shared.closed = true;
      return true;
    },
    open: () => {
      shared.closed = false;
    },
  };
}

/** Every process of Node has some beside its main one, and they live as long as it does. */
function otherThreads(): readonly Who[] {
  const { pid, tid } = whoAmI();
  const others = readdirSync('/proc/self/task')
    .map(Number)
    .filter((other) => other !== tid && other !== pid);
  return others.slice(0, 2).map((other) => ({ pid, tid: other, startTicks: startTicks(pid, other) ?? 0 }));
}
