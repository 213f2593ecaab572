import { LockStateError } from '../../core/index.js';
import { lifeOf, type Who } from '../guard/identity.js';
import { LAYOUT, TABLE_PLACES } from './layout.js';
import { eraseWho, isWho, readWho, whoText, writeWho } from './who-words.js';
import type { Words } from './words.js';

const COUNT = 4;

/**
 * Who holds how many of something: one place per thread. A count is written by its own thread alone, with one store; places are given out,
 * and taken back from the dead, by whoever has the latch.
 */
export class Holders {
  readonly #words: Words;
  readonly #who: Who;
  #place: number | undefined;
  #count = 0;

  constructor(words: Words, who: Who) {
    this.#words = words;
    this.#who = who;
  }

  /** How many this thread holds. */
  get own(): number {
    return this.#count;
  }

  /** Adds to this thread's count; a negative number gives back, for which no latch is needed. */
  add(subject: string, count: number): void {
    this.#place ??= this.#findPlace(subject);
    this.#count += count;
    this.#words.store(this.#place + COUNT, this.#count);
  }

  /** How many all hold, as it stands there, the dead included. Needs the latch. */
  total(): number {
    let total = 0;
    // Without the generator, since this is asked at each taking.
    const used = this.#words.load(LAYOUT.tableUsed);
    for (let index = 0; index < used; index += 1) total += this.#countAt(placeAt(index));
    return total;
  }

  /** Takes back what the dead hold. Needs the latch. */
  bury(): void {
    for (const place of this.#places()) {
      if (this.#countAt(place) === 0) continue;
      const who = readWho(this.#words, place);
      if (who !== undefined && lifeOf(who) === 'dead') this.#free(place);
    }
  }

  /** As they stand in messages; the dead are not named. */
  names(): readonly string[] {
    const holding = [...this.#places()].filter((place) => this.#countAt(place) > 0);
    const living = holding.map((place) => readWho(this.#words, place)).filter((who) => who !== undefined);
    return living.filter((who) => lifeOf(who) !== 'dead').map(whoText);
  }

  /** Gives up this thread's place. */
  end(): void {
    if (this.#place !== undefined) this.#free(this.#place);
    this.#place = undefined;
    this.#count = 0;
  }

  *#places(): Generator<number> {
    const used = this.#words.load(LAYOUT.tableUsed);
    for (let index = 0; index < used; index += 1) yield placeAt(index);
  }

  /** A place without a holder counts for nothing, whatever else its last one left there. */
  #countAt(place: number): number {
    return this.#words.load(place) === 0 ? 0 : this.#words.load(place + COUNT);
  }

  #free(place: number): void {
    this.#words.store(place + COUNT, 0);
    eraseWho(this.#words, place);
  }

  #findPlace(subject: string): number {
    const place = this.#freePlace() ?? this.#newPlace() ?? this.#deadPlace();
    if (place === undefined) {
      throw new LockStateError(subject, `all of its ${TABLE_PLACES} places are taken by threads that live.`);
    }
    // The count first: with a pid beside it, it would count for us.
    this.#words.store(place + COUNT, 0);
    writeWho(this.#words, place, this.#who);
    return place;
  }

  #freePlace(): number | undefined {
    for (const place of this.#places()) if (this.#words.load(place) === 0) return place;
    return undefined;
  }

  #newPlace(): number | undefined {
    const used = this.#words.load(LAYOUT.tableUsed);
    if (used >= TABLE_PLACES) return undefined;
    this.#words.store(LAYOUT.tableUsed, used + 1);
    return placeAt(used);
  }

  /** One whose thread has ended holding nothing. */
  #deadPlace(): number | undefined {
    for (const place of this.#places()) {
      const who = readWho(this.#words, place);
      if (who === undefined || isWho(this.#words, place, this.#who)) continue;
      if (lifeOf(who) === 'dead') return place;
    }
    return undefined;
  }
}

function placeAt(index: number): number {
  return LAYOUT.table + index * LAYOUT.placeWords;
}
