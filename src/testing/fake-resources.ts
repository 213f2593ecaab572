import { ResourceError, ScopeClosedError } from '../core/index.js';
import type {
  Grant,
  Granted,
  Lease,
  ResourceKind,
  ResourceOwner,
  ResourceProvider,
  ResourceRequest,
  ResourceScope,
} from '../runtime/index.js';

/** How {@link fakeResources} answers. */
export interface FakeResourcesOptions {
  /** Makes the facts of a grant; what it throws, the acquire rejects with. @defaultValue grants everything, with no facts */
  readonly grant?: (request: ResourceRequest, owner: ResourceOwner) => unknown;
  /** Called for each release; what it throws is a release that failed. @defaultValue releases everything */
  readonly release?: (request: ResourceRequest, owner: ResourceOwner) => unknown;
}

/**
 * Grants resources in memory and writes down what happens, for trees under test:
 * `new Supervisor(spec, { resources })`, `testTree(spec, { resources, real: ['mail'] })`.
 *
 * Nothing is made, so the kinds of `treewarden/resources` find nothing to attach to, and are refused by a ResourceError: let the tree under test
 * acquire a {@link fakeKind} in place of a `mutex()`, or give it a `ResourceRegistry` of its own scope and folders.
 *
 * @example
 * ```ts
 * const resources = fakeResources();
 * const shop = shopWith({ ledger: fakeKind('mutex', 'ledger') });
 * const tree = await testTree(shop, { resources, real: ['mail'] });
 * await tree.stop();
 * assert.deepEqual(resources.log, ['shop/mail#1 acquires mutex "ledger"', 'shop/mail#1 releases mutex "ledger"', 'shop/mail#1 ends']);
 * ```
 */
export function fakeResources(options: FakeResourcesOptions = {}): FakeResources {
  return new FakeResources(options);
}

/** A provider that makes nothing and remembers all. */
export class FakeResources implements ResourceProvider {
  /** What happened, in order: `'shop/mail#1 acquires mutex "ledger"'`, `'… releases …'`, and `'shop/mail#1 ends'` for a scope that closes. */
  readonly log: string[] = [];
  /** For whom scopes were opened, in order. */
  readonly owners: ResourceOwner[] = [];
  readonly #options: FakeResourcesOptions;
  readonly #held = new Set<string>();

  /** @internal {@link fakeResources} makes them. */
  constructor(options: FakeResourcesOptions) {
    this.#options = options;
  }

  /** What is granted and not released, first granted first: `'shop/mail#1: mutex "ledger"'`. */
  get held(): readonly string[] {
    return [...this.#held].map((entry) => entry.slice(entry.indexOf(' ') + 1));
  }

  /** Opens the scope of one incarnation. */
  openScope(owner: ResourceOwner): ResourceScope {
    this.owners.push(owner);
    const who = `${owner.path}#${owner.incarnation}`;
    const scope = `${this.owners.length}`;
    return new FakeScope(owner, {
      grant: async (request, number) => {
        const facts = await this.#options.grant?.(request, owner);
        if (facts === undefined && isReal(request)) throw nothingToAttach(request);
        this.log.push(`${who} acquires ${subjectOf(request)}`);
        this.#held.add(`${scope}.${number} ${who}: ${subjectOf(request)}`);
        return facts;
      },
      release: async (request, number) => {
        this.log.push(`${who} releases ${subjectOf(request)}`);
        this.#held.delete(`${scope}.${number} ${who}: ${subjectOf(request)}`);
        await this.#options.release?.(request, owner);
      },
      end: () => this.log.push(`${who} ends`),
    });
  }
}

/** A kind without anything behind it; its lease shows the facts it was granted. */
export function fakeKind(kind = 'fake', name?: string): ResourceKind<FakeLease> {
  return {
    request: name === undefined ? { kind } : { kind, name },
    attach: (granted) => new FakeLease(kind, granted),
    standalone: () => Promise.resolve(fakeResources()),
  };
}

/** The lease of a {@link fakeKind}. */
export class FakeLease implements Lease {
  readonly kind: string;
  readonly name: string;
  /** What the provider answered. */
  readonly facts: unknown;
  readonly #granted: Granted;
  #releasing: Promise<void> | undefined;

  /** @internal Acquired by a {@link fakeKind}. */
  constructor(kind: string, granted: Granted) {
    this.kind = kind;
    this.name = granted.name;
    this.facts = granted.facts;
    this.#granted = granted;
  }

  /** Whether it was given back. */
  get released(): boolean {
    return this.#releasing !== undefined;
  }

  /** Gives it back; safe to call twice. */
  release(): Promise<void> {
    this.#releasing ??= this.#granted.giveBack();
    return this.#releasing;
  }

  /** Gives it back. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

interface Behind {
  grant(request: ResourceRequest, number: number): Promise<unknown>;
  release(request: ResourceRequest, number: number): Promise<void>;
  end(): void;
}

class FakeScope implements ResourceScope {
  readonly #owner: ResourceOwner;
  readonly #behind: Behind;
  readonly #granted = new Map<number, ResourceRequest>();
  readonly #granting = new Set<Promise<unknown>>();
  #last = 0;
  #closing: Promise<readonly unknown[]> | undefined;

  constructor(owner: ResourceOwner, behind: Behind) {
    this.#owner = owner;
    this.#behind = behind;
  }

  async grant(request: ResourceRequest): Promise<Grant> {
    if (this.#closing !== undefined) throw new ScopeClosedError(this.#owner.path, request.kind);
    this.#last += 1;
    const number = this.#last;
    const granting = this.#behind.grant(request, number);
    this.#granting.add(granting);
    try {
      const facts = await granting;
      this.#granted.set(number, request);
      return { number, name: request.name ?? `${request.kind}-${number}`, facts };
    } finally {
      this.#granting.delete(granting);
    }
  }

  async giveBack(number: number): Promise<void> {
    const request = this.#granted.get(number);
    if (request === undefined) return;
    this.#granted.delete(number);
    await this.#behind.release(request, number);
  }

  close(): Promise<readonly unknown[]> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    await Promise.allSettled(this.#granting);
    for (const number of [...this.#granted.keys()].reverse()) {
      try {
        await this.giveBack(number);
      } catch (error) {
        failures.push(error);
      }
    }
    this.#behind.end();
    return failures;
  }
}

/** What has settings beside its name was not made by {@link fakeKind}. A `custom()` attaches to nothing. */
function isReal(request: ResourceRequest): boolean {
  const settings = Object.keys(request).filter((key) => key !== 'kind' && key !== 'name');
  return settings.length > 0 && REAL_KINDS.has(request.kind);
}

const REAL_KINDS: ReadonlySet<string> = new Set([
  'mutex',
  'rw-lock',
  'semaphore',
  'snapshot-cell',
  'scoreboard',
  'file-lock',
  'pid-file',
  'temporary-file',
  'temporary-directory',
  'unix-socket',
  'process-group',
  'shared-memory',
  'semaphore-set',
  'posix-semaphore',
]);

function nothingToAttach(request: ResourceRequest): ResourceError {
  const { kind, name } = request;
  const fake = name === undefined ? `fakeKind('${kind}')` : `fakeKind('${kind}', '${name}')`;
  const advice = `fakeResources() makes nothing that it could attach to. Let the tree acquire ${fake} in its place, or give it a ResourceRegistry.`;
  return new ResourceError(subjectOf(request), 'acquire', undefined, advice);
}

function subjectOf({ kind, name }: ResourceRequest): string {
  return name === undefined ? kind : `${kind} "${name}"`;
}
