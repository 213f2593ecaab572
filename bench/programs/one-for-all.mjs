// one-for-all.mjs <treewarden | promise loop> <children>: one child crashes, and all are running again.

import { entryPoint, report, timed, Waiters } from './shared.mjs';

const [who, children] = process.argv.slice(2);
const n = Number(children);
const waiters = new Waiters();

if (who === 'treewarden') {
  const { noBackoff, Supervisor, supervisor, task } = await entryPoint();
  const run = (i) => (ctx) => {
    ctx.onDrain(() => waiters.resolve[i]());
    return waiters.begin(i);
  };
  const specs = Array.from({ length: n }, (_, i) => task(`c${i}`, run(i)));
  const settings = { strategy: 'one_for_all', intensity: 1000, backoff: noBackoff() };
  const tree = new Supervisor(supervisor('bench', { ...settings, children: specs }));
  tree.on('*', () => undefined);
  await tree.start();
} else for (let i = 0; i < n; i += 1) void begin(i);

report({ ms: await timed(crashOne) });

function crashOne() {
  return new Promise((resolve) => {
    let up = 0;
    waiters.onUp = () => {
      up += 1;
      if (up === n) resolve();
    };
    waiters.crash(0);
  });
}

/** Ends all the others one after another, last first, and begins all again. */
async function begin(i) {
  try {
    await waiters.begin(i);
  } catch {
    for (let other = n - 1; other > 0; other -= 1) await waiters.resolve[other]();
    for (let other = 0; other < n; other += 1) void begin(other);
  }
}
