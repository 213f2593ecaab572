import { ScopeClosedError } from '../../core/index.js';
import {
  IncarnationContext,
  type Lease,
  type ResourceKind,
  type ResourceOwner,
  type ResourceProvider,
  type ResourceScope,
  silentLogger,
} from '../../runtime/index.js';
import type { Native } from '../backend/backend.js';
import { loadNative, raiseNoNative, requireChosen } from '../backend/choose.js';
import { refuse } from '../checks.js';
import { releaseAtExit } from '../guard/exit.js';
import type { GuardianState } from '../guard/guardian.js';
import { type ReclaimReport, reclaim } from '../guard/reclaim.js';
import { makeOf } from '../kinds/late-makers.js';
import type { Claim, Site } from '../site.js';
import { type RegistryListener, RegistryListeners } from './events.js';
import { GuardedLedger } from './guarded-ledger.js';
import { checkOwner, type RegistryOptions, type RegistrySettings, registrySettings } from './options.js';
import { type GrantStatus, type Home, OwnedScope } from './owned-scope.js';
import type { Listed } from './recording-ledger.js';

/** A lease, as the registry knows it. */
export interface LeaseStatus {
  readonly kind: string;
  readonly name: string;
  /** Where its owner stands in the tree; the registry's scope for what no child has acquired. */
  readonly owner: string;
  readonly incarnation: number;
  /** When it was granted, on the registry's clock. */
  readonly grantedAtMs: number;
  /** What the ledger lists for it: what there is to release. */
  readonly listed: readonly Listed[];
}

/** A lease, and who uses at present what it stands for. */
export interface LeaseUse extends LeaseStatus {
  /** Processes, as in `pid 12 (node)`; empty where its kind cannot tell. */
  readonly users: readonly string[];
}

/**
 * Owns what would outlive a process: everything acquired from it is released when it closes, when its owner's incarnation ends, when this
 * process exits, and, by a guardian of its own, when this process is killed.
 *
 * @example
 * ```ts
 * await using registry = await ResourceRegistry.open({ scope: 'shop' });
 * const lock = await registry.acquire(fileLock({ path: '/run/shop.lock' }));
 * ```
 */
export class ResourceRegistry implements ResourceProvider, AsyncDisposable {
  readonly scope: string;
  /** What dead programs of this scope had left, and what became of it when this registry was opened. */
  readonly reclaimed: ReclaimReport;
  readonly #settings: RegistrySettings;
  readonly #home: Home;
  readonly #ledger: GuardedLedger;
  readonly #scopes: Map<OwnedScope, () => Promise<readonly unknown[]>> = new Map();
  readonly #kept: Map<string, Claim> = new Map();
  readonly #listeners: RegistryListeners = new RegistryListeners();
  readonly #own: IncarnationContext;
  readonly #uninstall: () => void;
  #closing: Promise<void> | undefined;

  /**
   * Opens a registry, after releasing what dead programs of the same scope have left.
   *
   * It makes the state directory; its ledger, and the guardian's process, come with the first thing that is acquired.
   *
   * @throws InvalidSpecError if an option is wrong
   * @throws CapabilityError if the backend was chosen by its name, and is missing
   * @throws ResourceError if the state directory cannot be made, or is not this user's alone
   */
  static async open(options: RegistryOptions): Promise<ResourceRegistry> {
    const settings = registrySettings(options);
    await requireChosen(
      settings.backend,
      `The registry "${settings.scope}", with the backend "${settings.backend}",`,
    );
    const reclaimed = await reclaim({ ...settings, dryRun: false });
    return new ResourceRegistry(settings, reclaimed);
  }

