import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { CapabilityError, ReleasedError, ResourceError, SharedLayoutError } from '../../core/index.js';
import type { Granted, Lease } from '../../runtime/index.js';
import type { Mapping, Native } from '../backend/backend.js';
import { loadNative } from '../backend/choose.js';
import { type Attempt, attempted } from '../inspect/failure.js';
import { segments } from '../inspect/system-v.js';
import { BaseLease } from '../kind.js';
import type { MemoryPlace, SharedMemoryFacts } from './shared-memory.js';
import { requireSystemV } from './system-v.js';

/** Shared memory in use. After its release all of it throws; views that were kept show nothing any more, and do no harm. */
export interface SharedMemory extends Lease {
  readonly kind: 'shared-memory';
  readonly byteLength: number;
  /**
   * The bytes themselves: what one user writes, all others see.
   * @throws ReleasedError once released
   * @throws CapabilityError where nothing native can map them, or with `readOnly`; `read` and `write` work there as well
   */
  readonly bytes: Uint8Array;
  /**
   * The bytes as elements of another type, such as `Float64Array`.
   * @param offset - of the first element, in bytes; a multiple of an element's size
   * @param length - in elements @defaultValue as many as there are
   * @throws RangeError outside of the memory
   */
  as<View>(type: ViewType<View>, offset?: number, length?: number): View;
  /** Copies bytes out. A copy is not atomic. @throws RangeError outside of the memory */
  read(offset: number, length: number): Buffer;
  /** Copies bytes in. @throws RangeError outside of the memory */
  write(offset: number, bytes: Uint8Array): void;
  /** Where the file is, with the backing `'posix'`. */
  readonly path: string | undefined;
  /** The System V key, where it has one that others can use. */
  readonly key: number | undefined;
  /** The System V id. */
  readonly id: number | undefined;
  /** The descriptor of anonymous memory, for the `stdio` of children, who acquire it by `{ fd }`. Closed at the release. */
  readonly fd: number | undefined;
}

/** A typed array, or `DataView`. */
export interface ViewType<View> {
  readonly BYTES_PER_ELEMENT?: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): View;
}

/** The user's half: opens and maps what was granted. */
export async function attachMemory(granted: Granted): Promise<SharedMemory> {
  // Safe: they come from makeSharedMemory.
  const facts = granted.facts as SharedMemoryFacts;
  const subject = `shared memory "${granted.name}"`;
  const native = await loadNative(facts.native);
  const opened =
    facts.backing === 'system-v' ? openSegment(subject, facts, native) : openFile(subject, facts, native);
  return new MemoryLease(granted, subject, opened, facts);
}

/** What a lease works on: a mapping, a descriptor, or both. */
interface OpenedMemory {
  readonly byteLength: number;
  readonly mapping: Mapping | undefined;
  readonly fd: number | undefined;
  readonly id?: number;
  close(): void;
}

type SegmentFacts = SharedMemoryFacts & { readonly backing: 'system-v' };
type FileFacts = SharedMemoryFacts & { readonly backing: Exclude<MemoryPlace['backing'], 'system-v'> };

function openSegment(subject: string, facts: SegmentFacts, native: Native | undefined): OpenedMemory {
  const systemV = requireSystemV(native, subject);
  const { key, readOnly } = facts;
  const attempt: Attempt = { subject, operation: 'attach', target: { type: 'segment', ...facts } };
  const id = facts.id ?? attempted(attempt, () => systemV.openSegment((key ?? 0) | 0));
  const byteLength = facts.bytes ?? segments().find((segment) => segment.id === id)?.bytes;
  if (byteLength === undefined) throw new ResourceError(subject, 'attach', undefined, NO_SIZE);
  const mapping = attempted(attempt, () => systemV.attach(id, byteLength, readOnly ? 'read' : 'write'));
  return { byteLength, mapping, fd: undefined, id, close: () => mapping.close() };
}

const NO_SIZE = 'its size cannot be seen from here. Say how many `bytes` it has.';

function openFile(subject: string, facts: FileFacts, native: Native | undefined): OpenedMemory {
  const own = facts.backing !== 'inherited';
  const fd = own ? reopen(subject, facts) : facts.fd;
  const close = (): void => {
    if (own) closeSync(fd);
  };
  try {
    const byteLength = sizeOfFile(subject, fd, facts.bytes);
    // A view that must not be written to would be a trap: the kernel ends who tries. So there is none.
    if (native === undefined || facts.readOnly) return { byteLength, mapping: undefined, fd, close };
    const target = { type: 'file', path: pathOf(facts) } as const;
    const mapping = attempted({ subject, operation: 'map', target }, () =>
      native.map(fd, byteLength, 'write'),
    );
    if (facts.backing !== 'posix') return { byteLength, mapping, fd, close: () => closeBoth(mapping, close) };
    close();
    return { byteLength, mapping, fd: undefined, close: () => mapping.close() };
  } catch (error) {
    close();
    throw error;
  }
}

