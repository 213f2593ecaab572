import {
  type ChildStatus,
  checkDuration,
  type EventOf,
  type Exit,
  errorFacts,
  InvalidSpecError,
  type NodeAt,
  type PathsOf,
  type Snapshot,
  type StopReport,
  type SupervisionEvent,
  type SupervisionEvents,
  UnknownChildError,
  WrongStateError,
} from '../core/index.js';
import { Branch } from './branch.js';
import { Child } from './child.js';
import type { ChildSpec, Haste } from './driver.js';
import { Environment, type TreeOptions } from './environment.js';
import type { BranchPhase } from './phase.js';
import {
  type ChildCounts,
  type CompleteSpec,
  countChildren,
  deleteChild,
  getChildSpec,
  restartChild,
  startChild,
  terminateChild,
} from './requests.js';
import { type AnySupervisorSpec, type DynamicSpec, isSupervisorSpec, type SupervisorSpec } from './tree.js';

/** How a stop is limited. */
export interface StopOptions {
  /**
   * The budget for the whole stop, in ms, split down the tree; what has not ended by then is killed.
   * @defaultValue `25_000`
   */
  readonly graceMs?: number;
}

/** One line of `whichChildren`. */
export interface ChildEntry {
  readonly id: string;
  readonly kind: string;
  readonly status: ChildStatus;
  readonly incarnation: number;
}

/** What `startChild` takes: a spec, or for a dynamic supervisor the arguments of its template. */
export type StartArguments<Spec> = Spec extends DynamicSpec<string, infer Args> ? Args : [spec: ChildSpec];

/** The paths below a supervisor, as far as the compiler knows its children. */
export type ChildPathOf<Spec> =
  Spec extends SupervisorSpec<string, infer Children>
    ? number extends Children['length']
      ? string
      : PathsOf<Spec>
    : string;

/** The spec at a path, or any spec where the compiler cannot know. */
export type SpecAt<Spec, Path extends string> = [NodeAt<Spec, Path>] extends [never]
  ? ChildSpec
  : NodeAt<Spec, Path> extends infer Found extends ChildSpec
    ? Found
    : ChildSpec;

export const DEFAULT_GRACE_MS = 25_000;

/**
 * A supervisor: it starts its children in order, watches them, restarts them by policy, and stops them. The root of a tree is one, and so is
 * every branch of it. It touches no signal and no global; `supervise()` is the front door for a whole program.
 *
 * @example
 * ```ts
 * const root = new Supervisor(supervisor('shop', { children: [task('rates', refreshRates)] }));
 * await root.start();
 * await root.stop();
 * ```
 */
export class Supervisor<Spec extends AnySupervisorSpec = AnySupervisorSpec> {
  readonly #branch: Branch;
  readonly #done: Promise<Exit>;
  #stop: Promise<StopReport> | undefined;

