// restarts.mjs <treewarden | promise loop> <children> <crashes>: restarts per second of a cold tree, one crash after another.

import { entryPoint, promiseLoop, report, startTree, timed, Waiters } from './shared.mjs';

const [who, children, crashes] = process.argv.slice(2);
const n = Number(children);
const waiters = new Waiters();

if (who === 'treewarden') await startTree(await entryPoint(), waiters, n);
else promiseLoop(waiters, n);

await waiters.crashInTurn(n, 50);
const firstMs = await timed(() => waiters.crashInTurn(n, 1000));
const restMs = await timed(() => waiters.crashInTurn(n, Number(crashes)));
report({ firstPerSecond: 1e6 / firstMs, perSecond: (1000 * crashes) / restMs });