/** The descriptor stays open while the memory cannot be let go. */
function closeBoth(mapping: Mapping, closeFile: () => void): void {
  mapping.close();
  closeFile();
}

function reopen(subject: string, facts: Exclude<FileFacts, { readonly backing: 'inherited' }>): number {
  const path = pathOf(facts);
  const target = { type: 'file', path } as const;
  const flags = (facts.readOnly ? constants.O_RDONLY : constants.O_RDWR) | followed(facts.backing);
  const fd = attempted({ subject, operation: 'open', target }, () => openSync(path, flags));
  const { file } = facts;
  const { dev, ino } = fstatSync(fd);
  if (file === undefined || (file.dev === dev && file.ino === ino)) return fd;
  closeSync(fd);
  throw new ResourceError(subject, 'open', undefined, `${path} is another file by now. Acquire it again.`);
}

/** What stands in /proc for a descriptor is a link; one in /dev/shm would lead wherever somebody else wants. */
function followed(backing: FileFacts['backing']): number {
  return backing === 'posix' ? constants.O_NOFOLLOW : 0;
}

function pathOf(facts: FileFacts): string {
  if (facts.backing === 'posix') return facts.path;
  return facts.backing === 'anonymous' ? `/proc/${facts.pid}/fd/${facts.fd}` : `descriptor ${facts.fd}`;
}

function sizeOfFile(subject: string, fd: number, asked: number | undefined): number {
  const { size } = attempted(
    { subject, operation: 'open', target: { type: 'file', path: `descriptor ${fd}` } },
    () => fstatSync(fd),
  );
  if (asked === undefined && size > 0) return size;
  if (asked === undefined || size < asked) {
    throw new SharedLayoutError(subject, `${size} bytes`, `at least ${asked ?? 1}`);
  }
  return asked;
}

class MemoryLease extends BaseLease implements SharedMemory {
  readonly kind = 'shared-memory';
  readonly byteLength: number;
  readonly path: string | undefined;
  readonly key: number | undefined;
  readonly id: number | undefined;
  readonly #what: string;
  readonly #opened: OpenedMemory;
  readonly #readOnly: boolean;
  readonly #fd: number | undefined;

  constructor(granted: Granted, what: string, opened: OpenedMemory, facts: SharedMemoryFacts) {
    super(granted);
    this.#what = what;
    this.#opened = opened;
    this.#readOnly = facts.readOnly;
    this.byteLength = opened.byteLength;
    this.path = facts.backing === 'posix' ? facts.path : undefined;
    this.key = facts.backing === 'system-v' ? facts.key : undefined;
    this.id = opened.id;
    this.#fd = facts.backing === 'posix' ? undefined : opened.fd;
  }

  get fd(): number | undefined {
    return this.released ? undefined : this.#fd;
  }

  get bytes(): Uint8Array {
    this.#requireUse();
    if (this.#readOnly)
      throw new CapabilityError('mapped memory', this.#what, 'it is read only; use read().');
    if (this.#opened.mapping === undefined) throw new CapabilityError('native', this.#what, NO_NATIVE);
    return this.#opened.mapping.bytes;
  }

  as<View>(type: ViewType<View>, offset = 0, length?: number): View {
    const { buffer, byteOffset, byteLength } = this.bytes;
    const size = type.BYTES_PER_ELEMENT ?? 1;
    const count = length ?? Math.floor((byteLength - offset) / size);
    this.#requireInside(offset, count * size);
    return new type(buffer, byteOffset + offset, count);
  }

  read(offset: number, length: number): Buffer {
    this.#requireUse();
    this.#requireInside(offset, length);
    const { mapping, fd } = this.#opened;
    if (mapping !== undefined) return Buffer.from(mapping.bytes.subarray(offset, offset + length));
    const copy = Buffer.alloc(length);
    if (fd !== undefined) transfer(length, (at) => readSync(fd, copy, at, length - at, offset + at));
    return copy;
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#requireUse();
    this.#requireInside(offset, bytes.byteLength);
    const { mapping, fd } = this.#opened;
    if (this.#readOnly)
      throw new ResourceError(this.#what, 'write to', undefined, 'it was acquired with readOnly.');
    if (mapping !== undefined) mapping.bytes.set(bytes, offset);
    else if (fd !== undefined) {
      transfer(bytes.byteLength, (at) => writeSync(fd, bytes, at, bytes.byteLength - at, offset + at));
    }
  }

  protected detach(): void {
    this.#opened.close();
  }

  #requireUse(): void {
    if (this.released) throw new ReleasedError(this.#what);
  }

  #requireInside(offset: number, length: number): void {
    if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.byteLength)
      return;
    throw new RangeError(
      `Bytes ${offset} to ${offset + length} lie outside ${this.#what}, which has ${this.byteLength}.`,
    );
  }
}

const NO_NATIVE = 'install the optional package koffi to have it mapped, or use read() and write().';

/** The operating system may do less at once than was asked for. */
function transfer(length: number, some: (at: number) => number): void {
  for (let at = 0; at < length; ) {
    const done = some(at);
    if (done === 0) return;
    at += done;
  }
}
