import { crc32 } from 'node:zlib';
import type { Who } from '../guard/identity.js';
import { get64, type SharedWords, set64 } from '../memory/shared-words.js';
import { BANK, type BoardLayout, bankAt, slotAt } from './layout.js';

/** What an owner has published of itself, in numbers. */
export interface Entry {
  /** The state's place among the names, from 1; 0 for none. */
  readonly state: number;
  readonly sinceMs: number;
  readonly counters: readonly number[];
  readonly job: Buffer;
  /** Nothing where the slot was given back. */
  readonly owner: Who | undefined;
  /** The inode of the owner's pid namespace, 0 where there are none. */
  readonly namespace: number;
}

/** The slots of a scoreboard: how an entry is published and read whole, and nothing of who may do so. */
export class Banks {
  readonly #words: SharedWords;
  readonly #layout: BoardLayout;
  readonly #bank: Buffer;
  readonly #view: DataView;

  constructor(words: SharedWords, layout: BoardLayout) {
    this.#words = words;
    this.#layout = layout;
    this.#bank = Buffer.alloc(layout.bankBytes);
    this.#view = viewOf(this.#bank);
  }

  /** Publishes an entry by one store; for the owner of the slot alone. */
  publish(index: number, entry: Entry): void {
    const words = this.#words;
    const slot = slotAt(this.#layout, index);
    const count = following(words.load(slot));
    const bank = slot + bankAt(this.#layout, count);
    this.#fill(entry);
    words.store(bank + BANK.count, 0);
    words.fence();
    words.write(bank + BANK.crc, this.#bank.subarray(BANK.crc));
    words.store(bank + BANK.count, count);
    words.store(slot, count);
  }

  /** What was published last; nothing before the first time, or where it was overtaken without end. */
  read(index: number): Entry | undefined {
    const words = this.#words;
    const slot = slotAt(this.#layout, index);
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const count = words.load(slot);
      if (count === 0) return undefined;
      const bank = slot + bankAt(this.#layout, count);
      const copy = words.copy(bank, this.#layout.bankBytes);
      words.fence();
      if (words.load(bank + BANK.count) === count && isWhole(copy)) return this.#entryIn(viewOf(copy), copy);
    }
    return undefined;
  }

  #fill({ state, sinceMs, counters, job, owner, namespace }: Entry): void {
    const view = this.#view;
    this.#bank.fill(0);
    view.setUint32(BANK.state, state, true);
    view.setUint32(BANK.jobLength, job.length, true);
    view.setUint32(BANK.pid, owner?.pid ?? 0, true);
    view.setUint32(BANK.tid, owner?.tid ?? 0, true);
    set64(view, BANK.startTicks, owner?.startTicks ?? 0);
    set64(view, BANK.since, Math.trunc(sinceMs));
    set64(view, BANK.namespace, namespace);
    for (const [place, value] of counters.entries()) view.setFloat64(BANK.counters + 8 * place, value, true);
    this.#bank.set(job, BANK.counters + 8 * counters.length);
    view.setUint32(BANK.crc, checksumOf(this.#bank), true);
  }

  #entryIn(view: DataView, copy: Buffer): Entry {
    const { counters } = this.#layout;
    const jobAt = BANK.counters + 8 * counters;
    const pid = view.getUint32(BANK.pid, true);
    const tid = view.getUint32(BANK.tid, true);
    return {
      state: view.getUint32(BANK.state, true),
      sinceMs: get64(view, BANK.since),
      counters: Array.from({ length: counters }, (_, place) =>
        view.getFloat64(BANK.counters + 8 * place, true),
      ),
      job: copy.subarray(jobAt, jobAt + view.getUint32(BANK.jobLength, true)),
      owner: pid === 0 ? undefined : { pid, tid, startTicks: get64(view, BANK.startTicks) },
      namespace: get64(view, BANK.namespace),
    };
  }
}

/** An owner that publishes without a pause overtakes a reader now and then, but not this often. */
const MOST_TRIES = 10_000;

/** 0 stands for nothing, and even and odd must alternate. */
function following(count: number): number {
  return count === 0xffff_ffff ? 2 : count + 1;
}

function isWhole(bank: Buffer): boolean {
  return bank.readUInt32LE(BANK.crc) === checksumOf(bank);
}

function checksumOf(bank: Buffer): number {
  return crc32(bank.subarray(BANK.state));
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
