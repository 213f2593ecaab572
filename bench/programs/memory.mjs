// memory.mjs <treewarden | promise loop> <children>: bytes on V8's heap per idle child, its spec included.

import { setImmediate as turn } from 'node:timers/promises';
import { entryPoint, promiseLoop, report, startTree, Waiters } from './shared.mjs';

const [who, children] = process.argv.slice(2);
const n = Number(children);
const waiters = new Waiters();
const treewarden = who === 'treewarden' ? await entryPoint() : undefined;

const beforeBytes = await heapBytes();
const kept = treewarden === undefined ? promiseLoop(waiters, n) : await startTree(treewarden, waiters, n);
report({ bytesPerChild: ((await heapBytes()) - beforeBytes) / n });
void kept;

async function heapBytes() {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}
