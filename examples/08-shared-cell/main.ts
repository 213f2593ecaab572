// A cell in shared memory: one child asks a slow and moody source for the list of machines, and every forked worker reads it in a
// microsecond. When the source fails, or the child that asks it, the last good list stays.
//
//   node --import tsx examples/08-shared-cell/main.ts     (Ctrl-C stops it)

import { fork, supervise, supervisor } from 'treewarden';
import { refresher } from 'treewarden/resources';
import { type Machine, machines } from './machines.js';

let asked = 0;
const worker = new URL('./worker.ts', import.meta.url);

const tree = supervisor('shop', {
  children: [
    refresher('machines', {
      cell: machines('writer'),
      everyMs: 200,
      load: askTheSource,
      onError: () => console.log('the source has failed; the last list stays'),
    }),
    fork('web-1', worker, { args: ['web-1'], ready: 'explicit' }),
    fork('web-2', worker, { args: ['web-2'], ready: 'explicit' }),
  ],
});

const app = await supervise(tree);
await app.done;

function askTheSource(): readonly Machine[] {
  asked += 1;
  if (asked % 10 === 0) throw new Error('no answer');
  return [
    { name: 'ash', load: asked },
    { name: 'elm', load: asked * 2 },
  ];
}
