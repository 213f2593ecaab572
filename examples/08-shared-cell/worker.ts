// A forked worker: each request reads the cell, without asking anybody.

import { ctx } from 'treewarden/child';
import { machines } from './machines.js';

const [, , id] = process.argv;
const cell = await ctx.resources.acquire(machines('reader'));
let told = 0;

const requests = setInterval(serve, 20);
ctx.onDrain(() => clearInterval(requests));
ctx.ready();

function serve(): void {
  const list = cell.read() ?? [];
  if (cell.version === told) return;
  told = cell.version;
  console.log(`${id}: version ${told}, ${list.map(({ name, load }) => `${name} ${load}`).join(', ')}`);
}
