import { expect, test } from 'vitest';
import { consumer, task } from '../../../src/children/index.js';
import { type ChildSpec, Supervisor, supervisor } from '../../../src/runtime/index.js';

const start = (child: ChildSpec) => new Supervisor(supervisor('root', { children: [child] })).start();

/** A promise, and what settles it. */
function latch(): { readonly passed: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open: () => open() };
}

test('a critical section stands in the way of a stop, and is told by name', async () => {
  const payment = latch();
  const root = await start(
    task('pay', async function payBills(ctx) {
      await ctx.critical(() => payment.passed);
    }),
  );
  const child = root.child('pay');
  expect(child.explainStop()).toMatchObject([
    { verdict: 'at-work', command: 'payBills', why: '1 of its critical sections are open' },
  ]);
  payment.open();
  await root.stop();
  expect(child.explainStop()).toEqual([]);
});

test('so does a drain hook, while it is under way', async () => {
  const hook = latch();
  const begun = latch();
  const root = await start(
    task('flush', async (ctx) => {
      ctx.onDrain(() => {
        begun.open();
        return hook.passed;
      });
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
    }),
  );
  expect(root.child('flush').explainStop()).toEqual([]);
  const stopping = root.stop();
  await begun.passed;
  expect(root.child('flush').explainStop()).toMatchObject([{ why: 'a drain hook of it is under way' }]);
  hook.open();
  await stopping;
});

test('so do jobs in flight', async () => {
  const job = latch();
  const root = await start(
    consumer('mail', async (ctx) => {
      await ctx.job(() => job.passed);
    }),
  );
  expect(root.child('mail').explainStop()).toMatchObject([{ why: '1 of its jobs are in flight' }]);
  job.open();
  await root.stop();
});

test('a task that does not heed its signal is told so in the report of its stop, and as a survivor', async () => {
  const end = latch();
  const root = await start(
    task(
      'deaf',
      async function deaf() {
        await end.passed;
      },
      { shutdown: 1 },
    ),
  );
  const { survivors } = await root.stop();
  expect(survivors).toMatchObject([
    {
      command: 'deaf',
      why: 'code inside this process cannot be ended from outside: it did not heed ctx.signal or ctx.deadline',
      obstacles: [{ verdict: 'at-work', advice: expect.stringContaining('ctx.signal') }],
    },
  ]);
  end.open();
});

test('what was deferred and hangs is told apart from the function', async () => {
  const release = latch();
  const begun = latch();
  const root = await start(
    task('leaves', async (ctx) => {
      ctx.defer(() => {
        begun.open();
        return release.passed;
      });
      await new Promise<void>((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
    }),
  );
  const stopping = root.stop();
  await begun.passed;
  expect(root.child('leaves').explainStop()).toMatchObject([
    { why: 'what it deferred is still being undone' },
  ]);
  release.open();
  await stopping;
});
