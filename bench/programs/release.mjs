// release.mjs <ten | mixed> <kills>: from the SIGKILL of a program to the release of all that it held, the ledger included, which goes last; and what
// the guardian that does it takes while it waits.

import { readdirSync, readFileSync, watch } from 'node:fs';
import path from 'node:path';
import { startHost } from './hosts.mjs';
import { report } from './shared.mjs';

const [what, kills] = process.argv.slice(2);
const took = [];
let memory;

for (let i = 0; i < Number(kills); i += 1) {
  const host = await startHost(what);
  memory = memoryOf(host.guardian);
  const empty = emptied(path.join(host.stateDir, host.scope));
  const killedAtMs = performance.now();
  process.kill(host.pid, 'SIGKILL');
  took.push((await empty) - killedAtMs);
  const left = host.left();
  if (left.length > 0) throw new Error(`The guardian has left ${left.join(', ')}.`);
}
took.sort((a, b) => a - b);
report({ ms: took[took.length >> 1], worstMs: took.at(-1), ...memory });

/** Resolves to when a directory had nothing in it any more. */
function emptied(directory) {
  return new Promise((resolve) => {
    const watching = watch(directory, () => {
      if (readdirSync(directory).length > 0) return;
      resolve(performance.now());
      watching.close();
    });
  });
}

function memoryOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
  return { rssKib: kib('Rss'), pssKib: kib('Pss'), privateKib: kib('Private_Clean') + kib('Private_Dirty') };
}
