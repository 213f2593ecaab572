// What every consumer does, whether it lives in a process of its own, in a thread, or in this program.

import type { ChildContext } from 'treewarden';
import { measure } from './jobs.js';
import { consumeFrom } from './queue.js';
import type { Sabotage } from './sabotage.js';

/** Works through the queue at `address` until it is asked to stop. */
export async function consume(ctx: ChildContext, address: string, sabotage: Sabotage): Promise<void> {
  sabotage.recover();
  const takeJobs = await consumeFrom(address);
  ctx.ready();
  await takeJobs(ctx, address, async ({ path }) => {
    const outcome = await measure(path, () => ctx.heartbeat());
    await sabotage.weakPoint(ctx.signal);
    return outcome;
  });
}
