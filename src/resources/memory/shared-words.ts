import { readSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Region } from '../backend/region.js';

/**
 * The bytes of a shared file as state is read and published in them: 32-bit words that are written at once, and stretches between them that
 * are not. Little-endian on every machine.
 *
 * What one writes before it stores a word, others see once they have loaded that word.
 */
export interface SharedWords {
  /** @param offset - a multiple of 4 */
  load(offset: number): number;
  /** @param offset - a multiple of 4 */
  store(offset: number, value: number): void;
  /** @param offset - a multiple of 8 */
  load64(offset: number): number;
  /** @param offset - a multiple of 8 */
  store64(offset: number, value: number): void;
  /** What was read and written so far, plain bytes included, comes before what follows, for all who see it. */
  fence(): void;
  /**
   * Makes `length` bytes visible in {@link seen}, at the place that is returned: live where they are mapped, else a copy that the next call
   * overwrites. At most {@link MOST_SEEN}.
   */
  look(offset: number, length: number): number;
  readonly seen: DataView;
  /** Copies out, into memory of its own. */
  copy(offset: number, length: number): Buffer;
  /** Copies out to the beginning of `target`, which has the room. */
  copyInto(target: Uint8Array, offset: number, length: number): void;
  write(offset: number, bytes: Uint8Array): void;
}

/** The most bytes that can be looked at. */
export const MOST_SEEN = 64;

/** Mapped where the region is, else by reads and writes of the file: the same bytes. */
export function wordsOf(region: Region): SharedWords {
  // Atomics have the machine's own byte order.
  if (region.mapping === undefined || endianness() === 'BE') return new FileWords(region.fd);
  return new MappedWords(region.mapping.bytes);
}

/** 64 bits as JavaScript has them: exact up to 2^53, which counts a thousand a second for 285 000 years. */
export function get64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

export function set64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(value / 2 ** 32), true);
}

class MappedWords implements SharedWords {
  readonly seen: DataView;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #longs: BigUint64Array;
  readonly #own: Uint32Array = new Uint32Array(1);
  /** What was copied last: to make a view takes longer than to copy a kilobyte. */
  #stretch: Uint8Array;
  #stretchAt = 0;

  constructor(bytes: Uint8Array) {
    const { buffer, byteOffset, byteLength } = bytes;
    this.#bytes = bytes;
    this.#stretch = bytes;
    this.seen = new DataView(buffer, byteOffset, byteLength);
    this.#words = new Uint32Array(buffer, byteOffset, Math.floor(byteLength / 4));
    this.#longs = new BigUint64Array(buffer, byteOffset, Math.floor(byteLength / 8));
  }

  load(offset: number): number {
    return Atomics.load(this.#words, offset / 4);
  }

  store(offset: number, value: number): void {
    Atomics.store(this.#words, offset / 4, value);
  }

  store64(offset: number, value: number): void {
    Atomics.store(this.#longs, offset / 8, BigInt(value));
  }

  load64(offset: number): number {
    return Number(Atomics.load(this.#longs, offset / 8));
  }

  // Processors with weak ordering (arm64) let plain accesses pass an atomic one in one direction; none passes such a pair.
  fence(): void {
    Atomics.store(this.#own, 0, 0);
    Atomics.load(this.#own, 0);
  }

  look(offset: number): number {
    return offset;
  }

  copy(offset: number, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    this.copyInto(copy, offset, length);
    return copy;
  }

  copyInto(target: Uint8Array, offset: number, length: number): void {
    if (this.#stretchAt !== offset || this.#stretch.byteLength !== length) {
      this.#stretch = this.#bytes.subarray(offset, offset + length);
      this.#stretchAt = offset;
    }
    target.set(this.#stretch);
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, offset);
  }
}

/** Each load and store is a system call, so that they happen in the order in which they are written here. */
export class FileWords implements SharedWords {
  readonly seen: DataView;
  readonly #fd: number;
  readonly #scratch: Buffer = Buffer.alloc(MOST_SEEN);

  constructor(fd: number) {
    this.#fd = fd;
    this.seen = new DataView(this.#scratch.buffer, this.#scratch.byteOffset, MOST_SEEN);
  }

  load(offset: number): number {
    this.look(offset, 4);
    return this.seen.getUint32(0, true);
  }

  store(offset: number, value: number): void {
    this.seen.setUint32(0, value, true);
    writeSync(this.#fd, this.#scratch, 0, 4, offset);
  }

  load64(offset: number): number {
    this.look(offset, 8);
    return get64(this.seen, 0);
  }

  fence(): void {
    // A system call is one.
  }

  store64(offset: number, value: number): void {
    set64(this.seen, 0, value);
    writeSync(this.#fd, this.#scratch, 0, 8, offset);
  }

  look(offset: number, length: number): number {
    const read = readSync(this.#fd, this.#scratch, 0, length, offset);
    // A file shorter than it should be reads as zeros: nothing is there.
    if (read < length) this.#scratch.fill(0, read, length);
    return 0;
  }

  copy(offset: number, length: number): Buffer {
    const copy = Buffer.allocUnsafe(length);
    this.copyInto(copy, offset, length);
    return copy;
  }

  copyInto(target: Uint8Array, offset: number, length: number): void {
    const read = readSync(this.#fd, target, 0, length, offset);
    if (read < length) target.fill(0, read, length);
  }

  write(offset: number, bytes: Uint8Array): void {
    writeSync(this.#fd, bytes, 0, bytes.byteLength, offset);
  }
}
