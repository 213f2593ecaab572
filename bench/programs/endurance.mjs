// endurance.mjs <restarts>: what is left on the heap, and on the process, after very many restarts.

import { setImmediate as turn } from 'node:timers/promises';
import { entryPoint, report, startTree, Waiters } from './shared.mjs';

const restarts = Number(process.argv[2]);
const waiters = new Waiters();
// Without a period that soon ends, the restart window alone would grow: it must remember what it counts.
const { tree } = await startTree(await entryPoint(), waiters, 10, { intensity: 1_000_000, periodMs: 100 });

await waiters.crashInTurn(10, restarts / 2);
const before = await state();
await waiters.crashInTurn(10, restarts / 2);
const after = await state();
report({
  grownBytesPerRestart: Math.max(0, after.heapBytes - before.heapBytes) / (restarts / 2),
  listenersAdded: after.listeners - before.listeners,
});
void tree;

async function state() {
  await new Promise((resolve) => setTimeout(resolve, 150));
  await waiters.crashInTurn(10, 10);
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc();
    await turn();
  }
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  return { heapBytes: process.memoryUsage().heapUsed, listeners };
}
