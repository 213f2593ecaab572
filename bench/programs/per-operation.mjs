// What one operation takes, of those that are too short to be timed one by one.

import { setImmediate as turn } from 'node:timers/promises';

/** Long enough that what collecting the garbage of a batch costs is in it. */
const BATCH_MS = 10;
const BATCHES = 41;
const WARM_UP_MS = 300;

/** Nanoseconds per operation, once it is hot: the median of many batches. `batch` does as many operations as it is told. */
export async function nsPerOperation(batch) {
  const many = await enough(batch);
  const took = [];
  for (let i = 0; i < BATCHES; i += 1) took.push((await msOf(batch, many)) / many);
  took.sort((a, b) => a - b);
  return took[BATCHES >> 1] * 1e6;
}

/** How many operations fill a batch, found while they become hot. */
async function enough(batch) {
  const begunAtMs = performance.now();
  let many = 1;
  for (;;) {
    const ms = await msOf(batch, many);
    if (ms < BATCH_MS / 2) many *= 2;
    else if (performance.now() - begunAtMs > WARM_UP_MS) return Math.ceil((many * BATCH_MS) / ms);
  }
}

async function msOf(batch, many) {
  // What an operation leaves to the event loop is done before the next batch.
  await turn();
  const begunAtMs = performance.now();
  await batch(many);
  return performance.now() - begunAtMs;
}
