import { checkNames, ReleasedError, ResourceError, SharedLayoutError } from '../../core/index.js';
import type { Granted, Lease, ResourceKind } from '../../runtime/index.js';
import type { Region } from '../backend/region.js';
import { checkName, checkWhole, refuse, subjectOf } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';
import type { SharedFileFacts, SharedFileRequest } from '../kinds/shared-file.js';
import { Claims } from '../memory/claims.js';
import { openShared } from '../memory/open.js';
import { wordsOf } from '../memory/shared-words.js';
import { type ChangeOptions, checkChangeOptions, nextVersion } from './changes.js';
import { type Codec, type CodecOption, codecOf } from './codec.js';
import { cellBytes, cellImage, MOST_PAYLOAD_BYTES, slotBytes } from './layout.js';
import { Slots } from './slots.js';
import { type CellView, SlotView } from './view.js';
import { CellWriter } from './writing.js';

/** What a cell is called, and what fits into it. */
export interface SnapshotCellOptions<T> {
  /** Those who give the same name in one scope mean the same cell. */
  readonly name: string;
  /** The room for a value, encoded; rounded up to a multiple of 64. All who use the cell give the same. */
  readonly bytes: number;
  /** @defaultValue `'json'` */
  readonly codec?: CodecOption<T>;
  /**
   * `'writer'` takes the writer's right when it acquires the cell, `'reader'` never writes, and `'any'` becomes the writer at its first write.
   * @defaultValue `'any'`
   */
  readonly role?: CellRole;
  /**
   * Whether what this writer writes has a checksum, which readers check: 10 µs for 64 KB on either side.
   * @defaultValue `true`
   */
  readonly crc?: boolean;
}

/** What a user of a cell may do with it. */
export type CellRole = 'writer' | 'reader' | 'any';

/** The value that one writer publishes and any number of readers see, in all processes of the scope. */
export interface SnapshotCell<T> extends Lease, CellView<T> {
  /**
   * Publishes a value; the first call takes the writer's right, which is held until the lease, its thread or its process ends.
   * @throws AlreadyLockedError while another writer lives
   * @throws ResourceLimitError if the value does not fit; the last one stays
   */
  write(value: T): void;
  /** Writes only what differs, byte by byte, from the last value; else confirms that. Tells whether it wrote. Throws as `write` does. */
  update(value: T): boolean;
  /** Says that the last value still holds: its age begins again, its version stays. @throws AlreadyLockedError while another writer lives */
  confirm(): void;
  /**
   * Waits for another version, looking every 5 ms. Resolves to that, or to nothing once the time is over.
   * @throws ReleasedError if the lease is released meanwhile
   */
  waitForChange(options?: ChangeOptions): Promise<number | undefined>;
}

/** A cell of bytes as they are; everything else is as below. */
export function snapshotCell(
  options: SnapshotCellOptions<Uint8Array> & { readonly codec: 'bytes' },
): ResourceKind<SnapshotCell<Uint8Array>>;
/**
 * A cell of shared memory with one writer and any number of readers. No reader ever sees half a value, and the last complete one stays
 * readable whatever becomes of the writer, up to the end of the last registry that uses the cell. The next writer goes on from it.
 *
 * @throws InvalidSpecError for an option that is wrong
 */
export function snapshotCell<T = unknown>(options: SnapshotCellOptions<T>): ResourceKind<SnapshotCell<T>>;
export function snapshotCell<T>(options: SnapshotCellOptions<T>): ResourceKind<SnapshotCell<T>> {
  const checked = check(options);
  const room = slotBytes(checked.bytes);
  const request: SharedFileRequest = {
    kind: 'snapshot-cell',
    name: checked.name,
    bytes: cellBytes(room),
    image: cellImage(room).toString('base64'),
  };
  return kindOf(request, (granted) => attach(granted, checked, room));
}

interface Checked<T> extends Required<SnapshotCellOptions<T>> {
  readonly codec: Codec<T>;
}

