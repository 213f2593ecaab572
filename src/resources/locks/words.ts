import type { Region } from '../backend/region.js';

/**
 * A shared file as 32-bit words. Through a mapping each access is atomic; through a descriptor it is one read or write of four aligned
 * bytes, which nobody has ever seen torn. There is no compare-and-swap: what needs one is done under the lock.
 */
export interface Words {
  load(word: number): number;
  store(word: number, value: number): void;
  /** As `load`, without a fence: for what the latch orders, and for hints. An atomic access takes ten times as long. */
  plainLoad(word: number): number;
  /** As `store`, without a fence: for what the latch orders. */
  plainStore(word: number, value: number): void;
  /** `count` words from `word` on, as they are now or a little later. */
  range(word: number, count: number): Int32Array;
}

export function wordsOf(region: Region): Words {
  return region.mapping === undefined ? new FileWords(region) : new MappedWords(region.mapping.bytes);
}

class MappedWords implements Words {
  readonly #words: Int32Array;

  constructor(bytes: Uint8Array) {
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >> 2);
  }

  load(word: number): number {
    return Atomics.load(this.#words, word);
  }

  store(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
  }

  plainLoad(word: number): number {
    // Safe: the words in use all lie within the file.
    return this.#words[word] as number;
  }

  plainStore(word: number, value: number): void {
    this.#words[word] = value;
  }

  range(word: number, count: number): Int32Array {
    return this.#words.subarray(word, word + count);
  }
}

class FileWords implements Words {
  readonly #region: Region;

  constructor(region: Region) {
    this.#region = region;
  }

  load(word: number): number {
    return this.#region.read(word * 4, 4).readInt32LE();
  }

  store(word: number, value: number): void {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32LE(value | 0);
    this.#region.write(word * 4, bytes);
  }

  plainLoad(word: number): number {
    return this.load(word);
  }

  plainStore(word: number, value: number): void {
    this.store(word, value);
  }

  range(word: number, count: number): Int32Array {
    const bytes = this.#region.read(word * 4, count * 4);
    return Int32Array.from({ length: count }, (_, index) => bytes.readInt32LE(index * 4));
  }
}
