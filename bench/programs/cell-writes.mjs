// cell-writes.mjs <cell | child.send> <bytes> <children>: what an update costs its sender, JSON included: written into a cell, which any number
// of readers see, or sent to each child.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { machines } from './machines.mjs';
import { withRegistry } from './own-registry.mjs';
import { report } from './shared.mjs';

const [what, bytes, children] = process.argv.slice(2);
const value = machines(Number(bytes));
const WARM_UP_MS = 500;
const MEASURED_MS = 1000;

report({ cpuUs: what === 'cell' ? await withRegistry(writes) : await sends() });

async function writes(registry, { snapshotCell }) {
  const cell = await registry.acquire(snapshotCell({ name: `cell-${process.pid}`, bytes: Number(bytes) }));
  return cpuOf(() => cell.write(value));
}

async function sends() {
  const counter = fileURLToPath(new URL('./counts-messages.mjs', import.meta.url));
  const running = Array.from({ length: Number(children) }, () => fork(counter));
  await Promise.all(running.map((child) => once(child, 'message')));
  const done = Promise.all(running.map((child) => once(child, 'message')));
  const sent = (child) => new Promise((resolve) => child.send(value, resolve));
  const cpuUs = await cpuOf(() => Promise.all(running.map(sent)));
  for (const child of running) child.send('last');
  await done;
  for (const child of running) child.disconnect();
  return cpuUs;
}

/** Processor time of this process per update, in µs, once it is hot. */
async function cpuOf(update) {
  await during(WARM_UP_MS, update);
  const before = process.cpuUsage();
  const updates = await during(MEASURED_MS, update);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / updates;
}

async function during(ms, update) {
  const endAtMs = performance.now() + ms;
  let updates = 0;
  for (; performance.now() < endAtMs; updates += 1) await update();
  return updates;
}
