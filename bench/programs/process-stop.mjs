// process-stop.mjs <treewarden | raw kill> <processes> <program> [arguments]: many processes, each of which takes a while to end, are stopped.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { byteArrivals } from './byte-arrivals.mjs';
import { entryPoint, report, timed } from './shared.mjs';

const [who, processes, program, drain, ...args] = process.argv.slice(2);
const arrivals = byteArrivals();
const n = Number(processes);
const argv = [...args, arrivals.fifo, drain];
const stop = who === 'treewarden' ? await supervised() : raw();

for (let i = 0; i < n; i += 1) await arrivals.next();
const ms = await timed(stop);
arrivals.close();
report({ ms });

async function supervised() {
  const { command, Supervisor, supervisor } = await entryPoint();
  const quiet = { stdout: 'ignore', stderr: 'ignore' };
  const children = Array.from({ length: n }, (_, i) => command(`c${i}`, program, argv, quiet));
  const tree = new Supervisor(supervisor('bench', { children }));
  tree.on('*', () => undefined);
  await tree.start();
  return () => tree.stop();
}

function raw() {
  const running = Array.from({ length: n }, () => spawn(program, argv, { stdio: 'ignore', detached: true }));
  return () => {
    for (const child of running) process.kill(-child.pid, 'SIGTERM');
    return Promise.all(running.map((child) => once(child, 'exit')));
  };
}
