import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { command, fork } from '../../../../src/children/index.js';
import type { SupervisionEvents } from '../../../../src/core/index.js';
import { type ChildSpec, Supervisor, supervisor } from '../../../../src/runtime/index.js';
import { program } from '../../programs.js';

const onLinux = test.runIf(process.platform === 'linux');
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

type Stopping = SupervisionEvents['child:stopping'][0];

async function startTree(child: ChildSpec): Promise<Supervisor> {
  const tree = new Supervisor(supervisor('root', { children: [child] }));
  await tree.start();
  return tree;
}

const killOf = (tree: Supervisor): Promise<Stopping> =>
  new Promise((resolve) => {
    tree.on('child:stopping', (event) => event.step === 'kill' && resolve(event));
  });

onLinux('a kill says why it was needed', async () => {
  const tree = await startTree(
    command('deaf', 'sh', [fixture('ignores-by-inheritance.sh')], {
      shutdown: 50,
      ready: { line: 'up' },
      stdout: 'capture',
    }),
  );
  const kill = killOf(tree);
  await tree.stop();
  expect((await kill).obstacles?.map(({ verdict }) => verdict)).toEqual(['ignored']);
});

onLinux('a fork whose event loop does not turn stalls, and its kill says so', async () => {
  const tree = await startTree(
    fork('stuck', program('blocks-its-loop.mjs'), {
      ready: 'explicit',
      stallAfterMs: 200,
      drainMs: 100,
      shutdown: 100,
      restart: 'temporary',
    }),
  );
  const kill = killOf(tree);
  const exited = new Promise<SupervisionEvents['child:exited'][0]>((resolve) => {
    tree.on('child:exited', resolve);
  });
  const [obstacle] = (await kill).obstacles ?? [];
  expect(obstacle?.verdict).toBe('loop-blocked');
  expect(obstacle?.why).toMatch(
    /has not heard it yet: its (main thread is running|event loop has not turned)/,
  );
  expect((await exited).exit).toEqual({ type: 'stalled', silentMs: 200 });
  await tree.stop();
});
