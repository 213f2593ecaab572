// One consumer: restarted when it fails, with the job in hand finished before the program ends.
//
//   node --import tsx examples/01-one-consumer.ts     (Ctrl-C drains and stops it)

import { setTimeout as wait } from 'node:timers/promises';
import { consumer, supervise } from 'treewarden';

const letters = ['ada', 'bob', 'a poisoned one', 'cleo', 'dan'];

const app = await supervise(
  consumer('mail', async (ctx) => {
    while (!ctx.signal.aborted) {
      // A job is finished before a stop goes on.
      const sent = await ctx.job(async () => send(letters.shift()));
      if (!sent) await wait(1000, undefined, { signal: ctx.signal });
    }
  }),
  {
    onEvent(event) {
      if (event.type === 'child:restarting') console.log(`restarting ${event.child}`);
    },
  },
);

console.log(await app.done);

async function send(letter: string | undefined): Promise<boolean> {
  if (letter === undefined) return false;
  if (letter.includes('poison')) throw new Error(`cannot send ${letter}`);
  console.log(`sent ${letter}`);
  return true;
}
