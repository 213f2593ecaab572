import { ReleasedError } from '../../core/index.js';
import { machineTime } from '../../runtime/index.js';
import { refuse } from '../checks.js';
import { type Who, whoAmI } from '../guard/identity.js';
import { type OwnClaim, ownNamespace } from '../memory/claims.js';
import type { Banks } from './banks.js';
import type { BoardNames } from './layout.js';

/** What an owner says of itself. */
export interface SlotUpdate<State extends string, Counter extends string> {
  readonly state: State;
  /** What it is at; cut to the room that the scoreboard has for it. Left out, it is at nothing. */
  readonly job?: string | undefined;
  /** New values; counters that are left out keep theirs. */
  readonly counters?: Readonly<Partial<Record<Counter, number>>>;
}

/** One's own slot on a scoreboard. */
export interface ScoreboardSlot<State extends string, Counter extends string> extends Disposable {
  /** From 0. */
  readonly index: number;
  /** Publishes all of it at once. @throws ReleasedError once it is given back, InvalidSpecError for a state or counter that is not one */
  set(update: SlotUpdate<State, Counter>): void;
  /** Gives the slot back. Safe to call twice. */
  release(): void;
}

export class OwnSlot<State extends string, Counter extends string> implements ScoreboardSlot<State, Counter> {
  readonly index: number;
  readonly #subject: string;
  readonly #names: BoardNames;
  readonly #banks: Banks;
  readonly #owner: Who = whoAmI();
  readonly #namespace: number = ownNamespace();
  readonly #counters: number[];
  #claim: OwnClaim | undefined;
  #state = 0;
  #job: Buffer = NOTHING;
  #sinceMs: number = machineTime.monotonicMs();

  constructor(subject: string, names: BoardNames, banks: Banks, claim: OwnClaim) {
    this.index = claim.part;
    this.#subject = `slot ${claim.part} of ${subject}`;
    this.#names = names;
    this.#banks = banks;
    this.#claim = claim;
    this.#counters = names.counters.map(() => 0);
    this.#publish(this.#owner);
  }

  set({ state, job = '', counters }: SlotUpdate<State, Counter>): void {
    if (this.#claim === undefined) throw new ReleasedError(this.#subject);
    const place = this.#placeOf('states', 'state', state);
    const changes = Object.entries<number | undefined>(counters ?? {});
    const places = changes.map(([name]) => this.#placeOf('counters', 'counters', name));
    const work = cut(job, this.#names.jobBytes);
    if (place + 1 !== this.#state || !work.equals(this.#job)) this.#sinceMs = machineTime.monotonicMs();
    this.#state = place + 1;
    this.#job = work;
    for (const [change, [, value]] of changes.entries()) {
      // Safe: there is a place for each change.
      if (value !== undefined) this.#counters[places[change] as number] = value;
    }
    this.#publish(this.#owner);
  }

  release(): void {
    if (this.#claim === undefined) return;
    this.#state = 0;
    this.#job = NOTHING;
    // First what all can see, then the right to it.
    this.#publish(undefined);
    this.#claim.giveUp();
    this.#claim = undefined;
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #publish(owner: Who | undefined): void {
    this.#banks.publish(this.index, {
      state: this.#state,
      sinceMs: this.#sinceMs,
      counters: this.#counters,
      job: this.#job,
      owner,
      namespace: this.#namespace,
    });
  }

  #placeOf(names: 'states' | 'counters', field: string, name: string): number {
    const place = this.#names[names].indexOf(name);
    if (place >= 0) return place;
    return refuse(this.#subject, field, name, `one of ${this.#names[names].join(', ') || 'none'}`);
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/** As much of a text as fits, in whole characters. */
function cut(text: string, room: number): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length <= room) return bytes;
  let end = room;
  // Bytes that begin with 10 belong to the character before them.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.subarray(0, end);
}
