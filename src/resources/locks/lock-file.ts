import { fstatSync } from 'node:fs';
import type { Clock } from '../../runtime/index.js';
import type { Native } from '../backend/backend.js';
import type { Region } from '../backend/region.js';
import { type Who, whoAmI } from '../guard/identity.js';
import type { SharedFileFacts } from '../kinds/shared-file.js';
import { checkAsked, chooseLatch, type LockKindOption } from './choice.js';
import { Intent } from './intent.js';
import type { Latch, LockImplementation } from './latch.js';
import { Queue } from './queue.js';
import { type Words, wordsOf } from './words.js';

/** What a lock's file is opened with. */
export interface LockHost {
  open(facts: SharedFileFacts): Promise<Region>;
  native(facts: SharedFileFacts): Promise<Native | undefined>;
  readonly clock: Clock;
}

/** A lock's file as one thread has it: one opening, one latch and one queue, however many leases. */
export interface LockFile {
  readonly words: Words;
  readonly latch: Latch;
  readonly implementation: LockImplementation;
  readonly who: Who;
  readonly clock: Clock;
  readonly intent: Intent;
  readonly queue: Queue;
}

/** One lease's part in what its thread has opened. */
export interface Share<T> {
  readonly value: T;
  /** The last one closes the file. Safe to call twice. */
  leave(): void;
}

/** What is built upon a lock's file for all leases of this thread. */
export interface Ending {
  readonly file: LockFile;
  /** The last lease leaves: this thread gives up its place in the file. */
  end(): void;
}

interface Opened {
  readonly value: Promise<Ending>;
  readonly region: Region;
  /** The kernel cannot find a lock in memory that is no longer mapped, so the mapping stays until the last user of this thread has left. */
  readonly unpin: (() => void) | undefined;
  users: number;
}

/** By device and inode: a path may lead to another file later. */
const openedHere = new Map<string, Opened>();

/**
 * Opens a lock's file for this thread, or joins those of this thread who have it open.
 * @throws SharedLayoutError, CapabilityError as `chooseLatch` says
 */
export async function shareLockFile<T extends Ending>(
  host: LockHost,
  facts: SharedFileFacts,
  subject: string,
  kind: LockKindOption,
  build: (file: LockFile) => T,
): Promise<Share<T>> {
  const region = await host.open(facts);
  const key = keyOf(region);
  const known = openedHere.get(key);
  if (known !== undefined) region.close();
  const opened = known ?? openHere(key, region, openFile(host, facts, region, subject, kind, build), subject);
  opened.users += 1;
  try {
    // Safe: a file has one magic, so one sort of thing is built upon it.
    const value = (await opened.value) as T;
    checkAsked(subject, kind, value.file.implementation);
    return { value, leave: once(() => leave(key, opened, value)) };
  } catch (error) {
    leave(key, opened, undefined);
    throw error;
  }
}

function openHere(key: string, region: Region, value: Promise<Ending>, subject: string): Opened {
  const opened = { value, region, unpin: region.mapping?.pin(`${subject} is in use`), users: 0 };
  openedHere.set(key, opened);
  return opened;
}

async function openFile<T>(
  host: LockHost,
  facts: SharedFileFacts,
  region: Region,
  subject: string,
  kind: LockKindOption,
  build: (file: LockFile) => T,
): Promise<T> {
  const { clock } = host;
  const words = wordsOf(region);
  const native = await host.native(facts);
  const { implementation, latch } = await chooseLatch({ subject, region, words, native, clock }, kind);
  const who = whoAmI();
  const intent = new Intent(words, who, clock);
  return build({ words, latch, implementation, who, clock, intent, queue: new Queue(clock, intent) });
}

function leave(key: string, opened: Opened, value: Ending | undefined): void {
  opened.users -= 1;
  if (opened.users > 0) return;
  openedHere.delete(key);
  value?.end();
  opened.unpin?.();
  opened.region.close();
}

function keyOf(region: Region): string {
  const { dev, ino } = fstatSync(region.fd, { bigint: true });
  return `${dev}:${ino}`;
}

function once(run: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    run();
  };
}
