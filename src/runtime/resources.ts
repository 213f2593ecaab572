import type { Scope } from './scope.js';

/**
 * One owner's right to one resource, until it is released or the owner's scope closes. What a kind gives beyond that (bytes, `lock()`,
 * `read()`) is in its own lease type.
 */
export interface Lease extends AsyncDisposable {
  /** Which kind of resource, such as `'shared-memory'`. */
  readonly kind: string;
  /** Its name; one is made up for what was not given any. */
  readonly name: string;
  readonly released: boolean;
  /** Gives it back: lets go of it here, then its owner removes it. Safe to call twice; rejects with what failed, and is given back all the same. */
  release(): Promise<void>;
  /**
   * Called in place of `release` when the user's scope closes: gives it back in whatever state it is. A lock that is still held then counts
   * as held by somebody who died.
   */
  abandon?(): Promise<void>;
}

/** What is asked for, as plain data: a forked program asks its supervisor's process by message. */
export interface ResourceRequest {
  readonly kind: string;
  readonly name?: string | undefined;
}

/** What the owner of the registry has made, as plain data. */
export interface Grant {
  /** Its number within its scope, from 1. */
  readonly number: number;
  readonly name: string;
  /** What the user's half needs to reach it; each kind has its own. */
  readonly facts: unknown;
}

/** What the user's half of a kind is given: the grant, and how to give it back. */
export interface Granted {
  readonly name: string;
  readonly facts: unknown;
  /** Who uses it. */
  readonly user: ResourceUser;
  /** The lease was released: its owner removes what it stands for. Safe to call twice. */
  giveBack(): Promise<void>;
}

/** Who uses a resource. */
export interface ResourceUser {
  /** Where it stands in the tree; the registry's scope for what no child has acquired. */
  readonly path: string;
  readonly incarnation: number;
}

/**
 * A kind of resource with its settings, as the functions of `treewarden/resources` make it. It brings the code that makes its lease, as a
 * child spec brings its driver, so that no other part of the library names a kind.
 */
export interface ResourceKind<L extends Lease = Lease> {
  readonly request: ResourceRequest;
  /** The user's half: makes the lease where it is used. If it throws, what was granted is given back. */
  attach(granted: Granted): L | Promise<L>;
  /** The provider of last resort, for a tree that was given none, or for a program that nobody supervises. Closed with `tree`. */
  standalone(name: string, tree: Scope | undefined): Promise<ResourceProvider>;
}

/** For whom a scope is opened. */
export interface ResourceOwner extends ResourceUser {
  /** Closed once the whole tree has ended. */
  readonly tree?: Scope | undefined;
  /** The process group that uses it, where that is not this process's own: ended before anything is released once this process is dead. */
  readonly group?: OwnedGroup | undefined;
}

/** A process group that outlives this process unless it is ended. */
export interface OwnedGroup {
  /** The leader's pid, which is the group's id as well. */
  readonly pid: number;
  /** How long it has to end by itself once this process is dead, in ms, before it is killed; `Infinity` is waited for. */
  readonly graceMs: number;
}

/** The owner's half, for one incarnation: what it grants is released when that incarnation has ended, last in first out. */
export interface ResourceScope {
  /** Registers the resource, then makes it. @throws ScopeClosedError once closed */
  grant(request: ResourceRequest): Promise<Grant>;
  /** Releases one grant. Unknown numbers and those given back are ignored. */
  giveBack(number: number): Promise<void>;
  /** Releases everything, last granted first, past failures; resolves to the failures. Safe to call twice; never rejects. */
  close(): Promise<readonly unknown[]>;
}

/** Where the incarnations of a tree get their resources from; a `ResourceRegistry` is one. */
export interface ResourceProvider {
  /** A promise, where the provider itself is not there yet. */
  openScope(owner: ResourceOwner): ResourceScope | Promise<ResourceScope>;
}

/**
 * What a child has as `ctx.resources`: everything acquired is released when this incarnation ends, however it ends, before the next one starts.
 * A fork or thread that is asked to stop and reads `ctx.signal` lets go of it once it has drained: what uses it by itself, such as a timer, is
 * ended by `ctx.onDrain`. One that does not read it keeps it until it is ended.
 */
export interface ChildResources {
  /**
   * Acquires a resource for this incarnation. Where the tree was given no registry, the first call opens one, in the scope that the root's id names.
   *
   * @throws ScopeClosedError once the incarnation has ended
   * @throws NoResourcesError in a thread or fork of a bare `Supervisor` that was given no registry
   * @throws CapabilityError, ResourceLimitError, ResourceExistsError, AlreadyLockedError, SharedLayoutError or ResourceError for what its kind
   *   cannot have here; nothing is left of it then
   */
  acquire<L extends Lease>(kind: ResourceKind<L>): Promise<L>;
}
