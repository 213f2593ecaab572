/**
 * Random trees of up to three levels with every setting at random, under random faults and requests at random moments. Whatever happens:
 *
 *  1. there are never two incarnations of a child, and they are numbered one by one;
 *  2. every start has exactly one end, and what is said to be ready had been started;
 *  3. a supervisor that starts, starts its children in order, each when the one before is ready; one that ends asks them in reverse order;
 *  4. within no period does a supervisor restart more often than its intensity allows;
 *  5. every request is answered, and is refused only by a treewarden error;
 *  6. a stop at any moment is over within its grace time and one wait for the kill, and leaves nothing alive and no timer;
 *  7. once faults are over, a permanent child that nobody has stopped is up again if its supervisor is;
 *  8. the same tree, faults and chance give the same timeline;
 *  9. what survives its kill is named, and is the only thing left.
 *
 * And for a single crash in a tree at rest, the exact order of stops and starts that its strategy calls for.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noBackoff, type SupervisionEvent } from '../../src/core/index.js';
import { type AnySupervisorSpec, supervisor } from '../../src/runtime/index.js';
import { fakeChild, testTree } from '../../src/testing/index.js';
import { breaches, livenessBreaches, policiesOf } from './invariants.js';
import { RandomRun } from './random-run.js';
import { type Manners, type Move, manners, moves, randomTree } from './random-trees.js';

/** The suite runs the same cases every time; `PROPERTY_SEED=$RANDOM PROPERTY_RUNS=20000 npx vitest run test/testing/properties.test.ts` goes looking. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_261_121);
const TIME_MS = 60_000 + RUNS * 60;
fc.configureGlobal({ seed: SEED });
const KILL_WAIT_MS = 5000;
const plans = fc.array(manners(), { maxLength: 4 });
const grace = fc.constantFrom(1, 100, 1000, 25_000);

async function begun(
  spec: AnySupervisorSpec,
  plan: readonly Manners[],
  acts: readonly Move[],
): Promise<RandomRun> {
  const run = new RandomRun(spec, plan);
  await run.start();
  await run.play(acts);
  return run;
}

function eventsOf({ tree }: RandomRun): readonly SupervisionEvent[] {
  return tree.timeline.entries.filter((entry): entry is SupervisionEvent => entry.type !== 'told');
}

/** Fails with the timeline, which fast-check shows beside the counterexample. */
function hold(run: RandomRun, wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error(`${wrong.join('\n')}\n\n${run.tree.timeline}`);
}

describe('whatever happens to a tree', () => {
  test(
    'lives, order, intensity, answers and the end are as promised',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, plans, moves(), grace, async (spec, plan, acts, graceMs) => {
          const run = await begun(spec, plan, acts);
          const { tree } = run;
          const report = await tree.stop({ graceMs });
          await tree.settle();
          hold(run, breaches(eventsOf(run), policiesOf(spec)));
          hold(
            run,
            run.asked.filter(({ answered }) => !answered).map(({ what }) => `no answer: ${what}`),
          );
          expect(run.wrong).toEqual([]);
          if (report.tookMs > graceMs + KILL_WAIT_MS) hold(run, [`the stop took ${report.tookMs} ms`]);
          expect(report.survivors).toEqual([]);
          tree.expectNothingLeft();
          expect(tree.outcome).toBeDefined();
        }),
        { numRuns: RUNS },
      );
    },
    TIME_MS,
  );

  test(
    'once faults are over, what should run runs',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, plans, moves(), async (spec, plan, acts) => {
          const run = await begun(spec, plan, acts);
          await run.heal();
          if (run.tree.outcome === undefined) hold(run, livenessBreaches(run));
          hold(
            run,
            run.asked.filter(({ answered }) => !answered).map(({ what }) => `no answer: ${what}`),
          );
          await run.tree.stop();
        }),
        { numRuns: RUNS },
      );
    },
    TIME_MS,
  );

  test(
    'it is the same every time',
    async () => {
      await fc.assert(
        fc.asyncProperty(randomTree, plans, moves(), async (spec, plan, acts) => {
          const lines: string[] = [];
          for (let n = 0; n < 2; n += 1) {
            const run = await begun(spec, plan, acts);
            await run.tree.stop();
            lines.push(String(run.tree.timeline));
          }
          expect(lines[1]).toBe(lines[0]);
        }),
        { numRuns: Math.ceil(RUNS / 5) },
      );
    },
    TIME_MS,
  );

  test(
    'what survives its kill is named, and is all that is left',
    async () => {
      const stubborn = fc.array(manners(['end', 'survive']), { minLength: 1, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(
          randomTree,
          stubborn,
          moves(['end', 'survive']),
          grace,
          async (spec, plan, acts, graceMs) => {
            const run = await begun(spec, plan, acts);
            const { tree } = run;
            const report = await tree.stop({ graceMs });
            await tree.settle();
            const named = new Set(report.survivors.map(({ child }) => child.split('/').slice(1).join('/')));
            const alive = run.everTold().filter((path) => tree.fake(path).alive > 0);
            hold(
              run,
              alive.filter((path) => !named.has(path)).map((path) => `${path} is left and not named`),
            );
            const survived = eventsOf(run).flatMap((event) =>
              event.type === 'child:survived' ? [tree.timeline.relative(event.child)] : [],
            );
            hold(
              run,
              [...named].filter((path) => !survived.includes(path)).map((path) => `${path} never survived`),
            );
            for (const path of alive) tree.fake(path).exit({ type: 'killed' });
            await tree.settle();
            tree.expectNothingLeft();
          },
        ),
        { numRuns: RUNS },
      );
    },
    TIME_MS,
  );
});

describe('a single crash in a group of children', () => {
  const size = fc.integer({ min: 1, max: 8 });
  const restarts = fc.array(
    fc.constantFrom('permanent' as const, 'transient' as const, 'temporary' as const),
    {
      minLength: 8,
      maxLength: 8,
    },
  );

  test.each([
    { strategy: 'one_for_one', from: (at: number) => at, to: (at: number) => at },
    { strategy: 'rest_for_one', from: (at: number) => at, to: () => 7 },
    { strategy: 'one_for_all', from: () => 0, to: () => 7 },
  ] as const)('$strategy stops and starts just whom it must, in order', async ({ strategy, from, to }) => {
    await fc.assert(
      fc.asyncProperty(size, restarts, fc.nat(7), async (count, types, which) => {
        const at = which % count;
        const id = (n: number): string => `c${n}`;
        const children = types.slice(0, count).map((restart, n) => fakeChild(id(n), { restart }));
        const tree = await testTree<AnySupervisorSpec>(
          supervisor('root', { strategy, backoff: noBackoff(), stopOrder: 'reverse', children }),
        );
        await tree.crash(id(at));
        const group = types.map((type, n) => ({ type, n })).slice(from(at), Math.min(to(at), count - 1) + 1);
        if (types[at] === 'temporary') return tree.expectOrder([`end ${id(at)}`]);
        const stopped = group.filter(({ n }) => n !== at).reverse();
        // What is temporary loses its spec with its life, so it is not there to be started.
        const started = group.filter(({ type }) => type !== 'temporary');
        tree.expectOrder([
          `end ${id(at)}`,
          ...stopped.map(({ n }) => `end ${id(n)}` as const),
          ...started.map(({ n }) => `start ${id(n)}` as const),
        ]);
      }),
      { numRuns: 200 },
    );
  });
});
