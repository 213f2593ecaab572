import type { LayoutParts } from '../kinds/layout-words.js';

/**
 * The bytes of a snapshot cell, as docs/snapshot-cell.md describes them for readers in other languages. All numbers are little-endian and
 * aligned to their size.
 *
 * A header, two slots of equal size, and behind them the claims of its writers. Each version lies whole in one slot, which its parity chooses:
 * while the next one is written into the other slot, this one stays as it is, whatever happens to the writer.
 */
export const HEADER_BYTES = 64;
export const SLOT_HEADER_BYTES = 64;

/** u32: the low half of the last complete version, 0 where there is none. Stored last. */
export const CURRENT = 16;

/** The fields of a slot, from its beginning. */
export const SLOT = {
  /** u32: the low half of its version, 0 while it is written. Stored after everything else in the slot. */
  version: 0,
  /** u32: the high half. */
  versionHigh: 4,
  /** u32: how many bytes of the payload count. */
  length: 8,
  /** u32: bit 0 says that there is a checksum. */
  flags: 12,
  /** u32: the CRC-32 of the payload, as zlib, PHP and PNG have it. */
  crc: 16,
  /** u64: when it was written, in ms since 1970. */
  writtenAt: 24,
  /** u64: when its writer last confirmed it, in ms of CLOCK_MONOTONIC; at first, when it was written. */
  confirmedAt: 32,
  /** u64: the same in ms since 1970. */
  confirmedEpoch: 40,
} as const;

export const HAS_CRC = 1;

/** The room for a payload, for what a cell was made: a multiple of 64, so that everything in it stays aligned. */
export function slotBytes(payloadBytes: number): number {
  return Math.ceil(payloadBytes / 64) * 64;
}

/** Where the slot of a version begins. @param room - the payload's, as {@link slotBytes} gives it */
export function slotAt(version: number, room: number): number {
  return HEADER_BYTES + (version % 2) * (SLOT_HEADER_BYTES + room);
}

/** The length of the whole, without the claims. */
export function cellBytes(room: number): number {
  return HEADER_BYTES + 2 * (SLOT_HEADER_BYTES + room);
}

/** What a new cell begins with: the magic, the version of the layout, and the room for a payload. */
export function cellImage(room: number): Buffer {
  const image = Buffer.alloc(16);
  image.write(MAGIC, 'latin1');
  image.writeUInt32LE(LAYOUT_VERSION, 8);
  image.writeUInt32LE(room, 12);
  return image;
}

/** The room for a payload of the cell whose first 16 bytes these are; nothing where they are no cell's that this code knows. */
export function roomIn(image: Buffer): number | undefined {
  const room = image.length < 16 ? 0 : image.readUInt32LE(12);
  return room > 0 && image.equals(cellImage(room)) ? room : undefined;
}

/** What a header says; nothing where it is no cell's. */
export function cellParts(header: Buffer): LayoutParts | undefined {
  if (header.toString('latin1', 0, 8) !== MAGIC) return undefined;
  const room = header.readUInt32LE(12);
  const text = `room for ${room} bytes`;
  return {
    kind: 'snapshot-cell',
    version: header.readUInt32LE(8),
    parts: [{ value: room, found: text, asked: text }],
  };
}

/** The largest payload, in bytes. */
export const MOST_PAYLOAD_BYTES: number = 2 ** 30;

const MAGIC = 'TWCELL\0\0';
const LAYOUT_VERSION = 1;
