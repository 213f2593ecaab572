// idle.mjs <treewarden | ownership: group | raw spawn> <children> <ms> <program> [arguments]: so many processes are started, and then held while nothing
// happens: starts per second until the last one has said that it runs, resident memory, and what the idle process still does.

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { byteArrivals } from './byte-arrivals.mjs';
import { entryPoint, report } from './shared.mjs';

const [who, children, ms, program, ...args] = process.argv.slice(2);
const n = Number(children);
const arrivals = byteArrivals();
const argv = [...args, arrivals.fifo];
const start = who === 'raw spawn' ? () => raw() : await supervised();

const begunAtMs = performance.now();
const starting = start();
for (let i = 0; i < n; i += 1) await arrivals.next();
const startsPerSecond = (1000 * n) / (performance.now() - begunAtMs);
const end = await starting;

// Until V8 has tidied up.
globalThis.gc();
await sleep(2000);
const before = look();
await sleep(Number(ms));
const after = look();
const seconds = Number(ms) / 1000;
report({
  startsPerSecond,
  rssMiB: after.rssMiB,
  wakeUpsPerSecond: (after.switches - before.switches) / seconds,
  cpuMsPerSecond: (after.cpuMs - before.cpuMs) / seconds,
  ended: await end(),
});

async function supervised() {
  const { command, supervise, supervisor } = await entryPoint();
  const ownership = who === 'ownership: group' ? { ownership: 'group' } : {};
  const options = { stdout: 'ignore', stderr: 'ignore', ...ownership };
  const specs = Array.from({ length: n }, (_, i) => command(`c${i}`, program, argv, options));
  return async () => {
    const tree = supervisor('bench', { children: specs });
    const app = await supervise(tree, { signals: false, onEvent: () => undefined });
    return async () => {
      await app.stop();
      return 1;
    };
  };
}

function raw() {
  const running = Array.from({ length: n }, () => spawn(program, argv, { stdio: 'ignore', detached: true }));
  return async () => {
    for (const child of running) child.kill('SIGKILL');
    return 1;
  };
}

/** The switches of all its threads: each time that one of them went to sleep, or was made to. */
function look() {
  const { user, system } = process.cpuUsage();
  const statuses = readdirSync('/proc/self/task').map((tid) => status(`/proc/self/task/${tid}/status`));
  return {
    cpuMs: (user + system) / 1000,
    switches: statuses.reduce((sum, one) => sum + number(one, 'voluntary_ctxt_switches'), 0),
    rssMiB: number(status('/proc/self/status'), 'VmRSS') / 1024,
  };
}

function status(file) {
  return readFileSync(file, 'utf8');
}

function number(text, name) {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}
