// process-restart.mjs <treewarden | raw spawn> <kills> <uptime ms> <program> [arguments]: from the SIGKILL of a process to the first byte of the one
// that takes its place.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { byteArrivals } from './byte-arrivals.mjs';
import { entryPoint, INTENSITY, report } from './shared.mjs';

const [who, kills, uptimeMs, program, ...args] = process.argv.slice(2);
const arrivals = byteArrivals();
const { pid, end } = who === 'treewarden' ? await supervised() : rawLoop();

await arrivals.next();
const took = [];
for (let i = 0; i < Number(kills); i += 1) {
  await sleep(Number(uptimeMs));
  const killedAtMs = performance.now();
  process.kill(pid(), 'SIGKILL');
  took.push((await arrivals.next()) - killedAtMs);
}
await end();
arrivals.close();
took.sort((a, b) => a - b);
report({ ms: took[took.length >> 1] });

async function supervised() {
  const { command, noBackoff, Supervisor, supervisor } = await entryPoint();
  const children = [command('c', program, [...args, arrivals.fifo], { stdout: 'ignore', stderr: 'ignore' })];
  const tree = new Supervisor(supervisor('bench', { ...INTENSITY, backoff: noBackoff(), children }));
  tree.on('*', () => undefined);
  await tree.start();
  return { pid: () => tree.snapshot().children[0].pid, end: () => tree.stop() };
}

function rawLoop() {
  let child;
  let ending = false;
  const begin = () => {
    child = spawn(program, [...args, arrivals.fifo], { stdio: 'ignore', detached: true });
    child.on('exit', () => {
      if (!ending) begin();
    });
  };
  begin();
  return {
    pid: () => child.pid,
    end: () => {
      ending = true;
      child.kill('SIGKILL');
    },
  };
}
