// registry-open.mjs <nothing | ten>: opens a registry in a cold process, where there is nothing to reclaim, or where a program and its guardian
// have died together and left ten things.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startHost } from './hosts.mjs';
import { entryPoint, report, timed } from './shared.mjs';

const place = process.argv[2] === 'ten' ? await deadHost() : emptyPlace();
const { ResourceRegistry } = await entryPoint('resources');
let registry;
const ms = await timed(async () => {
  registry = await ResourceRegistry.open({ scope: place.scope, stateDir: place.stateDir });
});
await registry.close();
const left = place.left();
if (left.length > 0) throw new Error(`The registry has left ${left.join(', ')}.`);
report({ ms });

function emptyPlace() {
  const stateDir = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-'));
  process.once('exit', () => rmSync(stateDir, { recursive: true }));
  return { stateDir, scope: 'nobody', left: () => [] };
}

/** Stopped first, so that it cannot start another guardian. */
async function deadHost() {
  const host = await startHost('ten');
  process.kill(host.pid, 'SIGSTOP');
  process.kill(host.guardian, 'SIGKILL');
  process.kill(host.pid, 'SIGKILL');
  await host.gone;
  return host;
}
