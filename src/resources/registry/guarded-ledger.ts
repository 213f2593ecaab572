import type { Clock } from '../../runtime/index.js';
import type { Entry, Ledger, Written } from '../guard/entry.js';
import { type Guardian, type GuardianState, startGuardian } from '../guard/guardian.js';
import { createLedger } from '../guard/ledger.js';

export interface GuardedLedgerOptions {
  readonly stateDir: string;
  readonly scope: string;
  readonly clock: Clock;
  /** The guardian's state has changed. */
  onGuardian(state: GuardianState): void;
}

/** A ledger whose guardian starts with the first entry: a registry of which nobody wants anything costs no process. */
export class GuardedLedger implements Ledger {
  readonly #ledger: ReturnType<typeof createLedger>;
  readonly #options: GuardedLedgerOptions;
  #guardian: Guardian | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: GuardedLedgerOptions) {
    this.#options = options;
    this.#ledger = createLedger(options);
  }

  get path(): string {
    return this.#ledger.path;
  }

  get written(): readonly Written[] {
    return this.#ledger.written;
  }

  /** Whether what stays in the ledger is released once this process is dead. */
  get guarded(): boolean {
    return this.#guardian?.state === 'watching';
  }

  get guardian(): { readonly state: GuardianState | undefined; readonly pid: number | undefined } {
    return { state: this.#guardian?.state, pid: this.#guardian?.pid };
  }

  want(entry: Entry): Written {
    this.#guardian ??= this.#watch();
    return this.#ledger.want(entry);
  }

  /** Ends the guardian, which first releases what could not be released here. */
  closed(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Without the guardian: it ends with this process. */
  close(): void {
    this.#ledger.close();
  }

  async #close(): Promise<void> {
    if (this.#ledger.written.length === 0) await this.#guardian?.stop();
    else await this.#guardian?.release();
    this.#ledger.close();
  }

  #watch(): Guardian {
    const { clock, onGuardian } = this.#options;
    const guardian = startGuardian({ ledger: this.#ledger, clock });
    onGuardian(guardian.state);
    guardian.onState(onGuardian);
    return guardian;
  }
}
