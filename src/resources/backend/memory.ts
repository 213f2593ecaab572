import { fstatSync } from 'node:fs';
import { constants } from 'node:os';
import { LockStateError } from '../../core/index.js';
import type { MapAccess, Mapping } from './backend.js';
import type { Ffi } from './ffi.js';
import { SharedMapping } from './mapping.js';
import { NO_TABLE, openMappingTable } from './mapping-table.js';
import { ifThere, type SystemCall, systemCallError, throwing } from './system-call.js';

/** Memory of this process that others may share, and the one place where it is let go. */
export interface Memory {
  map(fd: number, bytes: number, access: MapAccess): Mapping;
  /** Takes over memory that is there already, `span` bytes of it, of which `bytes` are shown. `unmap` lets go of all of it. */
  adopt(what: string, address: number, bytes: number, span: number, unmap: () => void): Mapping;
  /** @see Native.sweepThreads */
  sweepThreads(): number;
}

/** Opens the functions of libc that map memory. */
export function openMemory(ffi: Ffi, threadId: () => number, memfd: (name: string) => number): Memory {
  const takes = ['address', 'size', 'int', 'int', 'int', 'long'] as const;
  const mmap = throwing(ffi, 'mmap', ffi.declare('mmap', takes, 'address'));
  const munmap = throwing(ffi, 'munmap', ffi.declare('munmap', ['address', 'size'], 'int'));
  const table = ifThere(() => openMappingTable(ffi, { mmap, munmap, memfd, threadId })) ?? NO_TABLE;
  const zero = overlay(mmap);
  const adopt: Memory['adopt'] = (what, address, bytes, span, unmap) => {
    const buffer = ffi.view(address, bytes);
    const forget = table.note(address, span);
    whenCollected(buffer, inOrder(forget, unmap));
    const release = CAN_DETACH
      ? (): void => {
          detach(buffer, what);
          collected.unregister(buffer);
          inOrder(forget, unmap)();
        }
      : (): void => {
          zero(address, span);
          // Whatever was mapped there, it is a plain private mapping now.
          whenCollected(buffer, inOrder(forget, unmapper(munmap, address, span)));
        };
    return new SharedMapping(what, address, buffer, release);
  };
  return {
    adopt,
    map: (fd, bytes, access) => {
      requireBytes(fd, bytes);
      const address = mmap(0, bytes, PROTECTION[access], SHARING[access], fd, 0);
      return adopt('the mapped file', address, bytes, bytes, unmapper(munmap, address, bytes));
    },
    sweepThreads: table.sweep,
  };
}

/** Runs what lets go of memory once nothing can see it any more: the views are collected, and with them their buffer. */
const collected = new FinalizationRegistry<() => void>((unmap) => {
  try {
    unmap();
  } catch {
    // Nobody asked for it who could be told, and it does no harm where it is: it stays until the process ends.
  }
});

/** `unmap` must keep nothing alive that keeps the buffer alive; so it is made by functions that have not seen it. */
function whenCollected(buffer: ArrayBuffer, unmap: () => void): void {
  collected.unregister(buffer);
  collected.register(buffer, unmap, buffer);
}

function unmapper(munmap: SystemCall, address: number, bytes: number): () => void {
  return () => void munmap(address, bytes);
}

function inOrder(first: () => void, second: () => void): () => void {
  return () => {
    first();
    second();
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

/** @throws LockStateError where somebody has moved the bytes into a buffer of their own: to unmap them would not be safe */
function detach(buffer: Detachable, what: string): void {
  if (buffer.detached === true) {
    collected.unregister(buffer);
    throw new LockStateError(what, 'its buffer was transferred, so it stays mapped until the process ends.');
  }
  buffer.transfer?.(0);
}

/** What Node 22 and later have. */
interface Detachable extends ArrayBuffer {
  readonly detached?: boolean;
  transfer?(bytes: number): ArrayBuffer;
}

/** Puts zeros of our own where shared memory was, in one step: a view never finds nothing there. */
function overlay(mmap: SystemCall): (address: number, bytes: number) => void {
  const flags = MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE;
  return (address, bytes) => {
    mmap(address, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  };
}

/** Pages beyond the end of a file can be mapped, but whoever reads one is ended by SIGBUS. */
function requireBytes(fd: number, bytes: number): void {
  if (fstatSync(fd).size < bytes) throw systemCallError('mmap', constants.errno.EOVERFLOW);
}
