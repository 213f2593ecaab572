import { DeadlineError, DrainingError, StopRequestedError } from '../core/index.js';
import type { Logger } from './logger.js';
import type { ChildResources, ResourceProvider } from './resources.js';
import { Scope } from './scope.js';
import { isThenable } from './thenable.js';

/** What a supervised function or program is given; the same in a task, a thread and a forked program. */
export interface ChildContext {
  readonly id: string;
  /** Where it stands in the tree, as in `shop/workers/hash`. */
  readonly path: string;
  /** Which life this is, from 1. */
  readonly incarnation: number;
  /**
   * Aborted when the child is asked to stop: take no new work. Its reason is a StopRequestedError, or the fault. Aborted as well when this
   * incarnation ends in any other way, so that nothing it has left behind works beside the next one.
   */
  readonly signal: AbortSignal;
  /** Aborted when the time to stop is over: whatever still runs is cut off. */
  readonly deadline: AbortSignal;
  readonly log: Logger;
  /**
   * Shared memory, locks and the rest of `treewarden/resources`. What is acquired here is released when this incarnation ends, however it ends,
   * before the next one starts: in one order with what is deferred, last first.
   */
  readonly resources: ChildResources;
  /** Says that the child can serve. Needed with `ready: 'explicit'`; harmless otherwise. */
  ready(): void;
  /** Shows progress. Silence longer than `stallAfterMs` is a fault. */
  heartbeat(): void;
  /** Reports a fault that arrived as an event: this incarnation ends as failed, whatever it does next. */
  fail(reason: unknown): void;
  /**
   * Runs `work` to its end before a stop goes on: both steps or neither.
   * @throws DrainingError, without running `work`, once the child was asked to stop.
   */
  critical<T>(work: () => T | PromiseLike<T>): Promise<T>;
  /** Registers what closes the intake or finishes work when a stop begins. Hooks run one after another, last registered first. */
  onDrain(hook: () => unknown): void;
  /** Asks for more time to drain: `ms` from now, within the cap. Returns what is granted, in ms. */
  extend(ms: number): number;
  /** Registers what must be undone when this incarnation ends, however it ends. Last registered first. */
  defer(release: () => unknown): void;
}

/** Where a context's news go. */
export interface ContextOwner {
  readonly id: string;
  readonly path: string;
  readonly incarnation: number;
  readonly log: Logger;
  /** Where it gets its resources from; without one each kind knows a provider of last resort. */
  readonly resources?: ResourceProvider | undefined;
  /** Closed once the whole tree has ended. */
  readonly tree?: Scope | undefined;
  ready(): void;
  heartbeat(): void;
  fail(reason: unknown): void;
  extend(ms: number): number;
  /** Runs a step whose doings outlive this life, and are not to be taken for the child's. */
  apart?<R>(step: () => R): R;
}

/** What a child has used of its context. Very many use nothing, and an AbortSignal alone costs 2.4 µs: each part is made when it is asked for. */
interface Used {
  readonly hooks: (() => unknown)[];
  /** Critical sections under way. */
  critical: number;
  /** Called once none is left. */
  quiet?: () => void;
  signal?: AbortController;
  deadline?: AbortController;
  scope?: Scope;
  resources?: ChildResources;
}

/** The context of one incarnation, and the two ends by which its owner stops it. */
export class IncarnationContext implements ChildContext {
  readonly #owner: ContextOwner;
  #stage: 'open' | 'stopping' | 'late' = 'open';
  #stopReason: unknown;
  #released = false;
  #used: Used | undefined;

  constructor(owner: ContextOwner) {
    this.#owner = owner;
  }

  get id(): string {
    return this.#owner.id;
  }

  get path(): string {
    return this.#owner.path;
  }

  get incarnation(): number {
    return this.#owner.incarnation;
  }

  get log(): Logger {
    return this.#owner.log;
  }

  get signal(): AbortSignal {
    const used = this.#use();
    if (used.signal === undefined) {
      used.signal = new AbortController();
      if (this.stopping) this.#abort(used.signal);
    }
    return used.signal.signal;
  }

