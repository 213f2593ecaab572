import { expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import { constantBackoff } from '../../../../src/core/index.js';
import { Supervisor, supervisor } from '../../../../src/runtime/index.js';

test.runIf(process.platform === 'linux')(
  'a program that is recycled for its age waits for no backoff and is counted for no intensity',
  async () => {
    const old = command('old', 'sleep', ['1000'], {
      restart: 'transient',
      health: { ageMs: 1, everyMs: 10 },
      backoff: constantBackoff(1_000_000),
    });
    const tree = new Supervisor(supervisor('root', { intensity: 0, children: [old] }));
    const delays: number[] = [];
    const thrice = new Promise<void>((resolve) => {
      tree.on('child:restarting', ({ delayMs }) => delays.push(delayMs) === 3 && resolve());
    });
    await tree.start();
    await thrice;
    expect(delays).toEqual([0, 0, 0]);
    expect(tree.child('old').lastExit?.exit).toMatchObject({ type: 'unhealthy', check: 'age' });
    await tree.stop();
  },
);
