// guardian-start.mjs <treewarden | bare sh>: from the call that needs a guardian to the moment at which it watches. It holds the ledger open by its
// descriptor 3 just before that; so does the bare shell with what it watches.

import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { withRegistry } from './own-registry.mjs';
import { report } from './shared.mjs';

const [who] = process.argv.slice(2);
report(who === 'treewarden' ? await withRegistry(guardian) : { ms: await bareShell() });

async function guardian(registry, { temporaryFile }) {
  const begunAtMs = performance.now();
  const acquiring = registry.acquire(temporaryFile());
  await holds(
    () => registry.guardian.pid,
    (path) => path.endsWith('.ledger'),
  );
  const ms = performance.now() - begunAtMs;
  await acquiring;
  return { ms };
}

async function bareShell() {
  const begunAtMs = performance.now();
  const shell = spawn('/bin/sh', ['-c', 'exec 3</dev/null; read word'], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  await holds(
    () => shell.pid,
    (path) => path === '/dev/null',
  );
  return performance.now() - begunAtMs;
}

async function holds(pid, expected) {
  while (!expected(linkOf(pid()))) await turn();
}

function linkOf(pid) {
  try {
    return readlinkSync(`/proc/${pid}/fd/3`);
  } catch {
    return '';
  }
}
