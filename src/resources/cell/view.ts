import { ResourceError, SharedLayoutError } from '../../core/index.js';
import { machineTime } from '../../runtime/index.js';
import type { Codec } from './codec.js';
import type { Content, Facts, Misread, Slots } from './slots.js';

/** What everybody can see of a cell, its writer included. */
export interface CellView<T> {
  /**
   * The last complete value; nothing before the first. Decoded when the version has moved: in between it is the same object for all who
   * read by this lease, so do not change it.
   */
  read(): T | undefined;
  /** Its bytes, in memory of their own. */
  readBytes(): Buffer | undefined;
  /**
   * Copies its bytes to the beginning of `target`, and tells how many they are; nothing before the first. For those who read very often: it
   * takes no memory.
   * @throws RangeError if `target` is too small for them; nothing is copied then
   */
  readInto(target: Uint8Array): number | undefined;
  /** How often it was written, 0 for never. Never goes back while the cell exists; may leave numbers out. */
  readonly version: number;
  /**
   * For how long the value has not been written or confirmed, in ms; nothing before the first. By the machine's monotonic clock, so that a
   * change of the wall clock does not move it; time asleep does not count.
   */
  readonly ageMs: number | undefined;
  /** When this version was written, by the wall clock. */
  readonly writtenAt: Date | undefined;
}

/** Reads the slots of a cell, and remembers what it has decoded. */
export class SlotView<T> implements CellView<T> {
  readonly #subject: string;
  readonly #slots: Slots;
  readonly #codec: Codec<T>;
  #seen: { readonly current: number; readonly version: number; readonly value: T } | undefined;

  constructor(subject: string, slots: Slots, codec: Codec<T>) {
    this.#subject = subject;
    this.#slots = slots;
    this.#codec = codec;
  }

  read(): T | undefined {
    if (this.#seen?.current === this.#slots.current) return this.#seen.value;
    const content = this.content();
    if (content === undefined) return undefined;
    const { version, bytes } = content;
    this.#seen = { current: version % 2 ** 32, version, value: this.#codec.decode(bytes) };
    return this.#seen.value;
  }

  readBytes(): Buffer | undefined {
    return this.content()?.bytes;
  }

  readInto(target: Uint8Array): number | undefined {
    const length = this.#whole(this.#slots.readInto(target));
    if (length === undefined || length <= target.byteLength) return length;
    throw new RangeError(
      `The value of ${this.#subject} takes ${length} bytes, and was to be read into ${target.byteLength}.`,
    );
  }

  /** @throws SharedLayoutError where the version is damaged, ResourceError where the writer overtook each of very many tries */
  content(): Content | undefined {
    return this.#whole(this.#slots.read());
  }

  /** The low half of the version. */
  get current(): number {
    return this.#slots.current;
  }

  get version(): number {
    if (this.#seen?.current === this.#slots.current) return this.#seen.version;
    return this.#facts()?.version ?? 0;
  }

  get ageMs(): number | undefined {
    const facts = this.#facts();
    return facts === undefined ? undefined : ageOf(facts);
  }

  get writtenAt(): Date | undefined {
    const facts = this.#facts();
    return facts === undefined ? undefined : new Date(facts.writtenEpochMs);
  }

  #facts(): Facts | undefined {
    return this.#whole(this.#slots.facts());
  }

  #whole<R extends object | number>(found: R | Misread | undefined): R | undefined {
    if (typeof found !== 'string') return found;
    if (found === 'damaged') {
      throw new SharedLayoutError(this.#subject, 'a value with a wrong checksum', 'one that is whole');
    }
    throw new ResourceError(
      this.#subject,
      'read',
      undefined,
      'its writer overtook every try. Write less often, or in smaller pieces.',
    );
  }
}

/** A confirmation that is still to come was made after another boot, or in a container with another clock: only the wall clock is left. */
function ageOf({ confirmedAtMs, confirmedEpochMs }: Facts): number {
  const ageMs = machineTime.monotonicMs() - confirmedAtMs;
  return ageMs >= 0 ? ageMs : Math.max(0, machineTime.epochMs() - confirmedEpochMs);
}
