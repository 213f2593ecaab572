import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import {
  type ChildStatus,
  type Exit,
  type ExitCause,
  errorFacts,
  type Snapshot,
  type StopReport,
} from '../core/index.js';
import {
  type AnySupervisorSpec,
  type Child,
  type ChildPathOf,
  type ChildSpec,
  type SpecAt,
  type StopOptions,
  Supervisor,
  type TreeOptions,
} from '../runtime/index.js';
import type { Fake } from './fake.js';
import { Fakes } from './fakes.js';
import { type Change, Timeline } from './timeline.js';
import { VirtualClock } from './virtual-clock.js';

/** How a test tree is set up. */
export interface TestTreeOptions<Path extends string = string> extends Omit<TreeOptions, 'clock'> {
  /** What the jitter of backoffs is taken from. @defaultValue `() => 0.5` */
  readonly random?: () => number;
  /** Children, or whole branches, that are run as they are instead of being replaced by fakes. */
  readonly real?: readonly Path[];
  /** Called before the tree starts, to tell fakes what they are to do from the first start on. */
  readonly prepare?: (fake: (path: Path) => Fake) => void;
}

/** What an expectation names: a path, or a path and the moment at which it must have happened. */
export type Expected<Path extends string> = Path | { readonly child: Path; readonly atMs: number };

/**
 * Starts a tree in virtual time with a fake for every leaf. Supervisors are the real ones, with all their settings and those of the leaves.
 * Resolves once everything that can happen at 0 ms has happened: the tree is ready, unless a fake was told to hold its start.
 *
 * @throws StartError if a child's start fails.
 * @example
 * ```ts
 * const tree = await testTree(shop);
 * await tree.crash('workers/hash');
 * tree.expectStarts(['workers/hash']);
 * await tree.crash('workers/hash');
 * tree.expectStatus('workers/hash', 'waiting');
 * await tree.advance(100);
 * tree.expectStatus('workers/hash', 'ready');
 * ```
 */
export async function testTree<const Spec extends AnySupervisorSpec>(
  spec: Spec,
  options: TestTreeOptions<ChildPathOf<Spec>> = {},
): Promise<TestTree<Spec>> {
  const tree = new TestTree(spec, options);
  await tree.start();
  tree.mark();
  return tree;
}

/** A tree in virtual time whose leaves do as they are told. Time stands still until it is advanced. */
export class TestTree<Spec extends AnySupervisorSpec = AnySupervisorSpec> {
  /** The root itself, for all that a supervisor offers; its requests need {@link TestTree.run} to get time. */
  readonly root: Supervisor<Spec>;
  readonly clock: VirtualClock = new VirtualClock();
  /** All that happened so far; printed when an expectation fails. */
  readonly timeline: Timeline;
  readonly #fakes: Fakes;
  #outcome: Exit | undefined;

