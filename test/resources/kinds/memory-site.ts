import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendChoice, loadNative } from '../../../src/resources/backend/choose.js';
import type { Entry, Identity, Ledger, Written } from '../../../src/resources/guard/entry.js';
import type { Claim, Make, Site } from '../../../src/resources/site.js';
import {
  type Lease,
  type ResourceKind,
  type ResourceRequest,
  systemClock,
} from '../../../src/runtime/index.js';

/** A line that a kind has had written. */
export type Line =
  | { readonly step: 'want'; readonly entry: Entry }
  | { readonly step: 'have'; readonly identity: Identity }
  | { readonly step: 'drop' };

/** Where the owner's half of a kind works without a registry around it: grants, attaches, and remembers what the ledger was told. */
export class MemorySite implements AsyncDisposable {
  readonly lines: Line[] = [];
  readonly claims: Claim[] = [];
  readonly dir: string = mkdtempSync(join(tmpdir(), 'treewarden-kinds-'));
  readonly #leases: Lease[] = [];
  readonly #site: Site;

  constructor(
    readonly backend: BackendChoice = 'auto',
    memoryDir: string = MEMORY_DIR,
  ) {
    const nativeIfAny = () => loadNative(backend);
    this.#site = {
      scope: 'test',
      ledger: this.#ledger(),
      clock: systemClock,
      native: async (subject) => (await nativeIfAny()) ?? raise(new Error(`no native part for ${subject}`)),
      nativeIfAny,
      memoryDir,
      stateDir: this.dir,
      owner: { path: 'test', incarnation: 1 },
      signal: new AbortController().signal,
      kept: new Map(),
      guarded: () => false,
    };
  }

  /** What is listed and not yet dropped. */
  get listed(): number {
    return (
      this.lines.filter(({ step }) => step === 'want').length -
      this.lines.filter(({ step }) => step === 'drop').length
    );
  }

  /** The owner's half alone, which a fork would ask for by message. */
  async grant<R extends ResourceRequest>(make: Make<R>, request: ResourceRequest): Promise<Claim> {
    // Safe: a test gives the request of the kind that `make` belongs to. What travels is plain data.
    const claim = await make(JSON.parse(JSON.stringify(request)) as R, this.#site);
    this.claims.push(claim);
    return claim;
  }

  async acquire<L extends Lease, R extends ResourceRequest>(
    make: Make<R>,
    kind: ResourceKind<L>,
  ): Promise<L> {
    const claim = await this.grant(make, kind.request);
    const lease = await kind.attach({
      name: claim.name,
      facts: JSON.parse(JSON.stringify(claim.facts)),
      user: { path: 'test', incarnation: 1 },
      giveBack: async () => claim.release(),
    });
    this.#leases.push(lease);
    return lease;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases.toReversed()) await lease.release();
    for (const claim of this.claims.toReversed()) await claim.release();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #ledger(): Ledger {
    const { lines } = this;
    const written: Written[] = [];
    return {
      path: join(this.dir, 'ledger'),
      written,
      want: (entry) => {
        lines.push({ step: 'want', entry });
        let dropped = false;
        return {
          entry,
          have: (identity) => void lines.push({ step: 'have', identity }),
          leave: () => undefined,
          drop: () => {
            if (!dropped) lines.push({ step: 'drop' });
            dropped = true;
          },
        };
      },
      close: () => undefined,
    };
  }
}

/** Whether libc can be reached, as most of these kinds need. */
export const NATIVE: boolean = (await loadNative('auto')) !== undefined;
/** Whether there are System V objects to be had, and to be looked at. */
export const SYSTEM_V: boolean = NATIVE && existsSync('/proc/sysvipc/shm');

export const MEMORY_DIR: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A name that no other test, and no other run, uses. */
export function ownName(what: string): string {
  return `tw-${what}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
}

/** A key that no other test uses. */
export function ownKey(): number {
  return 1 + Math.floor(Math.random() * 0x7fff_fffe);
}

function raise(error: Error): never {
  throw error;
}
