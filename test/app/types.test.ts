import { expectTypeOf, test } from 'vitest';
import {
  type Child,
  type ChildSpec,
  command,
  dynamic,
  type LoneTree,
  type Supervised,
  supervise,
  supervisor,
  task,
} from '../../src/index.js';

// What follows is compiled and never run: a path that is wrong, or a value that nobody can stop, must not compile.
async function typed(): Promise<void> {
  const tree = supervisor('shop', {
    children: [
      task('rates', () => undefined),
      supervisor('workers', {
        children: [
          command('redis', 'redis-server'),
          dynamic(
            'jobs',
            task('job', () => undefined),
          ),
        ],
      }),
    ],
  });
  const app = await supervise(tree);
  expectTypeOf(app).toEqualTypeOf<Supervised<typeof tree>>();
  expectTypeOf(app.child('workers/redis')).toEqualTypeOf<Child<ChildSpec<'redis'>>>();
  app.child('rates');
  app.child('workers');
  app.child('workers/jobs');
  // @ts-expect-error no such child
  app.child('prices');
  // @ts-expect-error no such child below workers
  app.child('workers/rates');
  // @ts-expect-error the root is no part of a path
  app.child('shop/rates');
  // @ts-expect-error a tree has its policy in its spec
  await supervise(tree, { intensity: 5 });

  const lone = await supervise(
    task('mail', () => undefined),
    { intensity: 5 },
  );
  expectTypeOf(lone).toEqualTypeOf<Supervised<LoneTree<ChildSpec<'mail'>>>>();
  lone.child('mail');
  // @ts-expect-error no such child
  lone.child('male');

  await supervise(async () => undefined);
  await supervise(async (ctx) => {
    ctx.signal.throwIfAborted();
    await ctx.job(() => 1);
  });
  await supervise(async function* () {
    yield 1;
  });
  await supervise(() => ({ close: () => undefined }), {
    close: (it, { force }) => (force ? it : it.close()),
  });
  await supervise(() => ({ on: () => undefined, destroy: () => undefined }), { close: (it) => it.destroy() });
  await supervise({ stop: () => undefined });
  // @ts-expect-error an instance cannot be made anew
  await supervise({ stop: () => undefined }, { restart: 'permanent' });
  // @ts-expect-error a number cannot be stopped
  await supervise(() => 42);
  // @ts-expect-error nor can this
  await supervise({ hello: 1 });
  // @ts-expect-error an array is no tree
  await supervise([task('a', () => undefined)]);
  // @ts-expect-error no such signal
  await supervise(tree, { signals: { SIGTREM: 'drain' } });
  // @ts-expect-error no such meaning
  await supervise(tree, { signals: { SIGTERM: 'die' } });
  await supervise(tree, { signals: { SIGUSR2: { forward: ['workers/*'], as: 'SIGHUP' }, SIGQUIT: false } });
}

test('the paths of a tree, and what may be supervised, are typed', () => {
  expectTypeOf(typed).returns.resolves.toBeVoid();
});
