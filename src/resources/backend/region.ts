import { closeSync, constants, fstatSync, openSync, readSync, type Stats, writeSync } from 'node:fs';
import { LockStateError, ReleasedError, ResourceError, SharedLayoutError } from '../../core/index.js';
import type { MapAccess, Mapping, Native } from './backend.js';

/**
 * The bytes of a shared file: mapped where there is a native backend, else read and written through a descriptor. Both see the same bytes at
 * the same time, and may be mixed between processes.
 */
export interface Region {
  /** Where the file is. */
  readonly path: string;
  readonly bytes: number;
  /** The mapping, where there is one. Without it there are no atomic operations. */
  readonly mapping: Mapping | undefined;
  /** An open descriptor of the file, this region's own. */
  readonly fd: number;
  /** Copies out; a copy may be torn where somebody writes at the same time. */
  read(offset: number, length: number): Buffer;
  /** Copies in. The file never grows. @throws LockStateError where the region was opened to be read */
  write(offset: number, bytes: Uint8Array): void;
  readonly closed: boolean;
  /** Safe to call twice. @throws LockStateError while the mapping is pinned */
  close(): void;
}

export interface RegionOptions {
  /** How long the file must be; by default it is taken as it is. */
  readonly bytes?: number;
  /** With `'read'` a descriptor that cannot write is enough. */
  readonly access: MapAccess;
  readonly native: Native | undefined;
}

/**
 * Opens a shared file that is there. A symbolic link, anything that is not a file, and a file of another user than us or root are refused:
 * in a directory that everybody may write to, they are not what we made.
 *
 * @throws ResourceError if the file is somebody else's; SharedLayoutError if it is no file, or of another length; Node's own error, such as
 * ENOENT, EACCES or ELOOP (a symbolic link), if it cannot be opened; SystemCallError if it cannot be mapped
 */
export function openRegion(path: string, options: RegionOptions): Region {
  const fd = openSync(path, flags(options.access));
  try {
    const bytes = inspected(path, fstatSync(fd), options.bytes);
    return new OpenRegion(path, bytes, fd, options.access, options.native?.map(fd, bytes, options.access));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Without blocking: to open a pipe that somebody put there would wait for its other end. Node's descriptors are closed on exec. */
function flags(access: MapAccess): number {
  const mode = access === 'write' ? constants.O_RDWR : constants.O_RDONLY;
  return mode | constants.O_NOFOLLOW | constants.O_NONBLOCK;
}

function inspected(path: string, stats: Stats, expected: number | undefined): number {
  if (!stats.isFile()) throw new SharedLayoutError(path, 'something that is no file', 'a file');
  if (!isOurs(stats.uid)) {
    const advice = `it belongs to the user ${stats.uid}. It was not touched; use another scope or directory.`;
    throw new ResourceError(path, 'open', undefined, advice);
  }
  if (stats.size !== (expected ?? stats.size)) {
    throw new SharedLayoutError(path, `${stats.size} bytes`, `${expected} bytes`);
  }
  return stats.size;
}

function isOurs(uid: number): boolean {
  // Windows has no users of this sort.
  return uid === 0 || process.geteuid === undefined || uid === process.geteuid();
}

class OpenRegion implements Region {
  readonly path: string;
  readonly bytes: number;
  readonly mapping: Mapping | undefined;
  readonly #writable: boolean;
  readonly #fd: number;
  #closed = false;

  constructor(path: string, bytes: number, fd: number, access: MapAccess, mapping: Mapping | undefined) {
    this.path = path;
    this.bytes = bytes;
    this.mapping = mapping;
    this.#fd = fd;
    this.#writable = access === 'write';
  }

  get fd(): number {
    if (this.#closed) throw new ReleasedError(this.path);
    return this.#fd;
  }

  get closed(): boolean {
    return this.#closed;
  }

  read(offset: number, length: number): Buffer {
    const fd = this.#check(offset, length);
    const copy = Buffer.allocUnsafe(length);
    if (this.mapping === undefined) this.#readAll(fd, copy, offset);
    else copy.set(this.mapping.bytes.subarray(offset, offset + length));
    return copy;
  }

  write(offset: number, bytes: Uint8Array): void {
    const fd = this.#check(offset, bytes.length);
    // Where the kernel refuses it, it does so by ending the process.
    if (!this.#writable) throw new LockStateError(this.path, 'it was opened to be read, not written.');
    if (this.mapping === undefined)
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, offset + at);
    else this.mapping.bytes.set(bytes, offset);
  }

  close(): void {
    if (this.#closed) return;
    this.mapping?.close();
    this.#closed = true;
    closeSync(this.#fd);
  }

  #readAll(fd: number, into: Buffer, offset: number): void {
    for (let at = 0; at < into.length; ) {
      const got = readSync(fd, into, at, into.length - at, offset + at);
      if (got === 0)
        throw new SharedLayoutError(this.path, `only ${offset + at} bytes`, `${this.bytes} bytes`);
      at += got;
    }
  }

  #check(offset: number, length: number): number {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.bytes)) {
      throw new RangeError(
        `Bytes ${offset} to ${offset + length} lie outside ${this.path}, which has ${this.bytes}.`,
      );
    }
    return this.fd;
  }
}
