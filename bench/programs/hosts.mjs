// Programs that are killed while they hold something, and what is left of that.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Starts one, in a state directory of its own, and resolves once it holds everything. What has `ten` holds five segments and five semaphore sets. */
export async function startHost(what) {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-'));
  process.once('exit', () => rmSync(stateDir, { recursive: true }));
  const program = fileURLToPath(new URL('./host.mjs', import.meta.url));
  const host = spawn(process.execPath, [program, stateDir, what], { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(host, 'exit');
  const held = await firstLine(host.stdout);
  return { ...held, pid: host.pid, stateDir, scope: 'host', gone, left: () => leftOf(held) };
}

async function firstLine(output) {
  for await (const line of createInterface({ input: output })) return JSON.parse(line);
  throw new Error('The host ended before it held anything.');
}

function leftOf({ keys, paths, groups }) {
  const listed = ['shm', 'sem'].flatMap((file) => readFileSync(`/proc/sysvipc/${file}`, 'utf8').split('\n'));
  const there = new Set(listed.map((line) => Number.parseInt(line, 10)));
  return [...keys.filter((key) => there.has(key)), ...paths.filter(existsSync), ...groups.filter(lives)];
}

/** Zombies do not; whoever should take them back may be slow. */
function lives(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
