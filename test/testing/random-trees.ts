import fc from 'fast-check';
import {
  type Backoff,
  constantBackoff,
  type Exit,
  exponentialBackoff,
  noBackoff,
} from '../../src/core/index.js';
import { type AnySupervisorSpec, type ChildSpec, dynamic, supervisor } from '../../src/runtime/index.js';
import {
  type Fake,
  type FakeDrain,
  type FakeKill,
  type FakeStart,
  type FakeStop,
  fakeChild,
} from '../../src/testing/index.js';

/** How a leaf behaves when it is asked something. */
export interface Manners {
  readonly start: FakeStart;
  readonly drain: FakeDrain;
  readonly stop: FakeStop;
  readonly kill: FakeKill;
}

/** What a test does to a random tree. `at` picks the target among those that there are at that moment. */
export type Act =
  | { readonly act: 'crash' | 'finish' | 'fail' | 'stall' | 'becomeReady' | 'shut'; readonly at: number }
  | { readonly act: 'failStarts' | 'declineStarts'; readonly at: number; readonly times: number }
  | { readonly act: 'behave'; readonly at: number; readonly manners: Manners }
  | { readonly act: 'terminateChild' | 'restartChild' | 'deleteChild'; readonly at: number }
  | { readonly act: 'startChild'; readonly at: number; readonly id: string; readonly manners: Manners }
  | { readonly act: 'stopHandle' | 'restartHandle' | 'whenReady'; readonly at: number };

/** One step: what is done, then how much time passes; -1 lets not even what follows from it happen before the next. */
export interface Move {
  readonly doing: Act;
  readonly thenMs: number;
}

const DRAINS: readonly FakeDrain[] = ['drained', 'drained', 'ignore', 30, 400];
const STARTS: readonly FakeStart[] = ['ready', 'ready', 'ready', 'hold', 20, 250];
const FAILED: Exit = { type: 'failed', error: { name: 'Error', message: 'failed to stop' } };
const STOPS: readonly FakeStop[] = ['end', 'end', 'end', 'ignore', 30, 300, FAILED, { type: 'completed' }];
const KILLS: readonly FakeKill[] = ['end', 'end', 20];

export const manners = (kills: readonly FakeKill[] = KILLS): fc.Arbitrary<Manners> =>
  fc.record({
    start: fc.constantFrom(...STARTS),
    drain: fc.constantFrom(...DRAINS),
    stop: fc.constantFrom(...STOPS),
    kill: fc.constantFrom(...kills),
  });

export function behave(fake: Fake, { start, drain, stop, kill }: Manners): void {
  fake.onStart(start).onDrain(drain).onStop(stop).onKill(kill);
}

const backoff = fc.constantFrom<Backoff>(
  noBackoff(),
  constantBackoff(50, { free: 0 }),
  exponentialBackoff({ initialMs: 20, capMs: 500, resetAfterMs: 1000 }),
);

const leafSettings = (autoShutdown: string) =>
  fc
    .record({
      restart: fc.constantFrom(
        'permanent' as const,
        'permanent' as const,
        'transient' as const,
        'temporary' as const,
      ),
      shutdown: fc.constantFrom(0, 50, 500, 'brutal_kill' as const, 'infinity' as const),
      drainMs: fc.constantFrom(0, 100, 1000),
      startTimeoutMs: fc.constantFrom(200, Number.POSITIVE_INFINITY),
      stallAfterMs: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 400),
      significant: fc.boolean(),
    })
    .map(({ significant, ...settings }) => ({
      ...settings,
      significant: significant && autoShutdown !== 'never' && settings.restart !== 'permanent',
    }));

const policy = fc.record({
  strategy: fc.constantFrom('one_for_one' as const, 'one_for_all' as const, 'rest_for_one' as const),
  intensity: fc.constantFrom(0, 1, 3, 8, Number.POSITIVE_INFINITY),
  periodMs: fc.constantFrom(100, 2000),
  giveUpAs: fc.constantFrom('error' as const, 'shutdown' as const),
  autoShutdown: fc.constantFrom(
    'never' as const,
    'never' as const,
    'any_significant' as const,
    'all_significant' as const,
  ),
  stopOrder: fc.constantFrom('reverse' as const, 'together' as const),
  backoff,
});

const branchSettings = fc.record({
  restart: fc.constantFrom(
    'permanent' as const,
    'permanent' as const,
    'transient' as const,
    'temporary' as const,
  ),
  shutdown: fc.constantFrom('infinity' as const, 'infinity' as const, 700, 'brutal_kill' as const),
});

function children(depth: number, autoShutdown: string): fc.Arbitrary<ChildSpec[]> {
  const leaf = leafSettings(autoShutdown).map((settings) => (id: string) => fakeChild(id, settings));
  const kinds: fc.Arbitrary<(id: string) => ChildSpec>[] = [leaf, leaf, leaf];
  if (depth > 0) kinds.push(branch(depth - 1), dynamicBranch());
  return fc
    .array(fc.oneof(...kinds), { minLength: 0, maxLength: 4 })
    .map((makers) => makers.map((make, at) => make('abcd'[at] as string)));
}

function branch(depth: number): fc.Arbitrary<(id: string) => AnySupervisorSpec> {
  return fc
    .tuple(policy, branchSettings)
    .chain(([flags, settings]) =>
      children(depth, flags.autoShutdown).map(
        (below) => (id: string) => supervisor(id, { ...flags, ...settings, children: below }),
      ),
    );
}

function dynamicBranch(): fc.Arbitrary<(id: string) => AnySupervisorSpec> {
  return fc
    .tuple(policy, branchSettings, leafSettings('never'), fc.constantFrom(1, 2, Number.POSITIVE_INFINITY))
    .map(
      ([{ strategy: _, stopOrder: __, ...flags }, settings, leaf, maxChildren]) =>
        (id: string) =>
          dynamic(id, fakeChild('i', leaf), { ...flags, ...settings, maxChildren }),
    );
}

/** A tree of up to three levels, with every setting at random. */
export const randomTree: fc.Arbitrary<AnySupervisorSpec> = branch(2).map((make) => make('root'));

const at = fc.nat(30);

const act = (kills: readonly FakeKill[]): fc.Arbitrary<Act> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ act: fc.constant('crash' as const), at }) },
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constantFrom(
          'finish' as const,
          'fail' as const,
          'stall' as const,
          'becomeReady' as const,
          'shut' as const,
        ),
        at,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constantFrom('failStarts' as const, 'declineStarts' as const),
        at,
        times: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant('behave' as const), at, manners: manners(kills) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        act: fc.constantFrom('terminateChild' as const, 'restartChild' as const, 'deleteChild' as const),
        at,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constant('startChild' as const),
        at,
        id: fc.constantFrom('a', 'x', 'y'),
        manners: manners(kills),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        act: fc.constantFrom('stopHandle' as const, 'restartHandle' as const, 'whenReady' as const),
        at,
      }),
    },
  );

export const moves = (kills: readonly FakeKill[] = KILLS): fc.Arbitrary<Move[]> =>
  fc.array(fc.record({ doing: act(kills), thenMs: fc.constantFrom(-1, -1, 0, 0, 1, 30, 100, 600, 5000) }), {
    maxLength: 25,
  });
