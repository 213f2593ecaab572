import { describe, expect, test } from 'vitest';
import { type ConsumerContext, consumer, type ProgressSettings } from '../../../src/children/index.js';
import { launch, ManualClock, settle } from '../recording-host.js';

const WITHIN_MS = 4000;

async function watched(progress: Partial<ProgressSettings> = {}) {
  const clock = new ManualClock();
  let context: ConsumerContext | undefined;
  const spec = consumer(
    'client',
    (ctx) => {
      context = ctx;
      return { close: () => undefined };
    },
    { progress: { withinMs: WITHIN_MS, ...progress } },
  );
  const launched = launch(spec, { clock });
  await launched.host.heard('ready');
  // Safe: it is ready, so its factory has been called.
  return { clock, ctx: context as unknown as ConsumerContext, ...launched };
}

describe('a consumer whose progress is watched', () => {
  test('is stalled when it shows none for as long as it may', async () => {
    const { clock, host } = await watched();
    await clock.advance(WITHIN_MS - 1);
    expect(host.faults).toEqual([]);
    await clock.advance(1);
    expect(host.faults).toEqual([{ type: 'stalled', silentMs: WITHIN_MS }]);
    expect(clock.pending).toBe(0);
  });

  test('is not while it settles jobs, or shows a heartbeat in a long one', async () => {
    const { clock, ctx, host } = await watched();
    for (let round = 0; round < 5; round += 1) {
      await clock.advance(WITHIN_MS - 1);
      await ctx.job(() => undefined);
      await clock.advance(WITHIN_MS - 1);
      ctx.heartbeat();
    }
    expect(host.faults).toEqual([]);
  });

  test('is stalled by a job that hangs', async () => {
    const { clock, ctx, host } = await watched();
    void ctx.job(() => new Promise(() => undefined));
    await clock.advance(WITHIN_MS + 1000);
    expect(host.faults).toMatchObject([{ type: 'stalled' }]);
  });

  test('may rest while nothing waits for it, and is stalled once something does', async () => {
    let waiting = 0;
    const { clock, host } = await watched({ backlog: async () => waiting });
    await clock.advance(10 * WITHIN_MS);
    expect(host.faults).toEqual([]);
    waiting = 3;
    await clock.advance(WITHIN_MS);
    expect(host.faults).toMatchObject([{ type: 'stalled' }]);
  });

  test('is not judged while its backlog cannot be told; that is noted once', async () => {
    const { clock, host } = await watched({ backlog: () => Promise.reject(new Error('broker away')) });
    await clock.advance(10 * WITHIN_MS);
    expect(host.said).toEqual([
      'ready',
      'noted: its backlog cannot be told, so its progress is not judged: broker away',
    ]);
  });

  test('is not judged while its backlog does not answer, and is asked only once', async () => {
    let asked = 0;
    const { clock, host } = await watched({
      backlog: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    await clock.advance(10 * WITHIN_MS);
    expect([asked, host.faults]).toEqual([1, []]);
  });

  test('is not stalled by a machine that slept: looks are counted, not time', async () => {
    const { clock, host } = await watched();
    clock.skip(100 * WITHIN_MS);
    await clock.advance(0);
    expect(host.faults).toEqual([]);
  });

  test('is watched no more once it drains', async () => {
    const { clock, host, incarnation } = await watched();
    incarnation.drain(1000);
    await host.ended();
    await settle();
    expect(clock.pending).toBe(0);
  });

  test('shows progress by what it yields, and by the events that are named', async () => {
    const clock = new ManualClock();
    let wake: (() => void) | undefined;
    const yields = consumer(
      'yields',
      async function* () {
        for (;;) {
          await new Promise<void>((resolve) => (wake = resolve));
          yield 1;
        }
      },
      { progress: { withinMs: WITHIN_MS } },
    );
    const { host } = launch(yields, { clock });
    await host.heard('ready');
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(WITHIN_MS - 1);
      wake?.();
      await settle();
    }
    expect(host.faults).toEqual([]);
    await clock.advance(WITHIN_MS + 1000);
    expect(host.faults).toHaveLength(1);
  });
});