  constructor(spec: Spec, options: TestTreeOptions<ChildPathOf<Spec>> = {}) {
    const { real = [], prepare, random = () => 0.5, ...rest } = options;
    this.timeline = new Timeline(spec.id);
    this.#fakes = new Fakes(spec.id, real);
    this.root = new Supervisor(this.#fakes.inTree(spec), { ...rest, random, clock: this.clock });
    this.root.on('*', (event) => this.timeline.add(event));
    // Never rejects.
    void this.root.done.then((exit) => {
      this.#outcome = exit;
    });
    prepare?.((path) => this.fake(path));
  }

  /**
   * Starts the tree, as {@link testTree} has done already; for those who make the tree themselves to look at its start. No time passes: where a start is held, this resolves and the tree goes on starting.
   *
   * @throws StartError if a child's start fails, WrongStateError if it was started before.
   */
  async start(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    // What it rejects with after this call is found in `outcome`.
    void this.root.start().catch((error: unknown) => {
      failure = { error };
    });
    await this.settle();
    if (failure !== undefined) throw failure.error;
  }

  // --- Time ---------------------------------------------------------------------------------------------------------------------------

  /** The present moment, in virtual ms since the tree was made. */
  get nowMs(): number {
    return this.clock.now();
  }

  /** Lets `ms` pass, and everything that falls into them happen. */
  advance(ms: number): Promise<void> {
    return this.#explained(this.clock.advance(ms));
  }

  /** Lets everything happen that can without time passing. */
  settle(): Promise<void> {
    return this.#explained(this.clock.settle());
  }

  /**
   * Lets time pass until `promise` settles, and answers as it does: `await tree.run(tree.root.restartChild('rates'))`.
   *
   * @throws AssertionError if nothing is left that could settle it.
   */
  run<T>(promise: PromiseLike<T>): Promise<T> {
    return this.#explained(this.clock.run(promise));
  }

  /** Stops the tree, letting time pass as needed. To look at it meanwhile, call `root.stop()` and {@link advance}. */
  stop(options?: StopOptions): Promise<StopReport> {
    return this.run(this.root.stop(options));
  }

  // --- Faults: each is done at once, and everything that follows at this moment has followed when it resolves --------------------------

  /** The child ends as failed. */
  crash(path: ChildPathOf<Spec>, error: unknown = new Error('told to crash')): Promise<void> {
    const { name, message } = errorFacts(error);
    return this.#tell(path, `crash: ${name}: ${message}`, (fake) => fake.crash(error));
  }

  /** The child ends by itself, its work done. */
  finish(path: ChildPathOf<Spec>): Promise<void> {
    return this.#tell(path, 'finish', (fake) => fake.finish());
  }

  /** The child ends in this way. */
  exit(path: ChildPathOf<Spec>, exit: Exit): Promise<void> {
    return this.#tell(path, `exit: ${exit.type}`, (fake) => fake.exit(exit));
  }

  /** The child ends as a program does: with this exit code, 0 if its work is done, or by this signal from outside. */
  exitBy(path: ChildPathOf<Spec>, cause: ExitCause): Promise<void> {
    return this.#tell(path, `exit by ${cause}`, (fake) => fake.exitBy(cause));
  }

  /** The child reports a fault but lives on, as by `ctx.fail`. */
  fail(path: ChildPathOf<Spec>, reason?: unknown): Promise<void> {
    return this.#tell(path, 'fail', (fake) => fake.fail(reason));
  }

  /** The child gives no more heartbeats. */
  stall(path: ChildPathOf<Spec>): Promise<void> {
    return this.#tell(path, 'stall', (fake) => fake.stall());
  }

  /** The child gives no more heartbeats, and will take no notice of a stop. */
  hang(path: ChildPathOf<Spec>): Promise<void> {
    return this.#tell(path, 'hang', (fake) => fake.hang());
  }

  /** The child's start, which was held, is ready. */
  becomeReady(path: ChildPathOf<Spec>): Promise<void> {
    return this.#tell(path, 'become ready', (fake) => fake.becomeReady());
  }

  /**
   * The fake at a path, to be told what it is to do when it is started, drained, stopped or killed.
   *
   * @throws AssertionError if the child there is a supervisor, or runs as it is.
   */
  fake(path: ChildPathOf<Spec>): Fake {
    return this.#fakes.named(path);
  }

  /** The spec with fakes in place of what it would run, for `root.startChild` and its like. A dynamic supervisor's instances are fakes already. */
  faked<Added extends ChildSpec>(spec: Added, parent = ''): Added {
    return this.#fakes.in(spec, parent);
  }

  // --- What there is, and what has happened --------------------------------------------------------------------------------------------

  /** @throws UnknownChildError if there is none, or a supervisor on the way to it is down. */
  child<const Path extends ChildPathOf<Spec>>(path: Path): Child<SpecAt<Spec, Path>> {
    return this.root.child(path);
  }

  /** How the tree ended; undefined while it lives. */
  get outcome(): Exit | undefined {
    return this.#outcome;
  }

  /** The tree at this moment, as plain data. */
  snapshot(): Snapshot {
    return this.root.snapshot();
  }

  /** From here on the lists and expectations count anew. {@link testTree} leaves one behind the start. */
  mark(): void {
    this.timeline.mark();
  }

  /** The starts since the last {@link mark}: of all leaves, or of one child, which may be a supervisor. */
  starts(path?: ChildPathOf<Spec>): readonly Change[] {
    return this.#changes('start', path);
  }

  /** The ends since the last {@link mark}, asked for or not: of all leaves, or of one child. */
  ends(path?: ChildPathOf<Spec>): readonly Change[] {
    return this.#changes('end', path);
  }

  /** The ends since the last {@link mark} that a supervisor had asked for: of all leaves, or of one child. */
  stops(path?: ChildPathOf<Spec>): readonly Change[] {
    return this.ends(path).filter(({ asked }) => asked);
  }

  // --- Expectations: each throws an AssertionError that shows the timeline --------------------------------------------------------------

  /** Since the last {@link mark} these leaves, and no others, were started, in this order. */
  expectStarts(expected: readonly Expected<ChildPathOf<Spec>>[]): void {
    this.#compare('starts', named(this.starts(), expected), expected, this.expectStarts);
  }

  /** Since the last {@link mark} these leaves, and no others, ended because they were asked to, in this order. */
  expectStops(expected: readonly Expected<ChildPathOf<Spec>>[]): void {
    this.#compare('stops', named(this.stops(), expected), expected, this.expectStops);
  }

  /** Since the last {@link mark} just this happened to leaves: `['end api', 'start api']`. */
  expectOrder(expected: readonly `${'start' | 'end'} ${ChildPathOf<Spec>}`[]): void {
    const actual = this.timeline.changes().filter(isLeaf);
    this.#compare(
      'order of starts and ends',
      actual.map(({ change, child }) => `${change} ${child}`),
      expected,
      this.expectOrder,
    );
  }

