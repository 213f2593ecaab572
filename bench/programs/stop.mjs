// stop.mjs <treewarden | treewarden signal | promise loop> <children> <ms>: a whole tree is stopped.
// Each child ends when its drain hook is called (with `signal`: when ctx.signal is aborted), after <ms>.

import { setTimeout as sleep } from 'node:timers/promises';
import { entryPoint, report, timed, Waiters } from './shared.mjs';

const [who, children, drainMs] = process.argv.slice(2);
const n = Number(children);
const waiters = new Waiters();
const hooks = [];

const byHook = (i) => (ctx) => {
  ctx.onDrain(() => finish(i));
  return waiters.begin(i);
};
const bySignal = (i) => (ctx) => {
  ctx.signal.addEventListener('abort', () => waiters.resolve[i]());
  return waiters.begin(i);
};

if (who.startsWith('treewarden')) {
  const { Supervisor, supervisor, task } = await entryPoint();
  const run = who.endsWith('signal') ? bySignal : byHook;
  const specs = Array.from({ length: n }, (_, i) => task(`c${i}`, run(i)));
  const tree = new Supervisor(supervisor('bench', { children: specs }));
  tree.on('*', () => undefined);
  await tree.start();
  report({ ms: await timed(() => tree.stop()) });
} else {
  const ended = Array.from({ length: n }, (_, i) => byHook(i)({ onDrain: (hook) => hooks.push(hook) }));
  report({
    ms: await timed(() => {
      for (const hook of hooks) void hook();
      return Promise.all(ended);
    }),
  });
}

function finish(i) {
  if (Number(drainMs) === 0) return waiters.resolve[i]();
  return sleep(Number(drainMs)).then(() => waiters.resolve[i]());
}
