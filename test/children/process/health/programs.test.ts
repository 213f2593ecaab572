import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { command } from '../../../../src/children/index.js';
import type { Exit } from '../../../../src/core/index.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

type Options = NonNullable<Parameters<typeof command>[3]>;

const onLinux = test.runIf(process.platform === 'linux');
const fixture = (name: string): string => fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));

/** Runs a program until its health is a fault, kills it, and answers the fault. */
async function faultOf(
  name: string,
  health: Options['health'] & object,
  options: Options = {},
): Promise<Exit> {
  const { host, incarnation } = startRecorded(
    command('ill', process.execPath, [fixture(name)], { ...options, health: { everyMs: 50, ...health } }),
  );
  const { exit } = await host.next('fault');
  incarnation.kill();
  await host.next('exited');
  return exit;
}

onLinux('a program that eats memory is a fault of its health', async () => {
  const exit = await faultOf('eats-memory.mjs', { memoryBytes: 128 * 2 ** 20 });
  expect(exit).toMatchObject({ type: 'unhealthy', check: 'memory' });
});

onLinux('a program that burns processor time is a fault of its health', async () => {
  const exit = await faultOf('burns-cpu.mjs', { cpuPercent: 10 });
  expect(exit).toMatchObject({ type: 'unhealthy', check: 'cpu' });
});

onLinux('a program that closes its port is a fault of its health', async () => {
  // A port that was free a moment ago, as the options want it before the program runs.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const exit = await faultOf(
    'closes-its-port.mjs',
    { port },
    {
      env: { PORT: String(port) },
      ready: { line: 'port' },
      stdout: 'capture',
    },
  );
  expect(exit).toMatchObject({ type: 'unhealthy', check: 'port' });
});

onLinux('health is watched from ready on, and no longer than until the stop', async () => {
  let asked = 0;
  const probe = (): boolean => {
    asked += 1;
    return true;
  };
  const { host, incarnation } = startRecorded(
    command('well', 'sh', ['-c', 'echo up; exec sleep 1000'], {
      ready: { line: 'up' },
      stdout: 'capture',
      health: { probe, everyMs: 10 },
    }),
  );
  await host.next('ready');
  while (asked < 2) await new Promise((resolve) => setImmediate(resolve));
  incarnation.stop(60_000);
  const askedByThen = asked;
  await host.next('exited');
  expect(asked).toBe(askedByThen);
  expect(host.said('fault')).toBe(false);
});