  get deadline(): AbortSignal {
    const used = this.#use();
    if (used.deadline === undefined) {
      used.deadline = new AbortController();
      if (this.#stage === 'late') used.deadline.abort(new DeadlineError(this.path));
    }
    return used.deadline.signal;
  }

  /** Made when it is asked for, and its code loaded with the first acquire: most children acquire nothing. */
  get resources(): ChildResources {
    const used = this.#use();
    used.resources ??= {
      acquire: async (kind) => {
        const { leasesOf } = await import('./leases.js');
        return leasesOf(this, this.#owner).acquire(kind);
      },
    };
    return used.resources;
  }

  /** What is undone when this incarnation ends; closed from then on. */
  get scope(): Scope {
    const used = this.#use();
    used.scope ??= new Scope();
    if (this.#released) void used.scope.close();
    return used.scope;
  }

  ready(): void {
    this.#owner.ready();
  }

  heartbeat(): void {
    this.#owner.heartbeat();
  }

  fail(reason: unknown): void {
    this.#owner.fail(reason);
  }

  extend(ms: number): number {
    return this.#owner.extend(ms);
  }

  async critical<T>(work: () => T | PromiseLike<T>): Promise<T> {
    if (this.stopping) throw new DrainingError(this.path);
    const used = this.#use();
    used.critical += 1;
    try {
      return await work();
    } finally {
      used.critical -= 1;
      if (used.critical === 0) used.quiet?.();
    }
  }

  onDrain(hook: () => unknown): void {
    this.#use().hooks.push(hook);
  }

  defer(release: () => unknown): void {
    if (this.#released) void this.#releaseLate(release);
    else this.scope.defer(release);
  }

  /** Whether the child has been asked to stop. */
  get stopping(): boolean {
    return this.#stage !== 'open';
  }

  /** How many critical sections are open. */
  get sections(): number {
    return this.#used?.critical ?? 0;
  }

  /** Whether a drain would have anything to wait for. */
  get busy(): boolean {
    return this.#used !== undefined && (this.#used.critical > 0 || this.#used.hooks.length > 0);
  }

  /** Whether anybody has asked for a signal. */
  get observed(): boolean {
    return this.#used?.signal !== undefined || this.#used?.deadline !== undefined;
  }

  /** Whether anything is to be undone at the end. */
  get deferred(): boolean {
    return this.#used?.scope !== undefined;
  }

  /** Closes the intake: aborts `signal`, and lets no new critical section begin. */
  closeIntake(reason?: unknown): void {
    if (this.stopping) return;
    this.#stage = 'stopping';
    this.#stopReason = reason;
    if (this.#used?.signal !== undefined) this.#abort(this.#used.signal);
  }

  // The reason is an Error, which costs 2 µs: made only for those who look at the signal.
  #abort(signal: AbortController): void {
    signal.abort(this.#stopReason ?? new StopRequestedError(this.path));
  }

  /**
   * Closes the intake, runs the drain hooks, and waits for the critical sections. Hooks that fail are handed to `onFailure` and do not
   * keep the others from running. Over at once, without a promise, where no hook returns one and no section runs.
   */
  drain(onFailure: (error: unknown) => void): Promise<void> | undefined {
    this.closeIntake();
    const { hooks } = this.#use();
    for (let hook = hooks.pop(); hook !== undefined; hook = hooks.pop()) {
      const running = attempt(hook, onFailure);
      if (isThenable(running)) return this.#finishDrain(running, hooks, onFailure);
    }
    return this.#quiet();
  }

  async #finishDrain(
    running: PromiseLike<unknown>,
    hooks: (() => unknown)[],
    onFailure: (error: unknown) => void,
  ): Promise<void> {
    for (let next: unknown = running; next !== undefined; next = hooks.pop()) {
      try {
        await (typeof next === 'function' ? next() : next);
      } catch (error) {
        onFailure(error);
      }
    }
    await this.#quiet();
  }

  /** Until no critical section runs; at once, without a promise, where none does. */
  #quiet(): Promise<void> | undefined {
    const used = this.#use();
    return used.critical === 0 ? undefined : new Promise((resolve) => (used.quiet = resolve));
  }

  /** The time is over: aborts `deadline`. */
  passDeadline(): void {
    this.closeIntake();
    this.#stage = 'late';
    this.#used?.deadline?.abort(new DeadlineError(this.path));
  }

  /** Undoes what was deferred; resolves to what failed. At once, without a promise, where nothing was deferred. */
  release(): Promise<readonly unknown[]> | undefined {
    this.#released = true;
    return this.#used?.scope?.close();
  }

  #use(): Used {
    this.#used ??= { hooks: [], critical: 0 };
    return this.#used;
  }

  /** What is deferred after the end is undone at once, so that nothing is forgotten; a failure is a stray error. */
  async #releaseLate(release: () => unknown): Promise<void> {
    try {
      await release();
    } catch (error) {
      this.#owner.fail(error);
    }
  }
}

/** Runs a hook; what it throws is handed over like what its promise rejects with. */
function attempt(hook: () => unknown, onFailure: (error: unknown) => void): unknown {
  try {
    return hook();
  } catch (error) {
    onFailure(error);
    return undefined;
  }
}
