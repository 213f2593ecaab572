// thread-restart.mjs <treewarden | raw worker> <exits>: from the exit of a thread to the first message of the one that takes its place.

import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { entryPoint, INTENSITY, report } from './shared.mjs';

const [who, exits] = process.argv.slice(2);
const entry = new URL('./exits-when-told.mjs', import.meta.url);
const port = new BroadcastChannel('treewarden-bench');
let onBegan = () => undefined;
port.onmessage = ({ data }) => {
  if (data === 'began') onBegan();
};
const began = () =>
  new Promise((resolve) => {
    onBegan = resolve;
  });

const first = began();
const end = who === 'treewarden' ? await supervised() : rawLoop();
await first;
const took = [];
for (let i = 0; i < Number(exits); i += 1) {
  await sleep(20);
  const toldAtMs = performance.now();
  const replaced = began();
  port.postMessage('exit');
  await replaced;
  took.push(performance.now() - toldAtMs);
}
await end();
port.close();
took.sort((a, b) => a - b);
report({ ms: took[took.length >> 1] });

async function supervised() {
  const { noBackoff, Supervisor, supervisor, thread } = await entryPoint();
  const children = [thread('c', entry)];
  const tree = new Supervisor(supervisor('bench', { ...INTENSITY, backoff: noBackoff(), children }));
  tree.on('*', () => undefined);
  await tree.start();
  return () => tree.stop();
}

function rawLoop() {
  let worker;
  let ending = false;
  const begin = () => {
    worker = new Worker(entry);
    worker.on('exit', () => {
      if (!ending) begin();
    });
  };
  begin();
  return () => {
    ending = true;
    return worker.terminate();
  };
}
