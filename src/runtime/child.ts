import {
  CallError,
  type ChildPath,
  type ChildStatus,
  type ExitRecord,
  type Snapshot,
  type StopObstacle,
  WrongStateError,
} from '../core/index.js';
import type { Branch } from './branch.js';
import { systemClock } from './clock.js';
import type { CallOptions, ChildOutput, ChildSpec, Transferable, Usage } from './driver.js';
import { bringUp, restartChild, terminateChild } from './requests.js';
import type { Slot } from './slot.js';
import { Supervisor } from './supervisor.js';
import type { AnySupervisorSpec } from './tree.js';
import type { Waiter } from './waiters.js';

/** The functions that a child exposes, as its spec declares them. */
export type ExposedBy<Spec> = Spec extends { readonly exposes?: infer Api } ? Api : unknown;

type Method<Api> = unknown extends Api ? string : keyof Api & string;
type Arguments<Api, Name> = Name extends keyof Api
  ? Api[Name] extends (...args: infer Args) => unknown
    ? Args
    : never
  : unknown[];
type Answer<Api, Name> = Name extends keyof Api
  ? Api[Name] extends (...args: never[]) => infer Result
    ? Awaited<Result>
    : never
  : unknown;

/**
 * A child in its supervisor. The handle stays valid through restarts: it speaks of the child, not of one incarnation.
 */
export class Child<Spec extends ChildSpec = ChildSpec> {
  readonly #branch: Branch;
  readonly #slot: Slot;

  /** @internal Handles come from `child(path)` and `startChild`. */
  constructor(branch: Branch, slot: Slot) {
    this.#branch = branch;
    this.#slot = slot;
  }

  get id(): string {
    return this.#slot.id;
  }

  /** Where it stands: the ids from the root to it, joined by `/`. */
  get path(): ChildPath {
    return this.#slot.path;
  }

  get kind(): string {
    return this.#slot.spec.kind;
  }

  get spec(): Spec {
    // Safe: the handle was made for the spec at its path.
    return this.#slot.spec as Spec;
  }

  get status(): ChildStatus {
    return this.#slot.status;
  }

  /** The current life, or the last one, counted from 1; 0 before the first. */
  get incarnation(): number {
    return this.#slot.incarnation;
  }

  /** How its last life ended. */
  get lastExit(): ExitRecord | undefined {
    return this.#slot.lastExit;
  }

  /** The process id, for children that are processes of their own and are running. */
  get pid(): number | undefined {
    return this.#slot.life?.body?.facts?.().pid;
  }

  /** The supervisor that runs here, for a child that is one; a new object for every incarnation. */
  get supervisor(): Spec extends AnySupervisorSpec ? Supervisor<Spec> | undefined : undefined {
    const body = this.#slot.life?.body;
    // Safe: of the bodies only a branch has a policy.
    const nested =
      body !== undefined && 'policy' in body ? Supervisor.of(body as unknown as Branch) : undefined;
    return nested as Spec extends AnySupervisorSpec ? Supervisor<Spec> | undefined : undefined;
  }

