import { randomBytes } from 'node:crypto';
import type { LayoutParts } from '../kinds/layout-words.js';

/**
 * Where everything stands in a lock's file; offsets of words are in units of four bytes, little endian on every machine we run on.
 *
 * | bytes | what |
 * |---|---|
 * | 0..15 | magic, layout version, the permits of a semaphore: equal for all users |
 * | 16..31 | a random name for the sockets that guard it |
 * | 32..127 | which implementation the first user chose, the layout of its libc, and its pid and net namespaces |
 * | 128..159 | the mutex's owner, as the user sees it |
 * | 160..199 | who has waited longest, and is next |
 * | 256..383 | the mutex of libc |
 * | 384..447 | the writer of a reader-writer lock |
 * | 448.. | the table of holders, 32 bytes each |
 */
export const LAYOUT = {
  nonceAt: 16,
  nonceBytes: 16,
  /** 0 until chosen. */
  choice: 8,
  pidNamespace: 9,
  netNamespace: 10,
  tagAt: 64,
  tagBytes: 64,
  /** 0 while free, else the owner's thread, with {@link OWNER_DIED} added while what it guards may be half done. */
  owner: 32,
  ownerPid: 33,
  /** A random number while somebody is owed the next turn, else 0. */
  intent: 40,
  intentBeat: 41,
  intentWaitedMs: 42,
  intentMode: 43,
  intentWho: 44,
  mutexAt: 256,
  writerDied: 96,
  writer: 100,
  /** How many places of the table have ever been used. */
  tableUsed: 112,
  table: 120,
  placeWords: 8,
} as const;

/** Added to the owner word. Linux gives thread ids below 2²². */
export const OWNER_DIED: number = 1 << 30;

/** How many threads may use one reader-writer lock or semaphore at the same time. */
export const TABLE_PLACES = 1024;

export type LockKind = 'mutex' | 'rw-lock' | 'semaphore';

const MAGIC: Record<LockKind, string> = { mutex: 'TWmutex\0', 'rw-lock': 'TWrwlock', semaphore: 'TWsemaph' };
const VERSION = 1;

/** How long a lock's file is. */
export function lockBytes(kind: LockKind): number {
  return kind === 'mutex' ? 512 : (LAYOUT.table + TABLE_PLACES * LAYOUT.placeWords) * 4;
}

/** What a lock's file begins with, in base64. */
export function lockImage(kind: LockKind, permits = 0): string {
  const image = Buffer.alloc(LAYOUT.nonceAt + LAYOUT.nonceBytes);
  image.write(MAGIC[kind], 'latin1');
  image.writeUInt32LE(VERSION, 8);
  image.writeUInt32LE(permits, 12);
  randomBytes(LAYOUT.nonceBytes).copy(image, LAYOUT.nonceAt);
  return image.toString('base64');
}

/** What a header says; nothing where it is no lock's. */
export function lockParts(header: Buffer): LayoutParts | undefined {
  const magic = header.toString('latin1', 0, 8);
  const kind = (Object.keys(MAGIC) as LockKind[]).find((one) => MAGIC[one] === magic);
  if (kind === undefined) return undefined;
  const permits = header.readUInt32LE(12);
  const text = permits === 1 ? '1 permit' : `${permits} permits`;
  return { kind, version: header.readUInt32LE(8), parts: [{ value: permits, found: text, asked: text }] };
}
