// process-restart.mjs <who> <kills> <uptime ms> <program> [arguments]: from the SIGKILL of a process to the first byte of the one that takes its place.

import { setTimeout as sleep } from 'node:timers/promises';
import { byteArrivals } from './byte-arrivals.mjs';
import { report } from './shared.mjs';
import { keep } from './wardens.mjs';

const [who, kills, uptimeMs, program, ...args] = process.argv.slice(2);
const arrivals = byteArrivals();
const { pid, end } = await keep(who, program, [...args, arrivals.fifo]);

await arrivals.next();
const took = [];
for (let i = 0; i < Number(kills); i += 1) {
  await sleep(Number(uptimeMs));
  const target = pid();
  const killedAtMs = performance.now();
  process.kill(target, 'SIGKILL');
  took.push((await arrivals.next()) - killedAtMs);
}
await end();
arrivals.close();
took.sort((a, b) => a - b);
report({ ms: took[took.length >> 1] });
