import { LockStateError } from '../../core/index.js';
import type { Hold } from './hold.js';
import { LAYOUT } from './layout.js';
import type { LockOptions, Refusal } from './queue.js';
import { TableLock } from './table-lock.js';
import { eraseWho, isTaken, lifeAt, readWho, whoText, writeWho } from './who-words.js';

/** What a reader-writer lock is held for. */
export type Access = 'read' | 'write';

/**
 * A reader-writer lock as one thread has it: readers stand in the table, the writer in a place of its own. A writer that died leaves its place
 * taken; whoever finds that sets the mark that tells all later ones.
 */
export class RwLockState extends TableLock<RwHold> {
  lock(access: Access, subject: string, options: LockOptions, owner: object): Promise<Hold> {
    const mode = access === 'read' ? 'shared' : 'exclusive';
    return this.take(subject, mode, () => this.attempt(access, subject, owner), options, owner);
  }

  attempt(access: Access, subject: string, owner: object): RwHold | Refusal {
    return access === 'read' ? this.#read(subject, owner) : this.#write(subject, owner);
  }

  /** A holder of this thread leaves. */
  leave(hold: RwHold, died: boolean): void {
    this.forget(hold);
    if (hold.access === 'read') this.holders.add(hold.subject, -1);
    else {
      if (died) this.file.words.store(LAYOUT.writerDied, 1);
      eraseWho(this.file.words, LAYOUT.writer);
    }
    this.file.queue.poke();
  }

  markRepaired(): void {
    this.file.words.store(LAYOUT.writerDied, 0);
  }

  protected override names(): readonly string[] {
    const writer = readWho(this.file.words, LAYOUT.writer);
    return writer === undefined ? super.names() : [`${whoText(writer)} (writing)`, ...super.names()];
  }

  #read(subject: string, owner: object): RwHold | Refusal {
    if (!this.enter('shared')) return 'busy';
    try {
      if (this.#writerLives()) return 'busy';
      this.holders.add(subject, 1);
      return this.#hold('read', subject, owner);
    } finally {
      this.file.latch.open();
    }
  }

  #write(subject: string, owner: object): RwHold | Refusal {
    // Its own readers are no reason to look into the table.
    if (this.holders.own > 0 || !this.enter('exclusive')) return 'busy';
    try {
      if (this.#writerLives() || this.#readersLive()) return 'busy';
      writeWho(this.file.words, LAYOUT.writer, this.file.who);
      return this.#hold('write', subject, owner);
    } finally {
      this.file.latch.open();
    }
  }

  #hold(access: Access, subject: string, owner: object): RwHold {
    const died = this.file.words.plainLoad(LAYOUT.writerDied) !== 0;
    const hold = new RwHold(this, access, subject, owner, died);
    this.keep(hold);
    return hold;
  }

  #writerLives(): boolean {
    const { words } = this.file;
    if (!isTaken(words, LAYOUT.writer)) return false;
    if (!this.mayLook() || lifeAt(words, LAYOUT.writer) !== 'dead') return true;
    // The mark first: a death between the two steps is found again.
    words.store(LAYOUT.writerDied, 1);
    eraseWho(words, LAYOUT.writer);
    return false;
  }

  #readersLive(): boolean {
    if (this.holders.total() === 0) return false;
    if (this.mayLook()) this.holders.bury();
    return this.holders.total() > 0;
  }
}

class RwHold implements Hold {
  readonly access: Access;
  readonly subject: string;
  readonly owner: object;
  readonly ownerDied: boolean;
  place = 0;
  readonly #state: RwLockState;
  #released = false;

  constructor(state: RwLockState, access: Access, subject: string, owner: object, ownerDied: boolean) {
    this.#state = state;
    this.access = access;
    this.subject = subject;
    this.owner = owner;
    this.ownerDied = ownerDied;
  }

  get released(): boolean {
    return this.#released;
  }

  repaired(): void {
    if (this.#released || this.access === 'read') {
      throw new LockStateError(this.subject, 'it can be called repaired only while it is held for writing.');
    }
    if (this.ownerDied) this.#state.markRepaired();
  }

  release(): void {
    this.#leave(false);
  }

  /** A reader changes nothing, so its end is no reason to repair anything. */
  abandon(): void {
    this.#leave(true);
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #leave(died: boolean): void {
    if (this.#released) return;
    this.#released = true;
    this.#state.leave(this, died);
  }
}
