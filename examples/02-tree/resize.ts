// A forked program: the same context as a task has, by import.

import { setTimeout as wait } from 'node:timers/promises';
import { ctx } from 'treewarden/child';

ctx.defer(() => console.log('resize: cleaned up'));
ctx.ready();
while (!ctx.signal.aborted) {
  await ctx.critical(async () => {
    // One image: a stop waits for it.
    await wait(20);
  });
}
