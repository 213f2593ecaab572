import { ScopeClosedError } from '../../core/index.js';
import type {
  Clock,
  Grant,
  OwnedGroup,
  ResourceOwner,
  ResourceRequest,
  ResourceScope,
} from '../../runtime/index.js';
import type { Ledger, Written } from '../guard/entry.js';
import { startTicks } from '../guard/identity.js';
import { groupLives, signalGroup } from '../process-groups.js';
import type { Claim, Make, Site } from '../site.js';
import { type Listed, RecordingLedger } from './recording-ledger.js';

/** What all scopes of a registry have in common. */
export interface Home {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Whether somebody will release what is left in the ledger once this process is dead. */
  readonly guarded: boolean;
  /** A promise until its code is loaded. @throws InvalidSpecError if there is no such kind */
  makeOf(kind: string): Make | Promise<Make>;
  site(parts: Pick<Site, 'ledger' | 'owner' | 'signal'>): Site;
  /** Unmaps what threads of this process that are gone had mapped: they could not do it themselves. */
  sweepThreads(): Promise<void>;
  closed(scope: OwnedScope): void;
}

/** One grant as others may see it. */
export interface GrantStatus {
  readonly number: number;
  readonly kind: string;
  readonly name: string;
  readonly owner: ResourceOwner;
  /** When it was granted, on the registry's clock. */
  readonly grantedAtMs: number;
  readonly listed: readonly Listed[];
  /** Who uses it, where its kind can tell. */
  users(): readonly string[];
}

/** What one owner has been granted. */
export class OwnedScope implements ResourceScope {
  readonly owner: ResourceOwner;
  readonly #home: Home;
  readonly #grants: Map<number, Held> = new Map();
  readonly #ending: AbortController = new AbortController();
  #last = 0;
  #group: { readonly written: Written; readonly startTicks: number } | undefined;
  #closing: Promise<readonly unknown[]> | undefined;

  constructor(owner: ResourceOwner, home: Home) {
    this.owner = owner;
    this.#home = home;
  }

  /** An end that comes meanwhile waits for what is being made, which is then released and refused. */
  async grant(request: ResourceRequest): Promise<Grant> {
    this.#refuseIfClosed(request);
    const make = await this.#home.makeOf(request.kind);
    this.#refuseIfClosed(request);
    this.#registerGroup();
    const held = new Held(request, this.#home.clock.now());
    const number = ++this.#last;
    this.#grants.set(number, held);
    try {
      const { name, facts } = await held.make(make, this.#siteFor(held));
      this.#refuseIfClosed(request);
      return { number, name, facts };
    } catch (error) {
      // What was made before the end came is the end's to release.
      if (!this.#ending.signal.aborted) this.#grants.delete(number);
      throw error;
    }
  }

  async giveBack(number: number): Promise<void> {
    const held = this.#grants.get(number);
    if (held === undefined) return;
    try {
      await held.end('given-back');
    } finally {
      this.#grants.delete(number);
    }
  }

  close(): Promise<readonly unknown[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /**
   * The same within the `exit` event. What a group uses that this process does not take with it is left to the guardian, which ends the group
   * first; where there is none, the group is killed here.
   *
   * @returns whether everything is released
   */
  closeSync(): boolean {
    this.#ending.abort();
    const { group } = this.owner;
    if (this.#group !== undefined && group !== undefined && groupLives({ ...group, ...this.#group })) {
      if (this.#home.guarded) return false;
      signalGroup(group.pid, 'SIGKILL');
    }
    const left = [...this.#grants.values()].reverse().filter((held) => !held.endSync());
    if (left.length === 0) this.#group?.written.drop();
    return left.length === 0;
  }

  get status(): readonly GrantStatus[] {
    return [...this.#grants].flatMap(([number, held]) => held.status(number, this.owner) ?? []);
  }

  async #close(): Promise<readonly unknown[]> {
    this.#ending.abort();
    const failures: unknown[] = [];
    // What was not given back had a user who is dead: a process, which is a group of its own, or else a thread.
    const wasThread =
      this.owner.group === undefined && [...this.#grants.values()].some((held) => held.mayBeMapped);
    for (const held of [...this.#grants.values()].reverse()) {
      await held.end('closed').catch((failure: unknown) => failures.push(failure));
    }
    this.#grants.clear();
    if (wasThread) await this.#home.sweepThreads().catch((failure: unknown) => failures.push(failure));
    try {
      this.#group?.written.drop();
    } catch (failure) {
      failures.push(failure);
    }
    this.#home.closed(this);
    return failures;
  }

  #siteFor(held: Held): Site {
    held.ledger = new RecordingLedger(this.#home.ledger);
    return this.#home.site({ ledger: held.ledger, owner: this.owner, signal: this.#ending.signal });
  }

  /** Before the first thing that the group could use exists. */
  #registerGroup(): void {
    const { group } = this.owner;
    if (group === undefined || this.#group !== undefined) return;
    this.#group = listGroup(group, this.#home.ledger);
  }

  #refuseIfClosed({ kind }: ResourceRequest): void {
    if (this.#ending.signal.aborted) throw new ScopeClosedError(this.owner.path, kind);
  }
}

function listGroup(
  { pid, graceMs }: OwnedGroup,
  ledger: Ledger,
): { readonly written: Written; readonly startTicks: number } {
  const written = ledger.want({ type: 'group', pid, graceMs, signal: undefined });
  const identity = { type: 'group', startTicks: startTicks(pid) ?? 0 } as const;
  written.have(identity);
  return { written, startTicks: identity.startTicks };
}

/** A request, what is made for it, and its one release. */
class Held {
  readonly #request: ResourceRequest;
  readonly #grantedAtMs: number;
  ledger: RecordingLedger | undefined;
  #making: Promise<Claim> | undefined;
  #claim: Claim | undefined;
  #ending: Promise<void> | undefined;

  constructor(request: ResourceRequest, grantedAtMs: number) {
    this.#request = request;
    this.#grantedAtMs = grantedAtMs;
  }

  /** What is only being made counts. */
  get mayBeMapped(): boolean {
    return this.#claim?.mapped !== false;
  }

  async make(make: Make, site: Site): Promise<Claim> {
    // Apart, so that what it throws at once is a rejection too.
    this.#making = (async () => make(this.#request, site))();
    this.#claim = await this.#making;
    return this.#claim;
  }

  end(how: 'given-back' | 'closed'): Promise<void> {
    this.#ending ??= this.#end(how);
    return this.#ending;
  }

  /** What is half released is released again: that does no harm. */
  endSync(): boolean {
    try {
      this.#claim?.releaseSync();
      this.#claim = undefined;
      return true;
    } catch {
      // There is nobody left to tell; it stays in the ledger, and the guardian is about to read that.
      return false;
    }
  }

  status(number: number, owner: ResourceOwner): GrantStatus | undefined {
    const claim = this.#claim;
    if (claim === undefined) return undefined;
    return {
      number,
      kind: this.#request.kind,
      name: claim.name,
      owner,
      grantedAtMs: this.#grantedAtMs,
      listed: this.ledger?.listed ?? [],
      users: () => claim.users?.() ?? [],
    };
  }

  async #end(how: 'given-back' | 'closed'): Promise<void> {
    // What could not be made was told to who asked for it.
    const claim = await this.#making?.catch(() => undefined);
    if (claim === undefined) return;
    if (how === 'given-back' && claim.giveBack !== undefined) await claim.giveBack();
    else await claim.release();
    this.#claim = undefined;
  }
}
