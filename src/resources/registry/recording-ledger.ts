import type { Entry, Identity, Ledger, Written } from '../guard/entry.js';

/** One thing that the ledger lists for a lease. */
export interface Listed {
  readonly entry: Entry;
  /** Known once the thing exists. */
  readonly identity: Identity | undefined;
}

/** The ledger as one grant sees it: remembers what is written for it, for those who ask what a lease consists of. */
export class RecordingLedger implements Ledger {
  readonly #ledger: Ledger;
  readonly #own: Map<Written, Identity | undefined> = new Map();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get path(): string {
    return this.#ledger.path;
  }

  get written(): readonly Written[] {
    return [...this.#own.keys()];
  }

  get listed(): readonly Listed[] {
    return [...this.#own].map(([{ entry }, identity]) => ({ entry, identity }));
  }

  want(entry: Entry, known?: Identity): Written {
    const written = this.#ledger.want(entry, known);
    const own: Written = {
      entry,
      have: (identity) => {
        written.have(identity);
        this.#own.set(own, identity);
      },
      leave: () => written.leave(),
      drop: () => {
        written.drop();
        this.#own.delete(own);
      },
    };
    this.#own.set(own, known);
    return own;
  }

  close(): void {
    // The ledger is the registry's to close.
  }
}
