import assert from 'node:assert/strict';
import type { Exit } from '../core/index.js';
import { type ChildSpec, type Incarnation, systemClock } from '../runtime/index.js';
import { leakCheck } from './leaks.js';
import { type RecordingHost, startRecorded } from './recording-host.js';

/**
 * What a kind of child brings to the suite: functions that make specs which behave in a certain way. Each is called anew for every
 * test. What a kind cannot do at all it leaves out, and the suite leaves out the test.
 */
export interface ConformanceChildren {
  /** Is ready by itself, runs until it is asked to stop, and then ends. */
  serves(): ChildSpec;
  /** Ends by itself, as one that has done its work. */
  completes(): ChildSpec;
  /** Ends by itself, as a failure; `exit` is how that must be told, as far as given. */
  fails(): { readonly spec: ChildSpec; readonly exit: Partial<Exit> };
  /** Runs, but never becomes ready; ends when asked to stop. */
  neverReady(): ChildSpec;
  /** Becomes ready only by its own doing: `ctx.ready()`, a line, a port or a probe. One for each way that the kind has. */
  becomesReady(): readonly ChildSpec[];
  /** Goes on when it is asked to stop, and ends only by force (a task: by its deadline). */
  ignoresStop(): ChildSpec;
  /**
   * Takes up work as soon as it is ready, and finishes it when it is drained (`when: 'drained'`) or, where the kind has no way to say
   * that it has drained, before it ends (`when: 'exited'`). `finished` tells whether it did.
   */
  worksOn(): {
    readonly spec: ChildSpec;
    readonly when: 'drained' | 'exited';
    /** Whether the accepted work was finished. */
    readonly finished: () => boolean | Promise<boolean>;
  };
  /** Cannot be brought into being at all. */
  notStarted?(): ChildSpec;
  /** Gives heartbeats, at least three. */
  beats?(): ChildSpec;
  /** Reports a fault while it runs, by `ctx.fail` or its like, and ends only when asked to stop. */
  reportsFault?(): ChildSpec;
  /** How long anything that must come about may take, in ms. @defaultValue `10_000` */
  readonly patienceMs?: number;
}

/** Declares one test, as `test` of vitest, jest and node:test does. */
export type DeclareTest = (name: string, run: () => Promise<void>) => unknown;

const CYCLES = 50;
/** How long anything that must come about may take, in ms. */
const PATIENCE_MS = 10_000;
/** For how many turns of the event loop an incarnation that has ended is listened to. */
const QUIET_TURNS = 5;

/**
 * Declares the tests that every kind of child must pass, our own and yours. They drive the driver itself, as a supervisor would.
 * @param kind - for the names of the tests
 * @example
 * ```ts
 * driverConformance('command', test, {
 *   serves: () => command('x', 'sleep', ['1000']),
 *   completes: () => command('x', 'true'),
 *   fails: () => ({ spec: command('x', 'false'), exit: { type: 'code', code: 1 } }),
 *   // …
 * });
 * ```
 */
export function driverConformance(kind: string, test: DeclareTest, children: ConformanceChildren): void {
  declareStarts(kind, test, children);
  declareEnds(kind, test, children);
  declareStops(kind, test, children);
  declareTidiness(kind, test, children);
}

function declareStarts(kind: string, test: DeclareTest, children: ConformanceChildren): void {
  test(`a ${kind} that serves is ready, and says so once`, async () => {
    const life = start(children.serves(), children);
    await life.host.next('ready');
    await life.end('stop', 'shutdown');
    assert.equal(life.host.count('ready'), 1, life.host.describe());
  });

  test(`a ${kind} is ready in each way that the kind has`, async () => {
    for (const spec of children.becomesReady()) {
      const life = start(spec, children);
      await life.host.next('ready');
      await life.end('stop', 'shutdown');
      assert.equal(life.host.count('ready'), 1, life.host.describe());
    }
  });

  test(`a ${kind} that never becomes ready can be stopped while it starts`, async () => {
    const life = start(children.neverReady(), children);
    await life.end('stop', 'shutdown');
    assert.equal(life.host.said('ready'), false, life.host.describe());
  });

  test(`a ${kind} that never becomes ready can be killed while it starts`, async () => {
    const life = start(children.neverReady(), children);
    await life.end('kill', 'killed');
    assert.equal(life.host.said('ready'), false, life.host.describe());
  });

  const { notStarted, beats, reportsFault } = children;
  if (notStarted !== undefined) {
    test(`a ${kind} that cannot be started says why, and was never ready`, async () => {
      const life = start(notStarted.call(children), children);
      const { exit } = await life.host.next('exited');
      assert.equal(exit.type, 'not-started');
      assert.ok(exit.type === 'not-started' && exit.error.message.length > 20, 'the error explains itself');
      assert.equal(life.host.said('ready'), false, life.host.describe());
      await life.quiet();
    });

    test(`a ${kind} that cannot be started may be stopped and killed all the same`, async () => {
      const life = start(notStarted.call(children), children);
      life.incarnation.stop(1000);
      life.incarnation.kill();
      await life.host.next('exited');
      await life.quiet();
    });
  }

  if (beats !== undefined) {
    test(`the heartbeats of a ${kind} reach its supervisor`, async () => {
      const life = start(beats.call(children), children);
      await life.host.next('heartbeat', 3);
      await life.end('stop', 'shutdown');
    });
  }

  if (reportsFault !== undefined) {
    test(`a fault that a ${kind} reports reaches its supervisor while it still runs`, async () => {
      const life = start(reportsFault.call(children), children);
      const { exit } = await life.host.next('fault');
      assert.equal(exit.type, 'failed');
      assert.equal(life.host.said('exited'), false, life.host.describe());
      life.incarnation.stop(5000);
      await life.host.next('exited');
      await life.quiet();
      assert.equal(life.host.count('fault'), 1, life.host.describe());
    });
  }
}

