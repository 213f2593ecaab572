import type { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Exit } from '../../src/core/index.js';
import type { ChildSpec, Incarnation, IncarnationHost } from '../../src/runtime/index.js';
import { type ConformanceChildren, driverConformance } from '../../src/testing/conformance.js';

/** What every life in this process shares, and may leave a listener on. */
const shared: EventEmitter = process;

/** A driver that has one fault, or none. */
type Fault =
  | 'is ready twice'
  | 'has ended twice'
  | 'is never gone'
  | 'speaks after its end'
  | 'drains after its end'
  | 'stops without being asked again'
  | 'counts a stop as a failure'
  | 'counts a kill as a stop'
  | 'counts its work as done too soon'
  | 'counts a failure as completed'
  | 'is ready before it is'
  | 'lets a listener lie about'
  | 'none';

interface Behaviour {
  readonly ready?: 'at once' | 'later' | 'never';
  readonly ends?: Exit;
  readonly deaf?: boolean;
  readonly beats?: number;
  readonly fault?: Exit;
  readonly work?: { done: boolean };
}

/** One life in this process, without anything behind it. */
class Imitation implements Incarnation {
  #gone = false;

  constructor(
    readonly host: IncarnationHost,
    readonly behaviour: Behaviour,
    readonly fault: Fault,
  ) {
    const { ready = 'at once', ends, beats = 0 } = behaviour;
    if (ready === 'at once' || fault === 'is ready before it is') host.ready();
    if (fault === 'is ready twice') host.ready();
    if (fault === 'lets a listener lie about') shared.on(Symbol('left over'), () => undefined);
    host.clock.yield(() => {
      if (ready === 'later') host.ready();
      for (let beat = 0; beat < beats; beat += 1) host.heartbeat();
      if (behaviour.fault !== undefined) host.fault(behaviour.fault);
      if (ends !== undefined)
        this.#end(fault === 'counts a failure as completed' ? { type: 'completed' } : ends);
    });
  }

  drain(): void {
    if (this.#gone && this.fault !== 'drains after its end') return;
    const { work } = this.behaviour;
    if (work !== undefined && this.fault !== 'counts its work as done too soon') work.done = true;
    this.host.drained();
  }

  stop(): void {
    const deaf = this.behaviour.deaf === true && this.fault !== 'stops without being asked again';
    if (deaf || this.fault === 'is never gone') return;
    this.#end(
      this.fault === 'counts a stop as a failure' ? { type: 'code', code: 143 } : { type: 'shutdown' },
    );
  }

  kill(): void {
    this.#end(this.fault === 'counts a kill as a stop' ? { type: 'shutdown' } : { type: 'killed' });
  }

  #end(exit: Exit): void {
    if (this.#gone) return;
    this.#gone = true;
    this.host.exited(exit);
    if (this.fault === 'has ended twice') this.host.exited(exit);
    if (this.fault === 'speaks after its end') this.host.clock.yield(() => this.host.note('and by the way'));
  }
}

function childrenWith(fault: Fault): ConformanceChildren {
  const spec = (behaviour: Behaviour): ChildSpec => ({
    id: 'x',
    kind: 'imitation',
    driver: { start: (host) => new Imitation(host, behaviour, fault) },
  });
  return {
    serves: () => spec({}),
    completes: () => spec({ ends: { type: 'completed' } }),
    fails: () => ({ spec: spec({ ends: { type: 'code', code: 2 } }), exit: { type: 'code', code: 2 } }),
    neverReady: () => spec({ ready: 'never' }),
    becomesReady: () => [spec({ ready: 'later' })],
    ignoresStop: () => spec({ deaf: true }),
    worksOn: () => {
      const work = { done: false };
      return { spec: spec({ work }), when: 'drained', finished: () => work.done };
    },
    patienceMs: 20,
    beats: () => spec({ beats: 3 }),
    reportsFault: () => spec({ fault: { type: 'failed', error: { name: 'Error', message: 'broken' } } }),
  };
}

/** The names of the tests that such a driver fails. */
async function failures(fault: Fault): Promise<readonly string[]> {
  const failed: string[] = [];
  const runs: (() => Promise<void>)[] = [];
  driverConformance(
    'child',
    (name, run) => runs.push(() => run().catch(() => void failed.push(name))),
    childrenWith(fault),
  );
  for (const run of runs) await run();
  return failed;
}

describe('the conformance suite', () => {
  test('passes a driver without fault', async () => {
    expect(await failures('none')).toEqual([]);
  });

  test.each<[Fault, string]>([
    ['is ready twice', 'a child that serves is ready, and says so once'],
    ['has ended twice', 'a child that ends by itself has completed'],
    ['speaks after its end', 'a child that ends by itself has completed'],
    ['drains after its end', 'a child that has ended says nothing more, whatever it is asked'],
    ['stops without being asked again', 'a child that ignores its stop goes on until it is killed'],
    [
      'counts a stop as a failure',
      'a child with nothing to finish has drained when asked, and ends when asked to stop',
    ],
    ['counts a kill as a stop', 'a child can be killed without having been asked'],
    ['counts its work as done too soon', 'a child finishes the work that it has accepted'],
    ['counts a failure as completed', 'a child that fails says how'],
    ['is never gone', 'a child that serves is ready, and says so once'],
    ['lets a listener lie about', '50 lives of a child leave no listener, timer or handle behind'],
    ['is ready before it is', 'a child that never becomes ready can be stopped while it starts'],
  ])('fails one that %s', async (fault, name) => {
    try {
      expect(await failures(fault)).toContain(name);
    } finally {
      for (const name of shared.eventNames())
        if (String(name) === 'Symbol(left over)') shared.removeAllListeners(name);
    }
  });
});
