import type { Exit, ExitCause, Snapshot, Survivor } from '../core/index.js';
import {
  type AnySupervisorSpec,
  type ChildPathOf,
  type ChildSpec,
  isSupervisorSpec,
} from '../runtime/index.js';
import type { Fake, FakeDrain, FakeKill, FakeStart, FakeStop } from './fake.js';
import { TestTree } from './test-tree.js';
import type { Change } from './timeline.js';

/** What befalls a child at one moment. */
export type Fault<Path extends string = string> = {
  /** When, in ms since the start; from 0. */
  readonly atMs: number;
  readonly child: Path;
} & (
  | { readonly fault: 'crash'; readonly error?: unknown }
  /** It ends by itself, its work done. */
  | { readonly fault: 'finish' }
  | { readonly fault: 'exit'; readonly exit: Exit }
  /** It ends as a program does: with this exit code, or by this signal. */
  | { readonly fault: 'exit-by'; readonly cause: ExitCause }
  /** It reports a fault but lives on until it is stopped. */
  | { readonly fault: 'fail'; readonly error?: unknown }
  /** It gives no more heartbeats. */
  | { readonly fault: 'stall' }
  /** It gives no more heartbeats, and ignores its stop. */
  | { readonly fault: 'hang' }
  /** Its next starts fail. */
  | { readonly fault: 'fail-starts'; readonly times: number }
  /** It declines its next starts. */
  | { readonly fault: 'decline-starts'; readonly times: number }
  /** From now on it does this when it is started, drained, stopped or killed. */
  | {
      readonly fault: 'behave';
      readonly start?: FakeStart;
      readonly drain?: FakeDrain;
      readonly stop?: FakeStop;
      readonly kill?: FakeKill;
    }
);

/** How a simulation is set up. */
export interface SimulationOptions {
  /** How long it goes on, in ms since the start; at most a day. @defaultValue until nothing is left to happen, at most an hour after the last fault */
  readonly untilMs?: number;
  /** When the whole tree is asked to stop, in ms. @defaultValue never */
  readonly stopAtMs?: number;
  /** The budget of that stop, in ms. */
  readonly graceMs?: number;
  /** What the jitter of backoffs is taken from. @defaultValue `() => 0.5` */
  readonly random?: () => number;
}

/** What would happen, as plain data; paths are from the root. */
export interface Simulation {
  /** Starts and ends of all children, supervisors included, in order; without those of the first start. */
  readonly changes: readonly Change[];
  /** Who is started, in order. Leaves only, as in all lists of paths. */
  readonly starts: readonly string[];
  /** Who is stopped because somebody else failed, or the tree ended, in order. */
  readonly stops: readonly string[];
  /** The supervisors that gave up. */
  readonly gaveUp: readonly string[];
  readonly survivors: readonly Survivor[];
  /** How the tree ended; absent if it still runs. */
  readonly outcome?: Exit;
  /** When the last of this happened, in ms since the start. */
  readonly endedAtMs: number;
  /** The tree as it is then. */
  readonly tree: Snapshot;
  /** All of it, to be read by people. */
  readonly timeline: string;
}

/** How long after the last fault it goes on at most, in ms. */
const LONGEST_QUIET_MS = 3_600_000;

/**
 * Answers what would stop and start, in which order and when, if `faults` befell the tree. Nothing is started: the real supervisors run on a
 * virtual clock with fakes for leaves, and the answer is data. Faults that find their child down are passed over, and noted in the timeline.
 *
 * @throws StartError if the tree does not start, AssertionError if it never becomes quiet or there is no such child.
 * @example
 * ```ts
 * const { stops, starts } = await simulate(shop, [{ atMs: 0, child: 'rates', fault: 'crash' }]);
 * assert.deepEqual(starts, ['rates', 'workers/hash', 'workers/resize']);
 * ```
 */
