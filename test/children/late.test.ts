import { describe, expect, test } from 'vitest';
import { LateCode, type Life } from '../../src/children/late.js';
import type { ChildSpec, IncarnationHost } from '../../src/runtime/index.js';
import { startRecorded } from '../../src/testing/recording-host.js';

/** A kind whose code arrives, or fails to, when the test says so. */
class Kind {
  readonly asked: string[] = [];
  loads = 0;
  arrive: () => void = () => undefined;
  fail: (error: Error) => void = () => undefined;
  readonly #code = new LateCode(
    () =>
      new Promise<string>((resolve, reject) => {
        this.loads += 1;
        this.arrive = () => resolve('code');
        this.fail = reject;
      }),
  );
  readonly spec: ChildSpec = {
    id: 'late',
    kind: 'late',
    driver: this.#code.driver((_, host) => new Recorded(host, this.asked), 'calls'),
  };
}

/** Is ready as soon as it begins, and writes down what it is asked. */
class Recorded implements Life {
  constructor(
    readonly host: IncarnationHost,
    readonly asked: string[],
  ) {}

  begin(): this {
    this.asked.push('begin');
    this.host.ready();
    return this;
  }

  drain(withinMs: number): void {
    this.asked.push(`drain ${withinMs}`);
  }

  stop(withinMs: number): void {
    this.asked.push(`stop ${withinMs}`);
  }

  kill(): void {
    this.asked.push('kill');
  }

  facts(): { pid: number } {
    return { pid: 7 };
  }

  async call(method: string): Promise<unknown> {
    this.asked.push(`call ${method}`);
    return 'answer';
  }

  cast(method: string): boolean {
    this.asked.push(`cast ${method}`);
    return true;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a child whose code is still being loaded', () => {
  test('begins when the code is there, and is then asked what its supervisor asks', async () => {
    const kind = new Kind();
    const { host, incarnation } = startRecorded(kind.spec);
    expect(incarnation.facts?.()).toEqual({});
    expect(kind.asked).toEqual([]);
    kind.arrive();
    await host.next('ready');
    incarnation.drain(1);
    incarnation.stop(2);
    incarnation.kill();
    expect(kind.asked).toEqual(['begin', 'drain 1', 'stop 2', 'kill']);
    expect(incarnation.facts?.()).toEqual({ pid: 7 });
  });

  test.each([
    ['stop', 'shutdown'],
    ['kill', 'killed'],
  ] as const)('never begins after a %s, and counts as %s', async (ask, type) => {
    const kind = new Kind();
    const { host, incarnation } = startRecorded(kind.spec);
    incarnation[ask](1000);
    kind.arrive();
    await turn();
    incarnation.drain(0);
    incarnation.kill();
    expect(host.news).toEqual([expect.objectContaining({ type: 'exited', exit: { type } })]);
    expect(kind.asked).toEqual([]);
  });

  test('has nothing to drain', () => {
    const { host, incarnation } = startRecorded(new Kind().spec);
    incarnation.drain(1000);
    expect(host.said('drained')).toBe(true);
  });

  test('holds calls and casts until it begins, and keeps their order', async () => {
    const kind = new Kind();
    const { incarnation } = startRecorded(kind.spec);
    const answer = incarnation.call?.('first', [], {});
    expect(incarnation.cast?.('second', [])).toBe(true);
    kind.arrive();
    expect(await answer).toBe('answer');
    expect(kind.asked).toEqual(['begin', 'call first', 'cast second']);
  });

  test('refuses the calls that it holds when it is asked to end', async () => {
    const kind = new Kind();
    const { incarnation } = startRecorded(kind.spec);
    const answer = incarnation.call?.('first', [], {});
    incarnation.stop(1000);
    expect(incarnation.cast?.('second', [])).toBe(false);
    kind.arrive();
    await expect(answer).rejects.toMatchObject({ code: 'CALL_FAILED', failure: 'child-not-running' });
  });
});

test('code that cannot be loaded is a failed start, and the next start asks for it again', async () => {
  const kind = new Kind();
  const first = startRecorded(kind.spec);
  kind.fail(new Error('no such chunk'));
  expect((await first.host.next('exited')).exit).toMatchObject({
    type: 'not-started',
    error: { message: 'no such chunk' },
  });
  const second = startRecorded(kind.spec);
  kind.arrive();
  await second.host.next('ready');
  expect(kind.loads).toBe(2);
});

test('once the code is there, a child begins before its start has returned', async () => {
  const kind = new Kind();
  const first = startRecorded(kind.spec);
  kind.arrive();
  await first.host.next('ready');
  expect(startRecorded(kind.spec).incarnation).toBeInstanceOf(Recorded);
  expect(kind.asked).toEqual(['begin', 'begin']);
});
