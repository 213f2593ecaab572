import { InvalidSpecError, ScopeClosedError } from '../core/index.js';
import type { ContextOwner } from './context.js';
import type { ChildResources, Lease, ResourceKind, ResourceScope } from './resources.js';
import type { Scope } from './scope.js';

/** What one incarnation has acquired; asked again for the same context, the same. */
export function leasesOf(context: { readonly scope: Scope }, owner: ContextOwner): ChildResources {
  const known = LEASES.get(context);
  if (known !== undefined) return known;
  const made = new Leases(context.scope, owner);
  LEASES.set(context, made);
  return made;
}

const LEASES = new WeakMap<object, Leases>();

/** Leases in one order with all else that is undone at the end of an incarnation. */
class Leases implements ChildResources {
  readonly #end: Scope;
  readonly #owner: ContextOwner;
  #granting: Promise<ResourceScope> | undefined;

  /** @param end - closed when the incarnation ends */
  constructor(end: Scope, owner: ContextOwner) {
    this.#end = end;
    this.#owner = owner;
  }

  /**
   * What is being attached has its place in the order already: an end that comes meanwhile waits for it, and releases it at once. What is still
   * being granted is not waited for, since a grant may wait for somebody else; the close of the scope refuses it.
   */
  async acquire<L extends Lease>(kind: ResourceKind<L>): Promise<L> {
    checkKind(this.#owner.path, kind);
    this.#checkOpen(kind);
    this.#granting ??= this.#open(kind);
    let granted = false;
    const leasing = this.#lease(kind, this.#granting, {
      granted: () => (granted = true),
      released: () => forget(),
    });
    const forget = this.#end.defer(() =>
      granted
        ? leasing.then(
            (lease) => (lease.abandon ?? lease.release).call(lease),
            () => undefined,
          )
        : undefined,
    );
    try {
      const lease = await leasing;
      this.#checkOpen(kind);
      return lease;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async #lease<L extends Lease>(
    kind: ResourceKind<L>,
    granting: Promise<ResourceScope>,
    on: { granted(): void; released(): void },
  ): Promise<L> {
    const scope = await granting;
    this.#checkOpen(kind);
    const { number, name, facts } = await this.#apart(() => scope.grant(kind.request));
    // What was granted in vain is released by the close of the scope.
    this.#checkOpen(kind);
    on.granted();
    let given: Promise<void> | undefined;
    const giveBack = (): Promise<void> => {
      given ??= this.#apart(() => scope.giveBack(number)).finally(on.released);
      return given;
    };
    const { path, incarnation } = this.#owner;
    try {
      return await kind.attach({ name, facts, user: { path, incarnation }, giveBack });
    } catch (error) {
      const failures = await giveBack().then(
        () => [],
        (failure: unknown) => [failure],
      );
      throw asOne([error, ...failures]);
    }
  }

  /** Closed after all leases have been released, as the one that was opened before them. */
  #open(kind: ResourceKind): Promise<ResourceScope> {
    const opening = this.#apart(() => this.#openScope(kind));
    const forget = this.#end.defer(() =>
      opening.then(
        async (scope) => {
          const failures = await scope.close();
          if (failures.length > 0) throw asOne(failures);
        },
        () => undefined,
      ),
    );
    opening.catch(() => {
      forget();
      // The next acquire tries again.
      this.#granting = undefined;
    });
    return opening;
  }

  async #openScope(kind: ResourceKind): Promise<ResourceScope> {
    const { path, incarnation, tree, resources } = this.#owner;
    const root = path.split('/', 1)[0] ?? path;
    const provider = resources ?? (await kind.standalone(root, tree));
    return provider.openScope({ path, incarnation, tree });
  }

  #apart<R>(step: () => R): R {
    return this.#owner.apart === undefined ? step() : this.#owner.apart(step);
  }

  #checkOpen({ request }: ResourceKind): void {
    if (this.#end.closed) throw new ScopeClosedError(this.#owner.path, request.kind);
  }
}

/** `acquire(mutex)` in place of `acquire(mutex({ name: 'ledger' }))` is easily written where no compiler looks. */
function checkKind(owner: string, kind: Partial<ResourceKind> | undefined | null): void {
  if (kind?.request !== undefined && typeof kind.attach === 'function') return;
  throw new InvalidSpecError(`acquire() of "${owner}"`, {
    rule: 'invalid_option',
    field: 'kind',
    value: kind,
    expected: "what a function of treewarden/resources returns, such as mutex({ name: 'ledger' })",
  });
}

/** One failure as it is, several together. */
function asOne(failures: readonly unknown[]): unknown {
  if (failures.length === 1) return failures[0];
  const messages = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
  return new AggregateError(failures, messages.join('; '));
}