export async function simulate<const Spec extends AnySupervisorSpec>(
  spec: Spec,
  faults: readonly Fault<ChildPathOf<Spec>>[],
  options: SimulationOptions = {},
): Promise<Simulation> {
  const { random, untilMs, stopAtMs, graceMs } = options;
  const tree = new TestTree<AnySupervisorSpec>(spec, random === undefined ? {} : { random });
  const inOrder = [...faults].sort((a, b) => a.atMs - b.atMs);
  await tree.start();
  tree.mark();
  const survivors: Survivor[] = [];
  tree.root.on('child:survived', (event) => survivors.push(event));
  for (const fault of inOrder.filter(({ atMs }) => atMs <= (stopAtMs ?? atMs))) await befall(tree, fault);
  if (stopAtMs !== undefined) {
    await tree.advance(stopAtMs - tree.nowMs);
    const stopped = tree.root.stop(graceMs === undefined ? {} : { graceMs });
    await tree.settle();
    for (const fault of inOrder.filter(({ atMs }) => atMs > stopAtMs)) await befall(tree, fault);
    await tree.run(stopped);
  }
  if (untilMs === undefined) await runOut(tree, tree.nowMs + slowestStall(spec));
  else await tree.advance(Math.max(0, untilMs - tree.nowMs));
  return answer(tree, survivors);
}

async function befall(tree: TestTree, fault: Fault): Promise<void> {
  const { child, atMs } = fault;
  await tree.advance(Math.max(0, atMs - tree.nowMs));
  const fake = tree.fake(child);
  const needsLife = !['fail-starts', 'decline-starts', 'behave'].includes(fault.fault);
  const missed = needsLife && fake.alive === 0;
  const told = missed ? `${fault.fault}: passed over, since it is not there` : fault.fault;
  tree.timeline.add({ type: 'told', child, told, atMs: tree.nowMs });
  if (missed) return;
  suffer(fake, fault);
  await tree.settle();
}

function suffer(fake: Fake, fault: Fault): void {
  switch (fault.fault) {
    case 'crash':
    case 'fail':
      return fake[fault.fault](fault.error);
    case 'finish':
    case 'stall':
    case 'hang':
      return fake[fault.fault]();
    case 'exit':
      return fake.exit(fault.exit);
    case 'exit-by':
      return fake.exitBy(fault.cause);
    case 'fail-starts':
      fake.failNextStarts(fault.times);
      return;
    case 'decline-starts':
      fake.declineNextStarts(fault.times);
      return;
    case 'behave': {
      const { start, drain, stop, kill } = fault;
      if (start !== undefined) fake.onStart(start);
      if (drain !== undefined) fake.onDrain(drain);
      if (stop !== undefined) fake.onStop(stop);
      if (kill !== undefined) fake.onKill(kill);
    }
  }
}

/** Goes on until the tree rests, but at least until a child that has stalled would have been found. What still ticks then are heartbeats. */
async function runOut(tree: TestTree, atLeastUntilMs: number): Promise<void> {
  const untilMs = atLeastUntilMs + LONGEST_QUIET_MS;
  while (tree.nowMs < untilMs && tree.outcome === undefined) {
    if (tree.nowMs >= atLeastUntilMs && rests(tree.snapshot())) return;
    if (!(await tree.clock.step())) return;
  }
}

/** How long it takes at most until a child is found to have stalled, in ms: up to one look more than `stallAfterMs`. */
function slowestStall(spec: ChildSpec): number {
  const below = isSupervisorSpec(spec) && spec.kind === 'supervisor' ? spec.children.map(slowestStall) : [];
  const { stallAfterMs = Number.POSITIVE_INFINITY } = spec;
  return Math.max(0, ...below, Number.isFinite(stallAfterMs) ? stallAfterMs * 1.5 : 0);
}

/** Whether every child is up or down for good. A child that will be found to have stalled is up until then. */
function rests({ status, children = [] }: Snapshot): boolean {
  return (status === 'ready' || status === 'down' || status === 'survivor') && children.every(rests);
}

function answer(tree: TestTree, survivors: readonly Survivor[]): Simulation {
  const changes = tree.timeline.changes();
  const gaveUp = tree.timeline.entries.flatMap((entry) =>
    entry.type === 'supervisor:gave-up' ? [tree.timeline.relative(entry.supervisor)] : [],
  );
  const last = tree.timeline.entries.findLast(({ type }) => type !== 'told');
  return {
    changes,
    starts: tree.starts().map(({ child }) => child),
    stops: tree.stops().map(({ child }) => child),
    gaveUp,
    survivors,
    ...(tree.outcome === undefined ? {} : { outcome: tree.outcome }),
    endedAtMs: last?.atMs ?? 0,
    tree: tree.snapshot(),
    timeline: String(tree.timeline),
  };
}