  /** @throws AssertionError, with the timeline, unless the child at `path` has this status now. */
  expectStatus(path: ChildPathOf<Spec>, expected: ChildStatus): void {
    this.#compare(`status of "${path}"`, this.child(path).status, expected, this.expectStatus);
  }

  /** The last end of a child was like this; what `expected` leaves out may be anything. */
  expectExit(path: ChildPathOf<Spec>, expected: Partial<Exit>): void {
    const actual = this.child(path).lastExit?.exit;
    this.#compare(`last exit of "${path}"`, partOf(actual, expected), expected, this.expectExit);
  }

  /** The tree has ended like this, or is still alive: `'alive'`. What `expected` leaves out may be anything. */
  expectOutcome(expected: Partial<Exit> | 'alive'): void {
    const actual =
      this.#outcome === undefined || expected === 'alive'
        ? (this.#outcome ?? 'alive')
        : partOf(this.#outcome, expected);
    this.#compare('outcome', actual, expected, this.expectOutcome);
  }

  /** Nothing lives and no timer is set: how a tree must leave the world once it has ended. */
  expectNothingLeft(): void {
    const alive = this.#fakes.alive.map(({ path }) => path);
    const left = { alive, timers: this.clock.timers };
    this.#compare('what is left', left, { alive: [], timers: 0 }, this.expectNothingLeft);
  }

  /** Stops the tree. What was told to survive its kill is let go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #changes(change: Change['change'], path: string | undefined): readonly Change[] {
    const wanted = path === undefined ? isLeaf : (entry: Change): boolean => entry.child === path;
    return this.timeline.changes().filter((entry) => entry.change === change && wanted(entry));
  }

  #tell(path: string, told: string, act: (fake: Fake) => void): Promise<void> {
    this.timeline.add({ type: 'told', child: path, told, atMs: this.nowMs });
    return this.#explained(
      Promise.resolve().then(() => {
        act(this.#fakes.named(path));
        return this.clock.settle();
      }),
    );
  }

  /** The stack of the error begins where `expectation` was called, so that a test's report shows the test. */
  #compare(what: string, actual: unknown, expected: unknown, expectation: (...args: never[]) => void): void {
    if (isDeepStrictEqual(actual, expected)) return;
    throw new AssertionError({
      message: `The ${what} in "${this.root.id}" must be ${show(expected)}, but is ${show(actual)}.\n\n${this.timeline}`,
      actual,
      expected,
      operator: 'deepStrictEqual',
      stackStartFn: expectation,
    });
  }

  /** Adds the timeline to what the clock or a fake complains of. */
  async #explained<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      if (error instanceof AssertionError) error.message += `\n\n${this.timeline}`;
      throw error;
    }
  }
}

function isLeaf({ kind }: Change): boolean {
  return kind !== 'supervisor' && kind !== 'dynamic';
}

/** What happened in the form of what is expected: with the moment where that names one. */
function named(
  changes: readonly Change[],
  expected: readonly Expected<string>[],
): readonly Expected<string>[] {
  return changes.map(({ child, atMs }, at) => (typeof expected[at] === 'object' ? { child, atMs } : child));
}

/** Only the keys that are expected, so that the rest may be anything. */
function partOf(actual: object | undefined, expected: object): unknown {
  if (actual === undefined) return undefined;
  return Object.fromEntries(
    Object.keys(expected).map((key) => [key, (actual as Record<string, unknown>)[key]]),
  );
}

function show(value: unknown): string {
  return JSON.stringify(value, undefined, 1)?.replaceAll(/\n\s*/g, ' ') ?? 'undefined';
}
