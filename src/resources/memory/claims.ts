import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { ResourceError } from '../../core/index.js';
import type { Region } from '../backend/region.js';
import { lifeOf, namespace, type Who, whoAmI } from '../guard/identity.js';
import { get64, set64 } from './shared-words.js';

/** A part that the calling thread has the right to write. */
export interface OwnClaim {
  readonly part: number;
  /** Safe to call twice. */
  giveUp(): void;
}

/**
 * Who may write which part of a shared file: records appended behind its bytes, in the order of claiming. The first claim of a part whose
 * maker lives, and that is not given up, has it.
 *
 * The operating system puts what is appended into one order that all see. So this needs no native part, and nothing stays behind when a
 * process dies: its claims count no more. A claim that comes too late is given up by its maker. A death is final, and so is giving up: a claim
 * that was once the first stays it.
 */
export class Claims {
  readonly #subject: string;
  readonly #path: string;
  readonly #fd: number;
  /** Where the first record is: behind the shared bytes, at a multiple of a record's size, so that none lies across two pages. */
  readonly #base: number;
  /** How many records, from the first on, are over. */
  #over = 0;

  /** @param base - the length of the shared bytes, a multiple of 32 */
  constructor(subject: string, { path, fd }: Pick<Region, 'path' | 'fd'>, base: number) {
    this.#subject = subject;
    this.#path = path;
    this.#fd = fd;
    this.#base = base;
  }

  /** Claims a part for the calling thread. Returns the claim, or who has it. @throws ResourceError if the file has been removed */
  take(part: number): OwnClaim | Who {
    const holder = this.holders().get(part);
    if (holder !== undefined) return holder;
    const own = this.#append(part);
    const first = this.#counting().find((claim) => claim.part === part);
    if (first === undefined || first.number === own) return { part, giveUp: () => this.#finish(own) };
    this.#finish(own);
    return first.who;
  }

  /** Who has which part, of those that anybody living has. */
  holders(): ReadonlyMap<number, Who> {
    const holders = new Map<number, Who>();
    for (const { part, who } of this.#counting()) if (!holders.has(part)) holders.set(part, who);
    return holders;
  }

  /** The claims that are not over and whose makers may live, first ones first. */
  #counting(): readonly Claim[] {
    return this.#claims().filter(({ who, namespace: made }) => mayLive(who, made));
  }

  /** @returns the number of the new record: this thread's last one, since a thread does one thing after the other */
  #append(part: number): number {
    const who = whoAmI();
    for (const claim of this.#claims()) if (!mayLive(claim.who, claim.namespace)) this.#finish(claim.number);
    const fd = openToAppend(this.#path);
    try {
      // Whatever has that name now: others share another file, and we are alone with this one.
      if (fd === undefined || !isSameFile(fd, this.#fd)) throw this.#removed();
      writeSync(fd, record(part, who));
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
    // Safe: it has just been appended, and is not given up.
    return (this.#claims().findLast((claim) => isSame(claim.who, who)) as Claim).number;
  }

  #removed(): ResourceError {
    const advice = 'the registry that made it has closed, and it was removed. Acquire it again.';
    return new ResourceError(this.#subject, 'claim', undefined, advice);
  }

  #finish(number: number): void {
    writeSync(this.#fd, FINISHED, 0, FINISHED.byteLength, this.#base + number * RECORD_BYTES);
  }

  /** All claims that are not over, of the living and the dead. */
  #claims(): readonly Claim[] {
    const from = this.#over;
    const records = readToEnd(this.#fd, this.#base + from * RECORD_BYTES);
    const claims: Claim[] = [];
    for (let at = 0; at + RECORD_BYTES <= records.byteLength; at += RECORD_BYTES) {
      const number = from + at / RECORD_BYTES;
      if (records.getUint32(at, true) === CLAIMED) claims.push(claimAt(records, at, number));
      else if (this.#over === number) this.#over += 1;
    }
    return claims;
  }
}

interface Claim {
  readonly number: number;
  readonly part: number;
  readonly who: Who;
  /** The pid namespace of its maker, in which alone its pid means anything; 0 where there are none. */
  readonly namespace: number;
}

// A record: u32 state, u32 part, u32 pid, u32 thread, u64 start in clock ticks since boot, u64 inode of the pid namespace. Little-endian.
const RECORD_BYTES = 32;
const CLAIMED = 1;
const FINISHED = Uint8Array.of(2, 0, 0, 0);

function openToAppend(path: string): number | undefined {
  try {
    return openSync(
      path,
      constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isSameFile(one: number, other: number): boolean {
  const [a, b] = [fstatSync(one), fstatSync(other)];
  return a.ino === b.ino && a.dev === b.dev;
}

function record(part: number, { pid, tid, startTicks }: Who): DataView {
  const view = new DataView(new ArrayBuffer(RECORD_BYTES));
  [CLAIMED, part, pid, tid].forEach((word, index) => {
    view.setUint32(index * 4, word, true);
  });
  set64(view, 16, startTicks);
  set64(view, 24, ownNamespace());
  return view;
}

function claimAt(view: DataView, at: number, number: number): Claim {
  const who: Who = {
    pid: view.getUint32(at + 8, true),
    tid: view.getUint32(at + 12, true),
    startTicks: get64(view, at + 16),
  };
  return { number, part: view.getUint32(at + 4, true), who, namespace: get64(view, at + 24) };
}

/** Whether somebody is not known to be dead: whoever was in a pid namespace that cannot be seen from here may live. */
export function mayLive(who: Who, made: number): boolean {
  const own = ownNamespace();
  return (made !== 0 && own !== 0 && made !== own) || lifeOf(who) !== 'dead';
}

/** A process stays in its pid namespace. */
export function ownNamespace(): number {
  known ??= namespace('pid');
  return known;
}

let known: number | undefined;

function isSame(one: Who, other: Who): boolean {
  return one.pid === other.pid && one.tid === other.tid && one.startTicks === other.startTicks;
}

function readToEnd(fd: number, from: number): DataView {
  const chunks: Buffer[] = [];
  for (let at = from; ; ) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const read = readSync(fd, chunk, 0, CHUNK_BYTES, at);
    chunks.push(chunk.subarray(0, read));
    if (read < CHUNK_BYTES) break;
    at += read;
  }
  const all = Buffer.concat(chunks);
  return new DataView(all.buffer, all.byteOffset, all.byteLength);
}

const CHUNK_BYTES = 4_096;
