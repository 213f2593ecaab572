import { crc32 } from 'node:zlib';
import { machineTime } from '../../runtime/index.js';
import { get64, type SharedWords, set64 } from '../memory/shared-words.js';
import { CURRENT, HAS_CRC, SLOT, SLOT_HEADER_BYTES, slotAt } from './layout.js';

/** One version, whole. */
export interface Content {
  readonly version: number;
  readonly bytes: Buffer;
}

/** What is known of a version besides its bytes. */
export interface Facts {
  readonly version: number;
  /** In ms since 1970. */
  readonly writtenEpochMs: number;
  /** In ms of the machine's monotonic clock. */
  readonly confirmedAtMs: number;
  /** In ms since 1970. */
  readonly confirmedEpochMs: number;
}

/** Why nothing came of a reading: overtaken by the writer each time, or the checksum of a version that nobody replaced is wrong. */
export type Misread = 'overtaken' | 'damaged';

/** What a slot says of the version that it holds. */
interface Head {
  readonly version: number;
  readonly length: number;
  readonly checked: boolean;
  readonly crc: number;
}

/** The two slots of a cell: the algorithms of its readers and its writer, and nothing of who may use them. */
export class Slots {
  /** The room for a payload, in bytes. */
  readonly room: number;
  readonly #words: SharedWords;
  readonly #header: DataView = new DataView(new ArrayBuffer(SLOT_HEADER_BYTES));

  constructor(words: SharedWords, room: number) {
    this.room = room;
    this.#words = words;
  }

  /** The low half of the last complete version, 0 before the first: tells for next to nothing whether there is a new one. */
  get current(): number {
    return this.#words.load(CURRENT);
  }

  /** The last complete version; nothing before the first. */
  read(): Content | Misread | undefined {
    const found = this.#read();
    return isMisread(found) ? this.#again(() => this.#read()) : found;
  }

  /**
   * Copies the last complete version to the beginning of `target`, and tells its length; nothing before the first. One that `target` has no
   * room for is not copied.
   */
  readInto(target: Uint8Array): number | Misread | undefined {
    const found = this.#readInto(target);
    return isMisread(found) ? this.#again(() => this.#readInto(target)) : found;
  }

  /** What is known of the last complete version; nothing before the first. */
  facts(): Facts | Misread | undefined {
    const found = this.#facts();
    return isMisread(found) ? this.#again(() => this.#facts()) : found;
  }

