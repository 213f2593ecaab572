import { type Life, lifeOf, type Who } from '../guard/identity.js';
import type { Words } from './words.js';

/** Who somebody is, in four words: the start time in two, the pid last, for it is what makes a place taken. */
const PID = 0;
const TID = 1;
const START_LOW = 2;
const START_HIGH = 3;

export function writeWho(words: Words, at: number, who: Who): void {
  words.plainStore(at + START_LOW, who.startTicks | 0);
  words.plainStore(at + START_HIGH, Math.floor(who.startTicks / 2 ** 32));
  words.plainStore(at + TID, who.tid);
  // Not a plain one: who sees it sees the others.
  words.store(at + PID, who.pid);
}

/** Whether somebody is written there, alive or dead. */
export function isTaken(words: Words, at: number): boolean {
  return words.load(at + PID) !== 0;
}

/** Nothing where nobody is written. */
export function readWho(words: Words, at: number): Who | undefined {
  if (words.load(at + PID) === 0) return undefined;
  const [pid, tid, low, high] = words.range(at, 4);
  if (pid === undefined || pid === 0) return undefined;
  return { pid, tid: tid ?? pid, startTicks: (high ?? 0) * 2 ** 32 + ((low ?? 0) >>> 0) };
}

export function eraseWho(words: Words, at: number): void {
  words.store(at + PID, 0);
}

export function isWho(words: Words, at: number, who: Who): boolean {
  return (
    words.load(at + PID) === who.pid &&
    words.load(at + TID) === who.tid &&
    words.load(at + START_LOW) === (who.startTicks | 0)
  );
}

/** Dead only where that is certain. */
export function lifeAt(words: Words, at: number): Life {
  const who = readWho(words, at);
  return who === undefined ? 'dead' : lifeOf(who);
}

/** As it stands in messages. */
export function whoText(who: { readonly pid: number; readonly tid: number }): string {
  return who.pid === who.tid ? `pid ${who.pid}` : `pid ${who.pid}, thread ${who.tid}`;
}
