/**
 * Unit tests of supervision policies, in virtual time and without processes.
 *
 * - {@link testTree} starts your tree with a fake for every leaf: tell it what goes wrong, advance the time, and say what you expect. An
 *   expectation that fails throws an `AssertionError` whose message ends in the timeline, so it works in vitest, jest and node:test alike.
 * - {@link simulate} answers what would stop and start, in which order and when, as data.
 * - {@link VirtualClock} is the clock behind it. The supervisors are the real ones: what a test shows is what runs.
 *
 * It promises: time stands still until it is advanced; the same tree, faults and `random` give the same timeline; when a call resolves,
 * everything that follows from it at that moment has followed; no wall clock, timer or process is involved, unless a child is `real`.
 *
 * @module treewarden/testing
 */

export { type ConformanceChildren, type DeclareTest, driverConformance } from './conformance.js';
export { Fake, type FakeDrain, type FakeKill, type FakeStart, type FakeStop } from './fake.js';
export {
  FakeLease,
  FakeResources,
  type FakeResourcesOptions,
  fakeKind,
  fakeResources,
} from './fake-resources.js';
export { fakeChild } from './fakes.js';
export { type LeakCheck, leakCheck } from './leaks.js';
export { type HostNews, RecordingHost, type RecordingHostOptions, startRecorded } from './recording-host.js';
export { type Fault, type Simulation, type SimulationOptions, simulate } from './simulate.js';
export { type Expected, TestTree, type TestTreeOptions, testTree } from './test-tree.js';
export { type Change, Timeline, type ToldEvent } from './timeline.js';
export { VirtualClock } from './virtual-clock.js';
