import { crc32 } from 'node:zlib';
import type { LayoutParts } from '../kinds/layout-words.js';

/**
 * The bytes of a scoreboard: a header with the names of states and counters, and slots of equal size. A slot has a word that counts what was
 * published in it, and two banks, of which the word's parity says which one counts. Little-endian.
 */
export interface BoardLayout {
  readonly slots: number;
  readonly counters: number;
  /** The room for a job, in bytes. */
  readonly jobBytes: number;
  /** Where the first slot is. */
  readonly slotsAt: number;
  /** From a bank to the next, in bytes. */
  readonly bankBytes: number;
  /** The length of the whole, without the claims. */
  readonly bytes: number;
  /** What it begins with: 16 bytes that all its users must agree on, the length of the names, and from byte 64 the names, as JSON. */
  readonly image: Buffer;
}

/** What is said of a board, and so what its layout follows from. */
export interface BoardNames {
  readonly slots: number;
  readonly jobBytes: number;
  readonly states: readonly string[];
  readonly counters: readonly string[];
}

export function boardLayout({ slots, jobBytes, states, counters }: BoardNames): BoardLayout {
  const names = Buffer.from(JSON.stringify({ states, counters }));
  const slotsAt = LINE + aligned(names.length);
  const bankBytes = aligned(BANK.counters + 8 * counters.length + jobBytes);
  const image = Buffer.concat([Buffer.alloc(LINE), names], slotsAt);
  image.write(MAGIC, 'latin1');
  image.writeUInt16LE(LAYOUT_VERSION, 4);
  image.writeUInt16LE(jobBytes, 6);
  image.writeUInt32LE(slots, 8);
  image.writeUInt32LE(crc32(names), 12);
  image.writeUInt32LE(names.length, 16);
  const bytes = slotsAt + slots * (LINE + 2 * bankBytes);
  return { slots, counters: counters.length, jobBytes, slotsAt, bankBytes, bytes, image };
}

/** What a header says; nothing where it is no scoreboard's. */
export function boardParts(header: Buffer): LayoutParts | undefined {
  if (header.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const told = (value: number, text: string) => ({ value, found: text, asked: text });
  const jobBytes = header.readUInt16LE(6);
  const slots = header.readUInt32LE(8);
  return {
    kind: 'scoreboard',
    version: header.readUInt16LE(4),
    parts: [
      told(slots, slots === 1 ? '1 slot' : `${slots} slots`),
      told(jobBytes, `room for jobs of ${jobBytes} bytes`),
      {
        value: header.readUInt32LE(12),
        found: 'other states or counters',
        asked: 'those that were asked for',
      },
    ],
  };
}

/** Where a slot begins: with a u32 that counts what was published there, 0 for nothing. */
export function slotAt({ slotsAt, bankBytes }: BoardLayout, index: number): number {
  return slotsAt + index * (LINE + 2 * bankBytes);
}

/** Where in its slot the bank is that a count points to. */
export function bankAt({ bankBytes }: BoardLayout, count: number): number {
  return LINE + (count % 2) * bankBytes;
}

/** The fields of a bank. */
export const BANK = {
  /** u32: its count, 0 while it is written. */
  count: 0,
  /** u32: the CRC-32 of all that follows, to the end of the bank. */
  crc: 4,
  /** u32: the state's place among the names, from 1; 0 for none. */
  state: 8,
  /** u32: the length of the job. */
  jobLength: 12,
  /** u32; 0 where the slot is free. */
  pid: 16,
  /** u32: the id of the thread. */
  tid: 20,
  /** u64: when that thread started, in clock ticks since boot. */
  startTicks: 24,
  /** u64: since when it is so, in ms of CLOCK_MONOTONIC. */
  since: 32,
  /** u64: the inode of the pid namespace of the owner. */
  namespace: 40,
  /** f64 each; behind them the job, in UTF-8. */
  counters: 64,
} as const;

/** A cache line: neighbours do not disturb each other. */
const LINE = 64;
const MAGIC = 'TWSB';
const LAYOUT_VERSION = 1;

function aligned(bytes: number): number {
  return Math.ceil(bytes / LINE) * LINE;
}
