// sustained.mjs <treewarden | promise loop> <children> <ms>: restarts per second while crashes go on for a while.

import { entryPoint, promiseLoop, report, startTree, Waiters } from './shared.mjs';

const [who, children, ms] = process.argv.slice(2);
const n = Number(children);
const waiters = new Waiters();

if (who === 'treewarden') await startTree(await entryPoint(), waiters, n);
else promiseLoop(waiters, n);

const begunAtMs = performance.now();
let restarts = 0;
while (performance.now() - begunAtMs < Number(ms)) {
  await waiters.crashInTurn(n, 1000);
  restarts += 1000;
}
report({ perSecond: (1000 * restarts) / (performance.now() - begunAtMs) });
