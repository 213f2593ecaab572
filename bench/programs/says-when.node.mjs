// says-when.node.mjs <fifo>: what says-when.c does, as a Node program.
import { writeFileSync } from 'node:fs';

writeFileSync(process.argv[2], '!');
setInterval(() => undefined, 1e6);
