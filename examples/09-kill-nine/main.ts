// kill -9: a program that holds segments, semaphores and memory is killed outright. No code of its own runs any more, and a moment
// later nothing of it is left.
//
//   node --import tsx examples/09-kill-nine/main.ts

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const holder = fileURLToPath(new URL('./holder.ts', import.meta.url));
const first = randomInt(2 ** 26) * 16;

const program = ['--import', 'tsx', holder, String(first)];
const host = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
await once(host.stdout, 'data');
show(`held by pid ${host.pid}:`);

const killedAtMs = performance.now();
host.kill('SIGKILL');
while (listed().length > 0) await wait(1);
show(`${Math.round(performance.now() - killedAtMs)} ms after kill -9:`);

function show(title: string): void {
  const lines = listed();
  console.log([title, ...(lines.length > 0 ? lines : ['nothing'])].join('\n  '));
}

/** What `ipcs` and `ls /dev/shm` would show of it. */
function listed(): readonly string[] {
  const files = readdirSync('/dev/shm').filter((name) => name === `kill-nine-${first}`);
  return [...systemV('shm'), ...systemV('sem'), ...files.map((name) => `/dev/shm/${name}`)];
}

function systemV(table: 'shm' | 'sem'): readonly string[] {
  const [, ...lines] = readFileSync(`/proc/sysvipc/${table}`, 'utf8').trimEnd().split('\n');
  return lines
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([key = 0]) => key >= first && key < first + 16)
    .map(([key = 0, id]) => `${table} 0x${key.toString(16).padStart(8, '0')} id ${id}`);
}
