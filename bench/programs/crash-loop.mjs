// crash-loop.mjs <treewarden | yielding loop> <ms>: how late a 1 ms timer fires while a task fails as soon as it starts.

import { CRASH, entryPoint, INTENSITY, report } from './shared.mjs';

const [who, ms] = process.argv.slice(2);
let lives = 0;
const failAtOnce = async () => {
  lives += 1;
  throw CRASH;
};

let lastAtMs = performance.now();
let worstMs = 0;
setInterval(() => {
  const nowMs = performance.now();
  worstMs = Math.max(worstMs, nowMs - lastAtMs - 1);
  lastAtMs = nowMs;
}, 1);
setTimeout(() => report({ worstDelayMs: worstMs, perSecond: (1000 * lives) / ms }), Number(ms));

if (who === 'treewarden') {
  const { noBackoff, Supervisor, supervisor, task } = await entryPoint();
  const children = [task('failing', failAtOnce)];
  const tree = new Supervisor(supervisor('bench', { ...INTENSITY, backoff: noBackoff(), children }));
  tree.on('*', () => undefined);
  await tree.start();
} else yieldingLoop(1);

/** What a program without a supervisor would have to do, so as not to starve itself. */
function yieldingLoop(turn) {
  failAtOnce().catch(() => {
    if (turn % 256 === 0) setImmediate(yieldingLoop, 1);
    else yieldingLoop(turn + 1);
  });
}
