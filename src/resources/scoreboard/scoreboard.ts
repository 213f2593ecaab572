import { AlreadyLockedError, checkNames, ReleasedError, ResourceLimitError } from '../../core/index.js';
import { type Granted, type Lease, machineTime, type ResourceKind } from '../../runtime/index.js';
import type { Region } from '../backend/region.js';
import { checkName, checkWhole, refuse, subjectOf } from '../checks.js';
import type { Who } from '../guard/identity.js';
import { BaseLease, kindOf } from '../kind.js';
import type { SharedFileFacts, SharedFileRequest } from '../kinds/shared-file.js';
import { Claims, mayLive, type OwnClaim } from '../memory/claims.js';
import { openShared } from '../memory/open.js';
import { wordsOf } from '../memory/shared-words.js';
import { Banks } from './banks.js';
import { type BoardLayout, type BoardNames, boardLayout } from './layout.js';
import { OwnSlot, type ScoreboardSlot } from './slot.js';

/** What a scoreboard shows. All who use it give the same. */
export interface ScoreboardOptions<State extends string, Counter extends string> {
  /** Those who give the same name in one scope mean the same scoreboard. */
  readonly name: string;
  /** How many slots it has, 1 to 65 536. */
  readonly slots: number;
  /** The words for what an owner may be doing, such as `['idle', 'busy']`. */
  readonly states: readonly State[];
  /** The names of its numbers, such as `['done', 'failed']`. @defaultValue none */
  readonly counters?: readonly Counter[];
  /** The room for what an owner is at, in bytes of UTF-8, up to 65 535. @defaultValue `64` */
  readonly jobBytes?: number;
}

/** One slot, as it was at one moment. */
export interface SlotStatus<State extends string, Counter extends string> {
  /** From 0. */
  readonly index: number;
  /** Nothing before the owner has said it, and in a free slot. */
  readonly state: State | undefined;
  /** For how long state and job have been what they are, in ms; nothing in a slot that was never used. */
  readonly sinceMs: number | undefined;
  readonly job: string | undefined;
  /** Those of the last owner, also in a slot that was given back. */
  readonly counters: Readonly<Record<Counter, number>>;
  /** Nothing in a free slot. */
  readonly owner: { readonly pid: number; readonly tid: number } | undefined;
  /** Whether the owner lives: false marks what a dead one was at. */
  readonly alive: boolean;
}

/** Slots that each tell of one worker: written by their owners alone, read by everybody. */
export interface Scoreboard<State extends string, Counter extends string> extends Lease {
  /**
   * Claims a slot, until it or this lease is released, or the thread or process ends. The slot of a dead owner may be claimed.
   * @param index - which one, from 0 @defaultValue the first that is free
   * @throws AlreadyLockedError if the owner of that slot lives, ResourceLimitError if none is free
   */
  claim(index?: number): ScoreboardSlot<State, Counter>;
  /** All slots, each of them whole, whatever their owners are busy with. */
  read(): readonly SlotStatus<State, Counter>[];
}

/**
 * A scoreboard in shared memory: each owner publishes its state, since when, its counters and its job by one store, and anybody in any process
 * reads all slots without asking their owners, even while these are blocked or dead.
 *
 * @throws InvalidSpecError for an option that is wrong
 */
export function scoreboard<const State extends string, const Counter extends string = never>(
  options: ScoreboardOptions<State, Counter>,
): ResourceKind<Scoreboard<State, Counter>> {
  const names = check(options);
  const layout = boardLayout(names);
  const request: SharedFileRequest = {
    kind: 'scoreboard',
    name: names.name,
    bytes: layout.bytes,
    image: layout.image.toString('base64'),
  };
  return kindOf(request, async (granted) => {
    // Safe: what the owner's half of this kind gives.
    const region = await openShared(granted.facts as SharedFileFacts, 'write');
    return new BoardLease<State, Counter>(granted, region, names, layout);
  });
}

interface Checked extends BoardNames {
  readonly name: string;
}

const OPTIONS: readonly string[] = ['name', 'slots', 'states', 'counters', 'jobBytes'];

