import { LockStateError, ReleasedError } from '../../core/index.js';
import type { Mapping } from './backend.js';

/** Where a stretch of `length` bytes begins. For calls of libc alone. @throws ReleasedError, and RangeError for what lies outside */
export function addressOf(mapping: Mapping, offset: number, length: number): number {
  return SharedMapping.addressOf(mapping, offset, length);
}

/** How memory looks from outside: its bytes, its pins and its end; the address stays inside. */
export class SharedMapping implements Mapping {
  /** Those that are pinned are not collected: a lock in them may be held though nobody remembers it. */
  static readonly #kept = new Set<SharedMapping>();
  readonly #what: string;
  readonly #address: number;
  readonly #pins = new Map<symbol, string>();
  readonly #release: () => void;
  /** 0 once closed. */
  #length: number;
  #view: Uint8Array | undefined;

  constructor(what: string, address: number, buffer: ArrayBuffer, release: () => void) {
    this.#what = what;
    this.#address = address;
    this.#release = release;
    this.#length = buffer.byteLength;
    this.#view = new Uint8Array(buffer);
  }

  static addressOf(mapping: Mapping, offset: number, length: number): number {
    // Whatever else were given here would be written through a wild pointer.
    if (!(#address in mapping)) throw new TypeError('This mapping belongs to another backend.');
    if (offset >= 0 && offset + length <= mapping.#length) return mapping.#address + offset;
    if (mapping.closed) throw new ReleasedError(mapping.#what);
    throw new RangeError(
      `Bytes ${offset} to ${offset + length} lie outside a mapping of ${mapping.#length}.`,
    );
  }

  get bytes(): Uint8Array {
    if (this.#view === undefined) throw new ReleasedError(this.#what);
    return this.#view;
  }

  get closed(): boolean {
    return this.#view === undefined;
  }

  pin(why: string): () => void {
    if (this.closed) throw new ReleasedError(this.#what);
    const pin = Symbol(why);
    this.#pins.set(pin, why);
    SharedMapping.#kept.add(this);
    return () => {
      this.#pins.delete(pin);
      if (this.#pins.size === 0) SharedMapping.#kept.delete(this);
    };
  }

  close(): void {
    if (this.closed) return;
    const [why] = this.#pins.values();
    if (why !== undefined) throw new LockStateError(this.#what, `it cannot be unmapped: ${why}.`);
    this.#release();
    this.#length = 0;
    this.#view = undefined;
  }
}
