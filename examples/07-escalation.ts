// Escalation: a branch that has had enough gives up, its parent starts it afresh, and when the parent has had enough as well
// the tree has failed, with the history of how it came to that.
//
//   node --import tsx examples/07-escalation.ts; echo $?

import { describeExit, noBackoff, supervise, supervisor, TreeFailedError, task } from 'treewarden';

const tree = supervisor('shop', {
  intensity: 1,
  backoff: noBackoff(),
  children: [
    supervisor('workers', {
      intensity: 2,
      children: [
        task('broken', async () => {
          throw new Error('no such host');
        }),
        task('bystander', async ({ signal }) => {
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        }),
      ],
    }),
  ],
});

const app = await supervise(tree, {
  onEvent(event) {
    if (event.type === 'supervisor:gave-up')
      console.log(`${event.supervisor} gave up: ${event.restarts} restarts`);
    if (event.type === 'child:restarting') console.log(`${event.child} is started again`);
  },
});

try {
  await app.done;
} catch (error) {
  if (!(error instanceof TreeFailedError)) throw error;
  console.log(describeExit(error.exit));
  console.log(error.cause);
  process.exitCode = 1;
}