function declareEnds(kind: string, test: DeclareTest, children: ConformanceChildren): void {
  test(`a ${kind} that ends by itself has completed`, async () => {
    const life = start(children.completes(), children);
    assert.deepEqual((await life.host.next('exited')).exit, { type: 'completed' });
    await life.quiet();
  });

  test(`a ${kind} that fails says how`, async () => {
    const { spec, exit } = children.fails();
    const life = start(spec, children);
    const told = (await life.host.next('exited')).exit;
    assert.deepEqual({ ...told, ...exit }, { ...told }, life.host.describe());
    await life.quiet();
  });
}

function declareStops(kind: string, test: DeclareTest, children: ConformanceChildren): void {
  test(`a ${kind} with nothing to finish has drained when asked, and ends when asked to stop`, async () => {
    const life = start(children.serves(), children);
    await life.host.next('ready');
    life.incarnation.drain(5000);
    await life.host.next('drained');
    assert.equal(life.host.count('drained'), 1, life.host.describe());
    await life.end('stop', 'shutdown');
  });

  test(`a ${kind} finishes the work that it has accepted`, async () => {
    const { spec, when, finished } = children.worksOn();
    const life = start(spec, children);
    await life.host.next('ready');
    life.incarnation.drain(5000);
    await life.host.next('drained');
    if (when === 'drained')
      assert.ok(await finished(), 'the work is finished when it says that it has drained');
    await life.end('stop', 'shutdown');
    assert.ok(await finished(), 'the work is finished when it has ended');
  });

  test(`a ${kind} that ignores its stop goes on until it is killed`, async () => {
    const life = start(children.ignoresStop(), children);
    await life.host.next('ready');
    life.incarnation.stop(1000);
    await turns(QUIET_TURNS);
    assert.equal(life.host.said('exited'), false, life.host.describe());
    await life.end('kill', 'killed');
  });

  test(`a ${kind} can be killed without having been asked`, async () => {
    const life = start(children.serves(), children);
    await life.host.next('ready');
    await life.end('kill', 'killed');
  });

  test(`a ${kind} that is stopped and killed in the same moment ends once`, async () => {
    const life = start(children.serves(), children);
    await life.host.next('ready');
    life.incarnation.drain(0);
    life.incarnation.stop(0);
    life.incarnation.kill();
    const { exit } = await life.host.next('exited');
    assert.ok(exit.type === 'killed' || exit.type === 'shutdown', life.host.describe());
    await life.quiet();
  });
}

function declareTidiness(kind: string, test: DeclareTest, children: ConformanceChildren): void {
  test(`a ${kind} that has ended says nothing more, whatever it is asked`, async () => {
    const life = start(children.completes(), children);
    await life.host.next('exited');
    const saidBefore = life.host.news.length;
    life.incarnation.drain(1000);
    life.incarnation.stop(1000);
    life.incarnation.kill();
    life.incarnation.facts?.();
    assert.notEqual(life.incarnation.signal?.('SIGTERM'), true, 'nobody is there to be signalled');
    await turns(QUIET_TURNS);
    assert.deepEqual(life.host.news.slice(saidBefore), []);
  });

  test(`${CYCLES} lives of a ${kind} leave no listener, timer or handle behind`, async () => {
    await cycle(children);
    const leaks = leakCheck();
    for (let round = 0; round < CYCLES; round += 1) await cycle(children);
    await leaks.expectNone(children.patienceMs ?? PATIENCE_MS);
  });
}

/** One whole life: started, ready, drained, stopped. */
async function cycle(children: ConformanceChildren): Promise<void> {
  const life = start(children.serves(), children);
  await life.host.next('ready');
  life.incarnation.drain(5000);
  await life.host.next('drained');
  await life.end('stop', 'shutdown');
}

interface RecordedLife {
  readonly host: RecordingHost;
  readonly incarnation: Incarnation;
  /** Asks for the end, waits for it, and for the quiet after it. */
  end(by: 'stop' | 'kill', expected: Exit['type']): Promise<void>;
  /** Checks that the end was told once, and as the last thing. */
  quiet(): Promise<void>;
}

function start(spec: ChildSpec, { patienceMs = PATIENCE_MS }: ConformanceChildren): RecordedLife {
  const { host, incarnation } = startRecorded(spec, { patienceMs });
  const quiet = async (): Promise<void> => {
    await turns(QUIET_TURNS);
    assert.equal(host.count('exited'), 1, host.describe());
    assert.equal(host.news.at(-1)?.type, 'exited', host.describe());
  };
  const end = async (by: 'stop' | 'kill', expected: Exit['type']): Promise<void> => {
    if (by === 'stop') incarnation.stop(5000);
    else incarnation.kill();
    const { exit } = await host.next('exited');
    assert.equal(exit.type, expected, host.describe());
    await quiet();
  };
  return { host, incarnation, end, quiet };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    await new Promise<void>((resolve) => systemClock.yield(resolve));
}
