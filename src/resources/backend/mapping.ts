import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { LockStateError, ReleasedError } from '../../core/index.js';
import type { MapAccess, Mapping } from './backend.js';
import type { Ffi } from './ffi.js';
import { type SystemCall, systemCallError, throwing } from './system-call.js';

/** Memory of this process that others may share, and the one place where it is let go. */
export interface Memory {
  map(fd: number, bytes: number, access: MapAccess): Mapping;
  /** Takes over memory that is there already, `span` bytes of it, of which `bytes` are shown. `unmap` lets go of all of it. */
  adopt(what: string, address: number, bytes: number, span: number, unmap: () => void): Mapping;
}

/** Where a stretch of `length` bytes begins. For calls of libc alone. @throws ReleasedError, and RangeError for what lies outside */
export function addressOf(mapping: Mapping, offset: number, length: number): number {
  return SharedMapping.addressOf(mapping, offset, length);
}

/** Opens the functions of libc that map memory. */
export function openMemory(ffi: Ffi): Memory {
  const mmap = throwing(
    ffi,
    'mmap',
    ffi.declare('mmap', ['address', 'size', 'int', 'int', 'int', 'long'], 'address'),
  );
  const munmap = throwing(ffi, 'munmap', ffi.declare('munmap', ['address', 'size'], 'int'));
  // Runs when nothing can see the memory any more: its views are collected, and with them the buffer.
  const collected = new FinalizationRegistry<() => void>((unmap) => unmap());
  const zero = overlay(mmap);

  const adopt: Memory['adopt'] = (what, address, bytes, span, unmap) => {
    const buffer = ffi.view(address, bytes);
    const release = CAN_DETACH
      ? (): void => {
          detach(buffer, what);
          collected.unregister(buffer);
          unmap();
        }
      : (): void => {
          zero(address, span);
          collected.unregister(buffer);
          // Whatever was mapped there, it is a plain private mapping now.
          collected.register(buffer, later(munmap, address, span), buffer);
        };
    collected.register(buffer, unmap, buffer);
    return new SharedMapping(what, address, buffer, release);
  };

  return {
    adopt,
    map: (fd, bytes, access) => {
      requireBytes(fd, bytes);
      const address = mmap(0, bytes, PROTECTION[access], SHARING[access], fd, 0);
      return adopt('the mapped file', address, bytes, bytes, later(munmap, address, bytes));
    },
  };
}

// Linux and macOS agree on these.
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
// On these they do not.
const MAP_ANONYMOUS = process.platform === 'darwin' ? 0x1000 : 0x20;
const MAP_NORESERVE = process.platform === 'darwin' ? 0x40 : 0x4000;

const PROTECTION: Readonly<Record<MapAccess, number>> = {
  read: PROT_READ,
  write: PROT_READ | PROT_WRITE,
  'copy-on-write': PROT_READ | PROT_WRITE,
};

const SHARING: Readonly<Record<MapAccess, number>> = {
  read: MAP_SHARED,
  write: MAP_SHARED,
  'copy-on-write': MAP_PRIVATE | MAP_NORESERVE,
};

/** Node 22 and later: buffers have `transfer`, which leaves every view of the old one empty. */
export const CAN_DETACH: boolean = 'transfer' in ArrayBuffer.prototype;

/** @throws LockStateError where somebody has moved the bytes into a buffer of their own, which would not be safe to unmap */
function detach(
  buffer: ArrayBuffer & { transfer?(bytes?: number): ArrayBuffer; detached?: boolean },
  what: string,
): void {
  if (buffer.detached === true) {
    throw new LockStateError(
      what,
      'its buffer was transferred, so that it can no longer be unmapped safely.',
    );
  }
  buffer.transfer?.(0);
}

/** Puts zeros of our own where shared memory was, in one step: a view never finds nothing there. */
function overlay(mmap: SystemCall): (address: number, bytes: number) => void {
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  return (address, bytes) => {
    mmap(address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  };
}

/** Made out here, because a closure keeps all that its surroundings hold: in there, the buffer whose end it waits for. */
function later(munmap: SystemCall, address: number, bytes: number): () => void {
  return () => void munmap(address, bytes);
}

/** Pages beyond the end of a file can be mapped, but whoever reads one is ended by SIGBUS. */
function requireBytes(fd: number, bytes: number): void {
  if (fstatSync(fd).size < bytes) throw systemCallError('mmap', constants.errno.EOVERFLOW);
}

class SharedMapping implements Mapping {
  /** Those that are pinned are not collected: a lock in them may be held though nobody remembers it. */
  static readonly #kept = new Set<SharedMapping>();
  readonly #what: string;
  readonly #address: number;
  readonly #pins = new Map<symbol, string>();
  readonly #release: () => void;
  #view: Uint8Array | undefined;

  constructor(what: string, address: number, buffer: ArrayBuffer, release: () => void) {
    this.#what = what;
    this.#address = address;
    this.#release = release;
    this.#view = new Uint8Array(buffer);
  }

  static addressOf(mapping: Mapping, offset: number, length: number): number {
    // Whatever else were given here would be written through a wild pointer.
    if (!(#address in mapping)) throw new TypeError('This mapping belongs to another backend.');
    const { byteLength } = mapping.bytes;
    if (!(offset >= 0 && offset + length <= byteLength)) {
      throw new RangeError(`Bytes ${offset} to ${offset + length} lie outside a mapping of ${byteLength}.`);
    }
    return mapping.#address + offset;
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
    this.#view = undefined;
  }
}
