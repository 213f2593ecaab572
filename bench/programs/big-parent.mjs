// big-parent.mjs <treewarden | without a helper | raw spawn> <MiB> <starts> <stdio> <program> [arguments]: a process with so much memory starts others, one
// after another: from the request to the first byte, and how long its event loop was busy with that.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { byteArrivals } from './byte-arrivals.mjs';
import { entryPoint, report } from './shared.mjs';

const [who, mib, starts, stdio, program, ...args] = process.argv.slice(2);
const arrivals = byteArrivals();
const argv = [...args, arrivals.fifo];
const { start, end } = who === 'raw spawn' ? raw() : await supervised();
await start(-1);
await arrivals.next();
// Touched, page by page.
const ballast = Array.from({ length: Number(mib) / 64 }, () => Buffer.alloc(64 << 20, 1));

const took = [];
const busy = [];
for (let i = 0; i < Number(starts); i += 1) {
  await sleep(20);
  const before = performance.eventLoopUtilization();
  const askedAtMs = performance.now();
  const started = start(i);
  took.push((await arrivals.next()) - askedAtMs);
  await started;
  busy.push(performance.eventLoopUtilization(before).active);
}
await end();
arrivals.close();
report({ ms: middle(took), busyMs: middle(busy), heldMiB: ballast.length * 64 });

function middle(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

async function supervised() {
  const { command, supervise, supervisor } = await entryPoint();
  const options = { signals: false, onEvent: () => undefined, spawnHelper: who === 'treewarden' };
  const app = await supervise(supervisor('bench', { children: [] }), options);
  const output = stdio === 'pipe' ? 'capture' : 'ignore';
  return {
    start: (i) =>
      app.supervisor.startChild(command(`c${i}`, program, argv, { stdout: output, stderr: output })),
    end: () => app.stop(),
  };
}

function raw() {
  const running = [];
  return {
    start: () => {
      running.push(spawn(program, argv, { stdio: ['ignore', stdio, stdio], detached: true }));
    },
    end: () => {
      for (const child of running) child.kill('SIGKILL');
    },
  };
}
