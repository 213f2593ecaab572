import { LockStateError } from '../../core/index.js';
import type { Hold } from './hold.js';
import { LAYOUT, OWNER_DIED } from './layout.js';
import type { Ending, LockFile } from './lock-file.js';
import type { LockOptions, Refusal, Wanted } from './queue.js';
import { whoText } from './who-words.js';
import type { Words } from './words.js';

/**
 * A mutex as one thread has it. The latch excludes; the owner word tells the next one whether its predecessor let go or died: it is not 0 when
 * somebody who takes the latch finds it so. Nothing else has to be done at a death, which may therefore come between any two instructions.
 */
export class MutexState implements Ending {
  readonly file: LockFile;
  readonly #words: Words;
  readonly #tid: number;
  #held: MutexHold | undefined;

  constructor(file: LockFile) {
    this.file = file;
    this.#words = file.words;
    this.#tid = file.who.tid;
  }

  /** Whether `owner` holds it. */
  heldBy(owner: object): boolean {
    return this.#held?.owner === owner;
  }

  lock(subject: string, options: LockOptions, owner: object): Promise<Hold> {
    const wanted: Wanted<Hold> = {
      subject,
      mode: 'exclusive',
      attempt: () => this.attempt(subject, owner),
      holders: () => this.holders(),
    };
    return this.file.queue.take(wanted, options, owner);
  }

  attempt(subject: string, owner: object): Hold | Refusal {
    if (this.#held !== undefined) return 'held-here';
    if (this.file.intent.stepsAside('exclusive') || !this.#close()) return 'busy';
    const words = this.#words;
    const found = words.load(LAYOUT.owner);
    words.store(LAYOUT.owner, found === 0 ? this.#tid : this.#tid | OWNER_DIED);
    if (words.load(LAYOUT.ownerPid) !== this.file.who.pid) words.store(LAYOUT.ownerPid, this.file.who.pid);
    this.#held = new MutexHold(this, subject, owner, found !== 0);
    return this.#held;
  }

  /** The holder's own thread says how it leaves: with the state good, or with the news of a death for the next one. */
  open(died: boolean): void {
    this.#held = undefined;
    this.#words.store(LAYOUT.owner, died ? OWNER_DIED : 0);
    this.file.latch.open();
    this.file.queue.poke();
  }

  markRepaired(): void {
    this.#words.store(LAYOUT.owner, this.#tid);
  }

  /** The owner's scope has ended in the middle of what the lock guards: for the next one that is a death. */
  abandon(owner: object): void {
    if (this.heldBy(owner)) this.#held?.abandon();
  }

  holders(): readonly string[] {
    const tid = this.#words.load(LAYOUT.owner) & ~OWNER_DIED;
    return tid === 0 ? [] : [whoText({ pid: this.#words.load(LAYOUT.ownerPid), tid })];
  }

  end(): void {
    this.#held?.abandon();
    this.file.latch.end?.();
  }

  #close(): boolean {
    const { latch } = this.file;
    for (let left = latch.spins; left > 0; left -= 1) if (latch.tryClose()) return true;
    return false;
  }
}

class MutexHold implements Hold {
  readonly ownerDied: boolean;
  readonly owner: object;
  readonly #state: MutexState;
  readonly #subject: string;
  #unrepaired: boolean;
  #released = false;

  constructor(state: MutexState, subject: string, owner: object, ownerDied: boolean) {
    this.#state = state;
    this.#subject = subject;
    this.owner = owner;
    this.ownerDied = ownerDied;
    this.#unrepaired = ownerDied;
  }

  get released(): boolean {
    return this.#released;
  }

  repaired(): void {
    if (this.#released)
      throw new LockStateError(this.#subject, 'it can be called repaired only while it is held.');
    if (!this.#unrepaired) return;
    this.#unrepaired = false;
    this.#state.markRepaired();
  }

  release(): void {
    this.#leave(this.#unrepaired);
  }

  abandon(): void {
    this.#leave(true);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #leave(died: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#state.open(died);
  }
}