const OPTIONS: readonly string[] = ['name', 'bytes', 'codec', 'role', 'crc'];
const ROLES: readonly CellRole[] = ['writer', 'reader', 'any'];

function check<T>(options: SnapshotCellOptions<T>): Checked<T> {
  const subject = subjectOf('the snapshot-cell', options?.name);
  checkNames(subject, options, OPTIONS);
  const { name, bytes, role = 'any', crc = true } = options;
  checkName(subject, 'name', name);
  checkWhole(subject, 'bytes', bytes, 1, MOST_PAYLOAD_BYTES);
  if (!ROLES.includes(role)) refuse(subject, 'role', role, ROLES.map((word) => `'${word}'`).join(', '));
  if (typeof crc !== 'boolean') refuse(subject, 'crc', crc, 'true or false');
  return { name, bytes, role, crc, codec: codecOf(subject, options.codec) };
}

async function attach<T>(granted: Granted, options: Checked<T>, room: number): Promise<CellLease<T>> {
  // Safe: what the owner's half of this kind gives.
  const facts = granted.facts as SharedFileFacts;
  const region = await openShared(facts, options.role === 'reader' ? 'read' : 'write');
  try {
    const lease = new CellLease(granted, region, options, room);
    if (options.role === 'writer') lease.takeRight();
    return lease;
  } catch (error) {
    region.close();
    throw error;
  }
}

class CellLease<T> extends BaseLease implements SnapshotCell<T> {
  readonly kind = 'snapshot-cell';
  readonly #region: Region;
  readonly #codec: Codec<T>;
  readonly #view: SlotView<T>;
  /** Nothing where it may only read. */
  readonly #writer: CellWriter | undefined;

  constructor(granted: Granted, region: Region, { codec, crc, role }: Checked<T>, room: number) {
    super(granted);
    const slots = new Slots(wordsOf(region), room);
    this.#region = region;
    this.#codec = codec;
    this.#view = new SlotView(this.subject, slots, codec);
    if (role === 'reader') return;
    const claims = new Claims(this.subject, region, cellBytes(room));
    this.#writer = new CellWriter(this.subject, slots, claims, crc);
  }

  read(): T | undefined {
    return this.#open.read();
  }

  readBytes(): Buffer | undefined {
    return this.#open.readBytes();
  }

  readInto(target: Uint8Array): number | undefined {
    return this.#open.readInto(target);
  }

  get version(): number {
    return this.#open.version;
  }

  get ageMs(): number | undefined {
    return this.#open.ageMs;
  }

  get writtenAt(): Date | undefined {
    return this.#open.writtenAt;
  }

  takeRight(): void {
    this.#mayWrite.take();
  }

  write(value: T): void {
    this.#mayWrite.write(this.#codec.encode(value));
  }

  update(value: T): boolean {
    const writer = this.#mayWrite;
    const bytes = this.#codec.encode(value);
    if (this.#holds(bytes)) {
      writer.confirm();
      return false;
    }
    writer.write(bytes);
    return true;
  }

  confirm(): void {
    this.#mayWrite.confirm();
  }

  async waitForChange(options: ChangeOptions = {}): Promise<number | undefined> {
    checkChangeOptions(this.subject, options);
    return nextVersion(this, options);
  }

  /** A value that is damaged is no longer what was written: the next one is written over it. */
  #holds(bytes: Uint8Array): boolean {
    try {
      return this.#open.readBytes()?.equals(bytes) === true;
    } catch (error) {
      if (error instanceof SharedLayoutError) return false;
      throw error;
    }
  }

  protected detach(): void {
    try {
      this.#writer?.giveUp();
    } finally {
      this.#region.close();
    }
  }

  get #open(): SlotView<T> {
    if (this.released) throw new ReleasedError(this.subject);
    return this.#view;
  }

  get #mayWrite(): CellWriter {
    if (this.released) throw new ReleasedError(this.subject);
    if (this.#writer !== undefined) return this.#writer;
    throw new ResourceError(
      this.subject,
      'write',
      undefined,
      "its role is 'reader'. Acquire it as 'any' or 'writer'.",
    );
  }
}
