// A consumer as a program of its own: the same file runs forked, in a process, and threaded, in a thread.

import { ctx, expose } from 'treewarden/child';
import { consume } from './consumer.js';
import { blockForever, type Fault, Sabotage } from './sabotage.js';

const [address = ''] = process.argv.slice(2);
const sabotage = new Sabotage(blockForever);

export const api = expose({ suffer: (fault: Fault) => sabotage.order(fault) });

await consume(ctx, address, sabotage);