function check(options: ScoreboardOptions<string, string>): Checked {
  const subject = subjectOf('the scoreboard', options?.name);
  checkNames(subject, options, OPTIONS);
  const { name, slots, states, counters = [], jobBytes = 64 } = options;
  checkName(subject, 'name', name);
  checkWhole(subject, 'slots', slots, 1, 65_536);
  checkWhole(subject, 'jobBytes', jobBytes, 0, 65_535);
  checkWords(subject, 'states', states, 1);
  checkWords(subject, 'counters', counters, 0);
  return { name, slots, states: [...states], counters: [...counters], jobBytes };
}

function checkWords(subject: string, field: string, words: readonly unknown[], least: number): void {
  const sound =
    Array.isArray(words) &&
    words.length >= least &&
    words.every((word) => typeof word === 'string' && word !== '') &&
    new Set(words).size === words.length;
  if (!sound) refuse(subject, field, words, `a list of different words${least > 0 ? ', at least one' : ''}`);
}

class BoardLease<State extends string, Counter extends string>
  extends BaseLease
  implements Scoreboard<State, Counter>
{
  readonly kind = 'scoreboard';
  readonly #region: Region;
  readonly #names: BoardNames;
  readonly #banks: Banks;
  readonly #claims: Claims;
  readonly #own = new Set<OwnSlot<State, Counter>>();

  constructor(granted: Granted, region: Region, names: BoardNames, layout: BoardLayout) {
    super(granted);
    this.#region = region;
    this.#names = names;
    this.#banks = new Banks(wordsOf(region), layout);
    this.#claims = new Claims(this.subject, region, layout.bytes);
  }

  claim(index?: number): ScoreboardSlot<State, Counter> {
    this.#requireUse();
    if (index !== undefined) checkWhole(this.subject, 'index', index, 0, this.#names.slots - 1);
    const claim = index === undefined ? this.#takeAny() : this.#take(index);
    const slot = new OwnSlot<State, Counter>(this.subject, this.#names, this.#banks, claim);
    this.#own.add(slot);
    return slot;
  }

  #take(index: number): OwnClaim {
    const claim = this.#claims.take(index);
    if ('giveUp' in claim) return claim;
    const advice = `pid ${claim.pid} has it, and lives. Claim another one, or none in particular.`;
    throw new AlreadyLockedError(`slot ${index} of ${this.subject}`, claim.pid, advice);
  }

  #takeAny(): OwnClaim {
    const taken = this.#claims.holders();
    for (let index = 0; index < this.#names.slots; index += 1) {
      const claim = taken.has(index) ? undefined : this.#claims.take(index);
      if (claim !== undefined && 'giveUp' in claim) return claim;
    }
    const { slots } = this.#names;
    throw new ResourceLimitError(
      this.subject,
      'claim a slot of',
      'ENOSPC',
      { limit: 'slots', allowed: slots, used: slots },
      [],
      `all ${slots} slots have an owner that lives. Raise \`slots\` in all programs that use it.`,
    );
  }

  read(): readonly SlotStatus<State, Counter>[] {
    this.#requireUse();
    const nowMs = machineTime.monotonicMs();
    return Array.from({ length: this.#names.slots }, (_, index) => this.#statusOf(index, nowMs));
  }

  #statusOf(index: number, nowMs: number): SlotStatus<State, Counter> {
    const entry = this.#banks.read(index);
    const { states, counters } = this.#names;
    const numbers = counters.map((name, place) => [name, entry?.counters[place] ?? 0]);
    return {
      index,
      // Safe: all users of this scoreboard have the same words, in the same order.
      state: states[(entry?.state ?? 0) - 1] as State | undefined,
      sinceMs: entry === undefined ? undefined : Math.max(0, nowMs - entry.sinceMs),
      job: entry === undefined || entry.job.length === 0 ? undefined : entry.job.toString(),
      counters: Object.fromEntries(numbers) as Record<Counter, number>,
      owner: entry?.owner === undefined ? undefined : seen(entry.owner),
      alive: entry?.owner !== undefined && mayLive(entry.owner, entry.namespace),
    };
  }

  protected detach(): void {
    try {
      for (const slot of this.#own) slot.release();
    } finally {
      this.#region.close();
    }
  }

  #requireUse(): void {
    if (this.released) throw new ReleasedError(this.subject);
  }
}

function seen({ pid, tid }: Who): { readonly pid: number; readonly tid: number } {
  return { pid, tid };
}