  #again<R extends object | number>(look: () => R | Misread | undefined): R | Misread | undefined {
    let damaged = 0;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const { current } = this;
      const found = look();
      if (!isMisread(found)) return found;
      // Wrong once, a copy may be torn; wrong again and again while nothing moves, it is the version itself.
      if (found === 'damaged' && this.current === current) damaged += 1;
      if (damaged === MOST_DAMAGED) return 'damaged';
    }
    return 'overtaken';
  }

  #read(): Content | Misread | undefined {
    const { current } = this;
    if (current === 0) return undefined;
    const slot = slotAt(current, this.room);
    const head = this.#head(slot);
    const { version, length } = head;
    if (version % 2 ** 32 !== current || length > this.room) return 'overtaken';
    const bytes = this.#words.copy(slot + SLOT_HEADER_BYTES, length);
    return this.#wrongWith(slot, current, head, bytes) ?? { version, bytes };
  }

  #readInto(target: Uint8Array): number | Misread | undefined {
    const { current } = this;
    if (current === 0) return undefined;
    const slot = slotAt(current, this.room);
    const head = this.#head(slot);
    const { version, length } = head;
    if (version % 2 ** 32 !== current || length > this.room) return 'overtaken';
    const fits = length <= target.byteLength;
    if (fits) this.#words.copyInto(target, slot + SLOT_HEADER_BYTES, length);
    return this.#wrongWith(slot, current, head, fits ? target : undefined) ?? length;
  }

  /** As it stands there, torn or not. */
  #head(slot: number): Head {
    const { seen } = this.#words;
    const at = this.#words.look(slot, SLOT_HEADER_BYTES);
    return {
      version: get64(seen, at + SLOT.version),
      length: seen.getUint32(at + SLOT.length, true),
      checked: (seen.getUint32(at + SLOT.flags, true) & HAS_CRC) !== 0,
      crc: seen.getUint32(at + SLOT.crc, true),
    };
  }

  /** What is wrong with a copy; nothing if it is whole. Without a copy, whether the slot has been left alone. */
  #wrongWith(
    slot: number,
    current: number,
    { length, checked, crc }: Head,
    copy: Uint8Array | undefined,
  ): Misread | undefined {
    if (!this.#stillThere(slot, current)) return 'overtaken';
    if (!checked || copy === undefined) return undefined;
    return crc32(copy.byteLength === length ? copy : copy.subarray(0, length)) === crc
      ? undefined
      : 'damaged';
  }

  #facts(): Facts | Misread | undefined {
    const { current } = this;
    if (current === 0) return undefined;
    const slot = slotAt(current, this.room);
    const facts = {
      version: this.#words.load64(slot + SLOT.version),
      writtenEpochMs: this.#words.load64(slot + SLOT.writtenAt),
      // Changed in place when it is confirmed: whole by itself.
      confirmedAtMs: this.#words.load64(slot + SLOT.confirmedAt),
      confirmedEpochMs: this.#words.load64(slot + SLOT.confirmedEpoch),
    };
    const whole = facts.version % 2 ** 32 === current && this.#stillThere(slot, current);
    return whole ? facts : 'overtaken';
  }

  #stillThere(slot: number, current: number): boolean {
    this.#words.fence();
    return this.#words.load(slot + SLOT.version) === current;
  }

  /** Writes the version after `version`, for the only writer there is; `bytes` fit into the room. Returns its number. */
  write(version: number, bytes: Uint8Array, withCrc: boolean): number {
    const next = following(version);
    const slot = slotAt(next, this.room);
    const words = this.#words;
    const low = next % 2 ** 32;
    this.#fillHeader(next, bytes, withCrc);
    // From here on nobody takes the older version in this slot for whole.
    words.store(slot + SLOT.version, 0);
    words.fence();
    words.write(slot + SLOT.versionHigh, new Uint8Array(this.#header.buffer, SLOT.versionHigh));
    words.write(slot + SLOT_HEADER_BYTES, bytes);
    words.store(slot + SLOT.version, low);
    words.store(CURRENT, low);
    return next;
  }

  #fillHeader(version: number, bytes: Uint8Array, withCrc: boolean): void {
    const header = this.#header;
    const epochMs = Math.trunc(machineTime.epochMs());
    set64(header, SLOT.version, version);
    header.setUint32(SLOT.length, bytes.byteLength, true);
    header.setUint32(SLOT.flags, withCrc ? HAS_CRC : 0, true);
    header.setUint32(SLOT.crc, withCrc ? crc32(bytes) : 0, true);
    set64(header, SLOT.writtenAt, epochMs);
    set64(header, SLOT.confirmedAt, Math.trunc(machineTime.monotonicMs()));
    set64(header, SLOT.confirmedEpoch, epochMs);
  }

  /** Says that the current version still holds: it is as good as new. */
  confirm(version: number): void {
    const slot = slotAt(version, this.room);
    this.#words.store64(slot + SLOT.confirmedAt, Math.trunc(machineTime.monotonicMs()));
    this.#words.store64(slot + SLOT.confirmedEpoch, Math.trunc(machineTime.epochMs()));
  }
}

function isMisread(found: unknown): found is Misread {
  return typeof found === 'string';
}

/** 0 stands for nothing, so a version whose low half is 0 is left out, with the one after it: even and odd still alternate. */
export function following(version: number): number {
  return (version + 1) % 2 ** 32 === 0 ? version + 3 : version + 1;
}

/** A reader is overtaken where two versions are written during one copy: a second try is rare, and a tenth is the sign of another fault. */
const MOST_TRIES = 10_000;
const MOST_DAMAGED = 100;
