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
    return this.#retry((slot, current) => this.#copy(slot, current));
  }

  /** What is known of the last complete version; nothing before the first. */
  facts(): Facts | Misread | undefined {
    return this.#retry((slot, current) => this.#facts(slot, current));
  }

  #retry<R extends object>(look: (slot: number, current: number) => R | Misread): R | Misread | undefined {
    let damaged = 0;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const current = this.current;
      if (current === 0) return undefined;
      const found = look(slotAt(current, this.room), current);
      if (typeof found === 'object') return found;
      // Wrong once, a copy may be torn; wrong again and again while nothing moves, it is the version itself.
      if (found === 'damaged' && this.current === current) damaged += 1;
      if (damaged === MOST_DAMAGED) return 'damaged';
    }
    return 'overtaken';
  }

  #copy(slot: number, current: number): Content | Misread {
    const words = this.#words;
    const at = words.look(slot, SLOT_HEADER_BYTES);
    const { seen } = words;
    const version = get64(seen, at + SLOT.version);
    const length = seen.getUint32(at + SLOT.length, true);
    const checked = (seen.getUint32(at + SLOT.flags, true) & HAS_CRC) !== 0;
    const crc = seen.getUint32(at + SLOT.crc, true);
    if (version % 2 ** 32 !== current || length > this.room) return 'overtaken';
    const bytes = words.copy(slot + SLOT_HEADER_BYTES, length);
    if (!this.#stillThere(slot, current)) return 'overtaken';
    return checked && crc32(bytes) !== crc ? 'damaged' : { version, bytes };
  }

  #facts(slot: number, current: number): Facts | Misread {
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

/** 0 stands for nothing, so a version whose low half is 0 is left out, with the one after it: even and odd still alternate. */
export function following(version: number): number {
  return (version + 1) % 2 ** 32 === 0 ? version + 3 : version + 1;
}

/** A reader is overtaken where two versions are written during one copy: a second try is rare, and a tenth is the sign of another fault. */
const MOST_TRIES = 10_000;
const MOST_DAMAGED = 100;