  /**
   * Resolves as soon as the child is ready; if it is already, in the next turn of the event loop, where news of its end that is on the way is
   * known. Rejects with WrongStateError when it stays down.
   *
   * @param options - `signal`: takes the wait back, which then rejects with its reason; the child goes on as it was
   */
  async whenReady({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted();
    let leave = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const waiter: Waiter = { resolve, reject };
        leave = () => {
          this.#slot.awaited?.leave(waiter);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', leave);
        if (this.#slot.status !== 'ready') return this.#awaitReady(waiter);
        // A caller who tries again whenever the child is ready would otherwise go round in microtasks, and never let the end arrive.
        systemClock.yield(() => {
          if (this.#slot.status === 'ready' || signal?.aborted) resolve();
          else this.#awaitReady(waiter);
        });
      });
    } finally {
      signal?.removeEventListener('abort', leave);
    }
  }

  #awaitReady(waiter: Waiter): void {
    const down = this.#slot.status === 'down' && !this.#branch.comesBack(this.#slot);
    if (this.#slot.removed || down) waiter.reject(new WrongStateError(this.path, 'whenReady', 'not_running'));
    else this.#slot.waiters.awaitReady(waiter);
  }

  /**
   * Stops the child: drain, stop, kill, each within its time. It stays down until `restart`, or until a sibling's failure restarts their
   * group. Resolves once it is gone; safe to call twice.
   *
   * @throws SurvivorError if it outlives its kill.
   */
  stop(): Promise<void> {
    return terminateChild(this.#branch, this.id);
  }

  /**
   * Brings the child up, if it is not: at once, where its restart is due only later. Resolves once it is ready. Not counted as a restart.
   *
   * @param options - `once`: its end is no reason for a restart, also where it runs already; until the next `start()` or `restart()`
   * @throws StartError if it does not start; WrongStateError if it stays down, or its supervisor stops.
   */
  start(options: { readonly once?: boolean } = {}): Promise<void> {
    return bringUp(this.#branch, this.id, options.once === true);
  }

  /** Stops the child if it runs, then starts it. Resolves once it is ready. Not counted as a restart. */
  async restart(): Promise<void> {
    if (this.#slot.status !== 'down') await this.stop();
    await restartChild(this.#branch, this.id);
  }

  /** Sends an operating-system signal to its process; false if it has none. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#slot.life?.body?.signal?.(signal) ?? false;
  }

  /** Asks its program to read its settings anew, by its `reloadSignal`; false if it has none, or is not running. */
  reload(): boolean {
    return this.#slot.reload();
  }

  /**
   * Suspends all its processes, until `resume()`, a stop or a restart; false if it has none, or is being stopped. Its heartbeats are not missed
   * meanwhile.
   */
  pause(): boolean {
    return this.#slot.pause(true);
  }

  /** Lets its processes go on; false if it has none. */
  resume(): boolean {
    return this.#slot.pause(false);
  }

  /** What stands in the way of its end at this moment, worst first; of a supervisor, in the way of its children. Empty where nothing is seen. */
  explainStop(): readonly StopObstacle[] {
    return this.#slot.explain();
  }

  /** What its processes use at this moment, together; nothing where it has none, or the platform cannot say. */
  usage(): Usage | undefined {
    return this.#slot.life?.body?.usage?.();
  }

  /** What its present program writes, where that is captured. */
  output(): ChildOutput | undefined {
    return this.#slot.life?.body?.output?.();
  }

  /**
   * Calls a function that the child exposes, and waits for the answer.
   *
   * @throws CallError if no answer comes: the child is not running, exits first, takes longer than `timeoutMs`, or does not expose it.
   * @throws RemoteError if the function throws.
   */
  call<Name extends Method<ExposedBy<Spec>>>(
    method: Name,
    args: Arguments<ExposedBy<Spec>, Name>,
    options: CallOptions = {},
  ): Promise<Answer<ExposedBy<Spec>, Name>> {
    const body = this.#slot.status === 'ready' ? this.#slot.life?.body : undefined;
    if (body === undefined) {
      const detail = `it is ${this.#slot.status}. Await whenReady() first.`;
      return Promise.reject(new CallError(this.path, method, 'child-not-running', detail));
    }
    if (body.call === undefined) {
      const detail = `a ${this.kind} has no channel. Calls need a thread or a fork.`;
      return Promise.reject(new CallError(this.path, method, 'not-exposed', detail));
    }
    // Safe: what the child answers is what its spec declares.
    return body.call(method, args as readonly unknown[], options) as Promise<Answer<ExposedBy<Spec>, Name>>;
  }

  /** Calls without waiting for an answer; false if it could not be sent. */
  cast<Name extends Method<ExposedBy<Spec>>>(
    method: Name,
    args: Arguments<ExposedBy<Spec>, Name>,
    transfer?: readonly Transferable[],
  ): boolean {
    return this.#slot.life?.body?.cast?.(method, args as readonly unknown[], transfer) ?? false;
  }

  /** The child at this moment, as plain data. */
  snapshot(): Snapshot {
    return this.#slot.snapshot();
  }
}
