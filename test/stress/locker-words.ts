import type { SharedWords } from '../resources/locks/lock-files.js';
import type { Using } from '../resources/locks/peers.js';

/** What a locker is told. */
export interface LockerOrders {
  readonly using: Using;
  /** The file with the counters. */
  readonly words: string;
  readonly slot: number;
}

/** How many permits the semaphore of a storm has. */
export const PERMITS = 2;

/** What stands where in the file of counters; from `slots` on there are eight words for each locker, which it alone writes. */
export const WORD = {
  /** Two counters that the lock guards; equal, and equal to the sum of the lockers' own ones, whenever nobody is inside. */
  first: 0,
  second: 1,
  broken: 2,
  example: 3,
  recoveries: 4,
  slots: 16,
  slotUpdates: 0,
  slotUses: 1,
  slotLongestWaitMs: 2,
  /** The pid and thread that are inside, or 0. Who is killed there leaves them so. */
  slotPid: 3,
  slotTid: 4,
} as const;

export function slotAt(slot: number): number {
  return WORD.slots + slot * 8;
}

export function sumOfSlots(words: SharedWords, slots: number): number {
  let sum = 0;
  for (let slot = 0; slot < slots; slot += 1) sum += words.get(slotAt(slot) + WORD.slotUpdates);
  return sum;
}