  private constructor(settings: RegistrySettings, reclaimed: ReclaimReport) {
    this.scope = settings.scope;
    this.reclaimed = reclaimed;
    this.#settings = settings;
    this.#ledger = new GuardedLedger({ ...settings, onGuardian: (state) => this.#tell(state) });
    const ledger = this.#ledger;
    this.#home = {
      ledger,
      clock: settings.clock,
      get guarded() {
        return ledger.guarded;
      },
      makeOf,
      site: (parts) => this.#site(parts),
      sweepThreads: async () => void (await loadNative(settings.backend))?.sweepThreads(),
      closed: (scope) => this.#scopes.delete(scope),
    };
    this.#own = this.#ownContext();
    this.#uninstall = releaseAtExit(() => this.#releaseSync());
  }

  /**
   * Acquires a resource for this program itself, until it is released or the registry closes.
   *
   * @throws ScopeClosedError once the registry is closed
   * @throws CapabilityError if this machine cannot do that, `ResourceLimitError` if a limit stands in the way, `ResourceExistsError` if there is
   *   something of that name that is not ours, `AlreadyLockedError` if another has what only one may have, `SharedLayoutError` if shared state of that
   *   name was made with other settings, `ResourceError` for any other failure of the system; nothing is left of it then
   */
  acquire<L extends Lease>(kind: ResourceKind<L>): Promise<L> {
    return this.#own.resources.acquire(kind);
  }

  /** Opens a scope for an incarnation. @throws ScopeClosedError once the registry is closed, InvalidSpecError for what is no owner */
  openScope(owner: ResourceOwner): ResourceScope {
    checkOwner(owner);
    const scope = this.#open(owner);
    this.#scopes.set(scope, () => scope.close());
    return scope;
  }

  /** Who releases everything once this process is dead; it has no pid before the first resource, and while it is replaced. */
  get guardian(): { readonly state: GuardianState | undefined; readonly pid: number | undefined } {
    return this.#ledger.guardian;
  }

  /** Every lease, in the order in which their owners came. */
  list(): readonly LeaseStatus[] {
    return this.#grants().map(statusOf);
  }

  /** The same, and who uses each: looks at every process that this user may look into, for some ms. */
  inspect(): readonly LeaseUse[] {
    return this.#grants().map((grant) => ({ ...statusOf(grant), users: grant.users() }));
  }

  /** Calls `listener` when the guardian starts, is lost, or cannot be had. Returns what removes it. @throws InvalidSpecError for what is no function */
  on(listener: RegistryListener): () => void {
    if (typeof listener !== 'function') refuse('the resource registry', 'listener', listener, 'a function');
    return this.#listeners.add(listener);
  }

  /**
   * Releases everything, last opened scope first and last acquired first, past failures; then ends the guardian. What is being acquired
   * meanwhile is released and refused. Safe to call twice.
   *
   * @throws AggregateError of what could not be released here; the guardian has tried it again by then, and what it could not release either
   *   stays in the ledger, for the next start in this scope
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of [...this.#scopes.values()].reverse()) failures.push(...(await close()));
    await this.#own.release();
    for (const claim of [...this.#kept.values()].reverse()) failures.push(...(await released(claim)));
    await this.#ledger.closed();
    this.#uninstall();
    this.#listeners.clear();
    if (failures.length > 0)
      throw new AggregateError(
        failures,
        `${failures.length} resources of "${this.scope}" could not be released; each has its error here. The guardian has tried ` +
          'again, and what is left even then is released at the next start in this scope.',
      );
  }

  /** Within the `exit` event. What living process groups may use is left to the guardian, which ends them first. */
  #releaseSync(): void {
    const left = [...this.#scopes.keys()].reverse().filter((scope) => !scope.closeSync());
    if (left.length === 0)
      for (const claim of [...this.#kept.values()].reverse()) attempt(() => claim.releaseSync());
    this.#ledger.close();
  }

  #open(owner: ResourceOwner): OwnedScope {
    if (this.#closing !== undefined) throw new ScopeClosedError(this.scope, 'resource');
    return new OwnedScope(owner, this.#home);
  }

  /** What the program acquires itself is kept as what a child acquires: leases first, then what they stand for. */
  #ownContext(): IncarnationContext {
    const nothing = (): void => undefined;
    const context = new IncarnationContext({
      id: this.scope,
      path: this.scope,
      incarnation: 1,
      log: silentLogger,
      ready: nothing,
      heartbeat: nothing,
      fail: nothing,
      extend: () => 0,
      resources: {
        openScope: (owner) => {
          const scope = this.#open(owner);
          this.#scopes.set(scope, async () => (await context.release()) ?? []);
          return scope;
        },
      },
    });
    return context;
  }

  #tell(state: GuardianState): void {
    this.#listeners.tell({ type: 'guardian:changed', state, atMs: this.#settings.clock.now() });
  }

  #grants(): readonly GrantStatus[] {
    return [...this.#scopes.keys()].flatMap((scope) => scope.status);
  }

  #site(parts: Pick<Site, 'ledger' | 'owner' | 'signal'>): Site {
    const { scope, clock, memoryDir, stateDir } = this.#settings;
    const nativeIfAny = (): Promise<Native | undefined> => loadNative(this.#settings.backend);
    return {
      ...parts,
      scope,
      clock,
      memoryDir,
      stateDir,
      kept: this.#kept,
      guarded: () => this.#ledger.guarded,
      nativeIfAny,
      native: async (subject) => (await nativeIfAny()) ?? raiseNoNative(this.#settings.backend, subject),
    };
  }
}

function statusOf({ kind, name, owner, grantedAtMs, listed }: GrantStatus): LeaseStatus {
  return { kind, name, owner: owner.path, incarnation: owner.incarnation, grantedAtMs, listed };
}

/** There is nobody left to tell; what fails stays in the ledger, and the guardian is about to read that. */
function attempt(release: () => void): void {
  try {
    release();
  } catch {
    // As above.
  }
}

async function released(claim: Claim): Promise<readonly unknown[]> {
  try {
    await claim.release();
    return [];
  } catch (failure) {
    return [failure];
  }
}
