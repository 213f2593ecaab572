import { ReleasedError } from '../../core/index.js';
import type { Clock } from '../../runtime/index.js';
import type { Entry, Identity, Ledger, Written } from '../guard/entry.js';
import { type Guardian, type GuardianState, startGuardian } from '../guard/guardian.js';
import { createLedger, type FileLedger } from '../guard/ledger.js';
import { openScopeDir } from '../guard/state-dir.js';

export interface GuardedLedgerOptions {
  readonly stateDir: string;
  readonly scope: string;
  readonly clock: Clock;
  /** The guardian's state has changed. */
  onGuardian(state: GuardianState): void;
}

/** A ledger that is made with its first entry, and its guardian with it: a registry of which nobody wants anything costs no process and leaves no file. */
export class GuardedLedger implements Ledger {
  readonly #options: GuardedLedgerOptions;
  #ledger: FileLedger | undefined;
  #guardian: Guardian | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  constructor(options: GuardedLedgerOptions) {
    this.#options = options;
    // A directory that is not ours is told of when the registry is opened.
    openScopeDir(options.stateDir, options.scope);
  }

  get path(): string {
    return this.#open().path;
  }

  get written(): readonly Written[] {
    return this.#ledger?.written ?? [];
  }

  /** Whether what stays in the ledger is released once this process is dead. */
  get guarded(): boolean {
    return this.#guardian?.state === 'watching';
  }

  get guardian(): { readonly state: GuardianState | undefined; readonly pid: number | undefined } {
    return { state: this.#guardian?.state, pid: this.#guardian?.pid };
  }

  want(entry: Entry, identity?: Identity): Written {
    const ledger = this.#open();
    this.#guardian ??= this.#watch(ledger);
    return ledger.want(entry, identity);
  }

  /** Ends the guardian, which first releases what could not be released here. */
  closed(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Without the guardian: it ends with this process. */
  close(): void {
    this.#closed = true;
    this.#ledger?.close();
  }

  async #close(): Promise<void> {
    if (this.written.length === 0) await this.#guardian?.stop();
    else await this.#guardian?.release();
    this.close();
  }

  /** @throws ReleasedError once it is closed without ever having been made */
  #open(): FileLedger {
    if (this.#ledger === undefined && this.#closed) throw new ReleasedError('a ledger');
    this.#ledger ??= createLedger(this.#options);
    return this.#ledger;
  }

  #watch(ledger: FileLedger): Guardian {
    const { clock, onGuardian } = this.#options;
    const guardian = startGuardian({ ledger, clock });
    onGuardian(guardian.state);
    guardian.onState(onGuardian);
    return guardian;
  }
}
