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
  readonly #pid: number;
  /** Counts its holds, so that each knows whether it is the present one: to remember the hold itself would cost the collector at every lock. */
  #holds = 0;
  #held = false;
  #owner: object | undefined;
  #unrepaired = false;

  constructor(file: LockFile) {
    this.file = file;
    this.#words = file.words;
    this.#tid = file.who.tid;
    this.#pid = file.who.pid;
  }

  /** Whether `owner` holds it. */
  heldBy(owner: object): boolean {
    return this.#held && this.#owner === owner;
  }

  /** Whether that hold is the present one. */
  isHeld(hold: number): boolean {
    return this.#held && this.#holds === hold;
  }

  lock(subject: string, options: LockOptions, owner: object): Promise<Hold> {
    const wanted: Wanted<Hold> = {
      subject,
      mode: 'exclusive',
      attempt: () => this.attempt(subject, owner),
      holders: () => this.holders(),
      isHeldHere: () => this.#held,
    };
    return this.file.queue.take(wanted, options, owner);
  }

  attempt(subject: string, owner: object): Hold | Refusal {
    if (this.#held) return 'held-here';
    if (this.file.intent.stepsAside('exclusive') || !this.#close()) return 'busy';
    const words = this.#words;
    const died = words.plainLoad(LAYOUT.owner) !== 0;
    words.plainStore(LAYOUT.owner, died ? this.#tid | OWNER_DIED : this.#tid);
    if (words.plainLoad(LAYOUT.ownerPid) !== this.#pid) words.plainStore(LAYOUT.ownerPid, this.#pid);
    this.#held = true;
    this.#owner = owner;
    this.#unrepaired = died;
    this.#holds += 1;
    return new MutexHold(this, subject, this.#holds, died);
  }

  /** The holder's own thread says how it leaves: with the state good, or with the news of a death for the next one. */
  open(died: boolean = this.#unrepaired): void {
    this.#held = false;
    this.#words.plainStore(LAYOUT.owner, died ? OWNER_DIED : 0);
    this.file.latch.open();
    this.file.queue.poke();
  }

  repair(): void {
    if (!this.#unrepaired) return;
    this.#unrepaired = false;
    this.#words.store(LAYOUT.owner, this.#tid);
  }

  /** The owner's scope has ended in the middle of what the lock guards: for the next one that is a death. */
  abandon(owner: object): void {
    if (this.heldBy(owner)) this.open(true);
  }

  holders(): readonly string[] {
    const tid = this.#words.load(LAYOUT.owner) & ~OWNER_DIED;
    return tid === 0 ? [] : [whoText({ pid: this.#words.load(LAYOUT.ownerPid), tid })];
  }

  end(): void {
    if (this.#held) this.open(true);
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
  readonly #state: MutexState;
  readonly #subject: string;
  readonly #number: number;

  constructor(state: MutexState, subject: string, number: number, ownerDied: boolean) {
    this.ownerDied = ownerDied;
    this.#state = state;
    this.#subject = subject;
    this.#number = number;
  }

  get released(): boolean {
    return !this.#state.isHeld(this.#number);
  }

  repaired(): void {
    if (this.released)
      throw new LockStateError(this.#subject, 'it can be called repaired only while it is held.');
    this.#state.repair();
  }

  release(): void {
    if (!this.released) this.#state.open();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
