// A tree: a task that others depend on, and below a branch of their own a forked program and a helper that is not ours.
// Where the rates fail, everything behind them is stopped and started again; where a worker fails, only that one is.
//
//   node --import tsx examples/02-tree/main.ts     (kill one of its processes; Ctrl-C stops it)

import { setTimeout as wait } from 'node:timers/promises';
import { type ChildContext, command, fork, supervise, supervisor, task } from 'treewarden';

const tree = supervisor('shop', {
  strategy: 'rest_for_one',
  children: [
    task('rates', refreshRates, { ready: 'explicit' }),
    supervisor('workers', {
      intensity: 5,
      periodMs: 60_000,
      children: [
        fork('resize', new URL('./resize.ts', import.meta.url), { ready: 'explicit' }),
        command('ticker', process.execPath, ['-e', 'setInterval(() => console.log("tick"), 1000)'], {
          ready: { line: 'tick' },
        }),
      ],
    }),
  ],
});

const app = await supervise(tree, { graceMs: 10_000 });
app.events.on('child:ready', ({ child, incarnation }) =>
  console.log(`${child} is ready again (${incarnation})`),
);
console.log(`ready: rates, resize (pid ${app.child('workers/resize').pid})`);

const outcome = await app.done;
if (outcome.type === 'stopped') {
  for (const { child, tookMs } of outcome.report.children)
    console.log(`${child} stopped in ${Math.round(tookMs)} ms`);
}

async function refreshRates(ctx: ChildContext): Promise<void> {
  while (!ctx.signal.aborted) {
    // Fetch them here.
    ctx.ready();
    await wait(500, undefined, { signal: ctx.signal });
  }
}
