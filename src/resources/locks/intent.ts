import type { Clock } from '../../runtime/index.js';
import type { Who } from '../guard/identity.js';
import { LAYOUT } from './layout.js';
import { lifeAt, writeWho } from './who-words.js';
import type { Words } from './words.js';

/** Who has waited that long is owed the next turn. */
export const PATIENCE_MS = 20;
/** A claim that is not renewed for that long no longer counts: its waiter is blocked, stopped or dead. */
const EXPIRY_MS = 50;
/** Waited so much longer than the one whose turn it would be: takes the turn over. */
const MARGIN_MS = 5;

/** What a turn is wanted for; readers let each other in. */
export type Mode = 'exclusive' | 'shared';
const MODES = { exclusive: 1, shared: 2 } as const;

/**
 * Keeps one who has waited long from being overtaken for ever: it puts its claim into the file, and all others let it pass. Only a hint,
 * written without a lock: at worst somebody waits a little longer, and nobody ever waits for the dead.
 *
 * The clocks of two processes cannot be compared, so a claim counts its beats, and each reader judges by its own clock how old a beat is.
 */
export class Intent {
  readonly #words: Words;
  readonly #who: Who;
  readonly #clock: Clock;
  #own = 0;
  #seen = { claim: 0, beat: 0, atMs: 0 };

  constructor(words: Words, who: Who, clock: Clock) {
    this.#words = words;
    this.#who = who;
    this.#clock = clock;
  }

  /** Whether somebody else is owed this turn. */
  stepsAside(mode: Mode): boolean {
    const claim = this.#words.plainLoad(LAYOUT.intent);
    if (claim === 0 || claim === this.#own) return false;
    if (mode === 'shared' && this.#words.load(LAYOUT.intentMode) === MODES.shared) return false;
    return this.#counts(claim);
  }

  /** Claims the next turn for this thread, or renews the claim; left alone while one who has waited longer has it. */
  claim(waitedMs: number, mode: Mode): void {
    const words = this.#words;
    const claim = words.load(LAYOUT.intent);
    const mine = claim !== 0 && claim === this.#own;
    if (!mine && claim !== 0 && this.#counts(claim)) {
      if (words.load(LAYOUT.intentWaitedMs) + MARGIN_MS > waitedMs) return;
    }
    words.store(LAYOUT.intentWaitedMs, Math.min(waitedMs, 2 ** 30));
    words.store(LAYOUT.intentMode, MODES[mode]);
    words.store(LAYOUT.intentBeat, words.load(LAYOUT.intentBeat) + 1);
    if (mine) return;
    writeWho(words, LAYOUT.intentWho, this.#who);
    this.#own = newClaim();
    words.store(LAYOUT.intent, this.#own);
  }

  /** It had its turn, or waits no more. */
  withdraw(): void {
    if (this.#own === 0) return;
    if (this.#words.load(LAYOUT.intent) === this.#own) this.#words.store(LAYOUT.intent, 0);
    this.#own = 0;
  }

  #counts(claim: number): boolean {
    const beat = this.#words.load(LAYOUT.intentBeat);
    const nowMs = this.#clock.now();
    if (this.#seen.claim !== claim) {
      this.#seen = { claim, beat, atMs: nowMs };
      if (lifeAt(this.#words, LAYOUT.intentWho) !== 'dead') return true;
      // Nobody waits there: the next one need not find that out again.
      if (this.#words.load(LAYOUT.intent) === claim) this.#words.store(LAYOUT.intent, 0);
      return false;
    }
    if (this.#seen.beat === beat) return nowMs - this.#seen.atMs < EXPIRY_MS;
    this.#seen = { claim, beat, atMs: nowMs };
    return true;
  }
}

function newClaim(): number {
  return 1 + Math.floor(Math.random() * (2 ** 31 - 2));
}
