import { once } from 'node:events';
import { describe, test } from 'vitest';
import { type ConsumerContext, consumer, type TaskSettings, task } from '../../../src/children/index.js';
import type { ChildContext } from '../../../src/runtime/index.js';
import { driverConformance } from '../../../src/testing/conformance.js';
import { Gate } from '../fakes/queue.js';

type Run = (ctx: ChildContext) => unknown;

const untilAsked: Run = (ctx) => once(ctx.signal, 'abort');
const untilDeadline: Run = (ctx) => once(ctx.deadline, 'abort');

/** Probes that say yes the second time. */
const probe = (): (() => boolean) => {
  let asked = 0;
  return () => {
    asked += 1;
    return asked > 1;
  };
};

describe('the driver of task', () => {
  const child = (run: Run, settings?: TaskSettings) => task('task', run, settings);
  driverConformance('task', test, {
    serves: () => child(untilAsked),
    completes: () => child(() => undefined),
    fails: () => ({ spec: child(() => Promise.reject(new Error('boom'))), exit: { type: 'failed' } }),
    neverReady: () => child(untilAsked, { ready: 'explicit' }),
    becomesReady: () => [
      child(
        (ctx) => {
          ctx.ready();
          return untilAsked(ctx);
        },
        { ready: 'explicit' },
      ),
      child(untilAsked, { ready: { probe: probe(), everyMs: 1 } }),
    ],
    ignoresStop: () => child(untilDeadline),
    worksOn: () => {
      let finished = false;
      const run: Run = async (ctx) => {
        await ctx.critical(async () => {
          await untilAsked(ctx);
          await new Promise((resolve) => setImmediate(resolve));
          finished = true;
        });
      };
      return { spec: child(run), when: 'drained', finished: () => finished };
    },
    beats: () =>
      child((ctx) => {
        for (let beat = 0; beat < 3; beat += 1) ctx.heartbeat();
        return untilAsked(ctx);
      }),
    reportsFault: () =>
      child((ctx) => {
        setImmediate(() => ctx.fail(new Error('lost')));
        return untilAsked(ctx);
      }),
  });
});

describe('the driver of consumer', () => {
  /** A client that ends when it is closed, and has one thing to do with its context. */
  const client = (use: (ctx: ConsumerContext) => void = () => undefined) => {
    return (ctx: ConsumerContext) => {
      use(ctx);
      return { close: () => undefined };
    };
  };
  driverConformance('consumer', test, {
    // Closing in the drain step would end it there.
    serves: () => consumer('consumer', client(), { pause: () => undefined }),
    completes: () => consumer('consumer', client(), { done: () => Promise.resolve() }),
    fails: () => ({
      spec: consumer('consumer', () => Promise.reject(new Error('no broker'))),
      exit: { type: 'failed' },
    }),
    neverReady: () => consumer('consumer', client(), { ready: 'explicit' }),
    becomesReady: () => [
      consumer('consumer', (ctx) => untilAsked(ctx) as Promise<undefined>),
      consumer(
        'consumer',
        client((ctx) => ctx.ready()),
        { ready: 'explicit' },
      ),
      consumer('consumer', client(), { ready: { probe: probe(), everyMs: 1 } }),
    ],
    ignoresStop: () =>
      consumer('consumer', client(), {
        close: (_, { force }) => (force ? undefined : new Promise(() => undefined)),
      }),
    worksOn: () => {
      const asked = new Gate();
      let finished = false;
      const spec = consumer(
        'consumer',
        client((ctx) => {
          void ctx.job(async () => {
            await asked.passed;
            finished = true;
          });
        }),
        { drain: () => setImmediate(asked.open) },
      );
      return { spec, when: 'drained', finished: () => finished };
    },
    beats: () =>
      consumer(
        'consumer',
        client((ctx) => {
          for (let beat = 0; beat < 3; beat += 1) ctx.heartbeat();
        }),
      ),
    reportsFault: () =>
      consumer(
        'consumer',
        client((ctx) => setImmediate(() => ctx.fail(new Error('lost')))),
      ),
  });
});
