// process-stop.mjs <treewarden | ownership: group | raw kill> <processes> <program> <drain> [arguments]: many processes, each of which takes a while to
// end, are stopped.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { byteArrivals } from './byte-arrivals.mjs';
import { entryPoint, report } from './shared.mjs';

const [who, processes, program, drain, ...args] = process.argv.slice(2);
const arrivals = byteArrivals();
const n = Number(processes);
const argv = [...args, arrivals.fifo, drain];
const stop = who === 'raw kill' ? raw() : await supervised();

for (let i = 0; i < n; i += 1) await arrivals.next();
const begunAtMs = performance.now();
const goneAtMs = await stop();
const closedMs = performance.now() - begunAtMs;
arrivals.close();
report({ ms: goneAtMs - begunAtMs, closedMs });

async function supervised() {
  const { command, supervise, supervisor } = await entryPoint();
  const ownership = who === 'ownership: group' ? { ownership: 'group' } : {};
  const options = { stdout: 'ignore', stderr: 'ignore', ...ownership };
  const children = Array.from({ length: n }, (_, i) => command(`c${i}`, program, argv, options));
  let left = n;
  let lastAtMs = 0;
  const onEvent = ({ type }) => {
    if (type === 'child:exited' && --left === 0) lastAtMs = performance.now();
  };
  const app = await supervise(supervisor('bench', { children }), { signals: false, onEvent });
  // The registry and its guardian close after that.
  return async () => {
    await app.stop();
    return lastAtMs;
  };
}

function raw() {
  const running = Array.from({ length: n }, () => spawn(program, argv, { stdio: 'ignore', detached: true }));
  return async () => {
    for (const child of running) process.kill(-child.pid, 'SIGTERM');
    await Promise.all(running.map((child) => once(child, 'exit')));
    return performance.now();
  };
}
