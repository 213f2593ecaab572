// start.mjs <treewarden | promise loop> <children>: from nothing to a running tree, specs included, in a cold process.

import { entryPoint, promiseLoop, report, startTree, timed, Waiters } from './shared.mjs';

const [who, children] = process.argv.slice(2);
const waiters = new Waiters();
const treewarden = who === 'treewarden' ? await entryPoint() : undefined;

const ms = await timed(() =>
  treewarden === undefined
    ? promiseLoop(waiters, Number(children))
    : startTree(treewarden, waiters, Number(children)),
);
report({ ms });