  /**
   * @param spec - what `supervisor()` or `dynamic()` returned
   * @throws InvalidSpecError if it is something else.
   */
  constructor(spec: Spec, options: TreeOptions = {}) {
    if (typeof spec !== 'object' || spec === null || !isSupervisorSpec(spec)) throw notASupervisor(spec);
    const branch = prepared ?? new Branch(spec, new Environment(options));
    prepared = undefined;
    this.#branch = branch;
    this.#done = new Promise((resolve) =>
      branch.lifetime.once('stopped', async () => {
        await branch.closed;
        resolve(branch.finalExit as Exit);
      }),
    );
  }

  /** @internal The supervisor that a branch of a running tree is. */
  static of(branch: Branch): Supervisor {
    const known = facades.get(branch);
    if (known !== undefined) return known;
    prepared = branch;
    const made = new Supervisor(branch.spec);
    facades.set(branch, made);
    return made;
  }

  get id(): string {
    return this.#branch.spec.id;
  }

  get path(): string {
    return this.#branch.path;
  }

  /** `'new'`, `'starting'`, `'ready'`, `'stopping'`, `'stopped'`. */
  get status(): BranchPhase {
    return this.#branch.phase;
  }

  /** Resolves to how the supervisor ended, once it has. Never rejects. */
  get done(): Promise<Exit> {
    return this.#done;
  }

  /**
   * Starts the children, each when the one before is ready. Resolves once all are.
   *
   * @throws StartError if one cannot be started; those that had been are stopped again first.
   * @throws WrongStateError if it was started before, or is stopped before or meanwhile.
   */
  start(): Promise<this> {
    const branch = this.#branch;
    return new Promise((resolve, reject) => {
      if (branch.phase !== 'new') {
        const obstacle = branch.begun ? 'already_running' : 'stopping';
        return reject(new WrongStateError(branch.path, 'start', obstacle));
      }
      const forget = branch.lifetime.once('ready', () => resolve(this));
      branch.lifetime.once('stopped', () => {
        forget();
        reject(branch.startError ?? new WrongStateError(branch.path, 'start', 'stopping'));
      });
      branch.begin();
    });
  }

  /**
   * Stops the children, then itself: drain, stop, kill, within one budget. Resolves to how that went, once nothing is left but what
   * outlived its kill. Called again it resolves to the same report. A supervisor inside a tree is restarted by its parent if it is permanent;
   * to keep it down, stop it by its parent's `terminateChild`.
   *
   * @throws InvalidSpecError if `graceMs` is out of range.
   */
  stop(options: StopOptions = {}): Promise<StopReport> {
    const { graceMs = DEFAULT_GRACE_MS } = options;
    checkDuration(`the stop of "${this.path}"`, 'graceMs', graceMs, 1);
    this.#stop ??= this.#stopWithin(graceMs);
    return this.#stop;
  }

  /** Whether {@link Supervisor.stop} has been called, so that an end can be told from one of its own. */
  get stopRequested(): boolean {
    return this.#stop !== undefined;
  }

  /** Climbs the ladder of a stop under way: `'stop'` leaves the drain step, `'kill'` ends everything at once. */
  hurry(level: Haste): void {
    this.#branch.hurry(level);
  }

  /**
   * Adds a child and starts it; of a dynamic supervisor, an instance. Resolves once it is ready.
   *
   * @throws InvalidSpecError if the spec is not valid.
   * @throws WrongStateError if there is a child of that id, no room, or the supervisor is stopping.
   * @throws StartError if it does not start; it is then forgotten.
   */
  async startChild(...args: StartArguments<Spec>): Promise<Child> {
    const slot = await startChild(this.#branch, args);
    return new Child(this.#branch, slot);
  }

  /**
   * Stops a child and keeps its spec, unless it is temporary or an instance. Cancels a restart that is pending.
   *
   * @throws UnknownChildError if there is none of that id.
   * @throws SurvivorError if it outlives its kill.
   */
  terminateChild(id: string): Promise<void> {
    return terminateChild(this.#branch, id);
  }

  /**
   * Starts a child that is down. Resolves once it is ready.
   *
   * @throws UnknownChildError, WrongStateError, or StartError if it does not start; that is not tried again.
   */
  async restartChild(id: string): Promise<Child> {
    const slot = await restartChild(this.#branch, id);
    return new Child(this.#branch, slot);
  }

  /**
   * Forgets a child that is down.
   *
   * @throws UnknownChildError or WrongStateError.
   */
  deleteChild(id: string): Promise<void> {
    return deleteChild(this.#branch, id);
  }

  /** The children, last started first. */
  whichChildren(): readonly ChildEntry[] {
    return [...this.#branch.slots.values()]
      .reverse()
      .map(({ id, spec, status, incarnation }) => ({ id, kind: spec.kind, status, incarnation }));
  }

  /** How many children there are, and how many of them run. */
  countChildren(): ChildCounts {
    return countChildren(this.#branch);
  }

  /**
   * A child's spec with every default filled in.
   * @throws UnknownChildError if there is none of that id.
   */
  getChildSpec(id: string): CompleteSpec {
    return getChildSpec(this.#branch, id);
  }

  /**
   * The child at a path relative to this supervisor, as in `workers/hash`.
   *
   * @throws UnknownChildError if there is none, or a supervisor on the way to it is down.
   */
  child<const Path extends ChildPathOf<Spec>>(path: Path): Child<SpecAt<Spec, Path>> {
    const ids = String(path).split('/');
    let branch = this.#branch;
    for (const id of ids.slice(0, -1)) {
      const body = branch.slots.get(id)?.life?.body;
      if (!(body instanceof Branch)) throw new UnknownChildError(branch.path, id, [...branch.slots.keys()]);
      branch = body;
    }
    const id = ids.at(-1) ?? '';
    const slot = branch.slots.get(id);
    if (slot === undefined) throw new UnknownChildError(branch.path, id, [...branch.slots.keys()]);
    return new Child(branch, slot);
  }

  /**
   * Listens to what happens here and below; `'*'` hears everything. Returns the function that removes the listener. A listener that
   * throws disturbs nothing; its error becomes a `listener:failed` event.
   */
  on<Type extends keyof SupervisionEvents>(type: Type, listener: (event: EventOf<Type>) => void): () => void {
    return this.#branch.emitter.on(type, listener);
  }

  /** @internal Tells the tree's listeners of what reached it from outside. */
  announce(event: SupervisionEvent): void {
    this.#branch.emit(event);
  }

  /** The tree from here, as plain data. */
  snapshot(): Snapshot {
    const { spec, path, phase, upMs } = this.#branch;
    return {
      id: spec.id,
      path,
      kind: spec.kind,
      status: STATUS_OF[phase],
      restart: spec.restart ?? 'permanent',
      incarnation: 1,
      restarts: 0,
      upMs,
      ...this.#branch.branch(),
    };
  }

  /** Stops it, within the default budget. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop().then(() => undefined);
  }

  async #stopWithin(graceMs: number): Promise<StopReport> {
    const branch = this.#branch;
    const { clock } = branch.environment;
    const startedAtMs = clock.now();
    if (branch.phase === 'new') {
      branch.endUnbegun();
      return emptyReport(graceMs);
    }
    branch.end({ type: 'shutdown' }, graceMs);
    // The ladders are cut to fit the budget; this ends what escapes them, such as a nested supervisor that was stopping already.
    const limit = clock.after(graceMs, () => branch.hurry('kill'));
    await this.#done;
    limit.cancel();
    const { ending, replaced } = branch.environment;
    const { children = [], survivors: last = [], failures = [] } = ending ?? {};
    for (const failure of (await branch.closed) ?? []) {
      failures.push({ subject: this.path, message: errorFacts(failure).message });
    }
    const survivors = [...last, ...replaced.values()];
    const slowestFirst = [...children].sort((a, b) => b.tookMs - a.tookMs);
    return { tookMs: clock.now() - startedAtMs, graceMs, children: slowestFirst, survivors, failures };
  }
}

/** A branch on its way into a facade: the public constructor takes a spec only. */
let prepared: Branch | undefined;
const facades = new WeakMap<Branch, Supervisor>();

const STATUS_OF: Record<BranchPhase, ChildStatus> = {
  new: 'down',
  starting: 'starting',
  ready: 'ready',
  stopping: 'stopping',
  stopped: 'down',
};

function emptyReport(graceMs: number): StopReport {
  return { tookMs: 0, graceMs, children: [], survivors: [], failures: [] };
}

function notASupervisor(spec: unknown): InvalidSpecError {
  return new InvalidSpecError('a Supervisor', {
    rule: 'invalid_type',
    field: 'the spec',
    value: spec,
    expected: 'what supervisor() or dynamic() returns; for a single child use supervise()',
  });
}
