import { expect, test } from 'vitest';
import { readArguments } from '../../../src/cli/arguments.js';
import { run } from '../../../src/cli/commands/run.js';
import { plainTree } from '../../../src/cli/run/plain-tree.js';
import type { SupervisorSpec } from '../../../src/index.js';

async function treeOf(...args: readonly string[]): Promise<SupervisorSpec> {
  const values = readArguments([...args, '--', 'worker', '--all'], run);
  return (await plainTree('mail', 'worker', values.rest?.slice(1) ?? [], values)) as SupervisorSpec;
}

test('a plain command is kept alive for ever, its output line by line', async () => {
  const { policy, children } = await treeOf();
  expect(policy).toMatchObject({ intensity: Number.POSITIVE_INFINITY, autoShutdown: 'never' });
  expect(children).toMatchObject([{ id: 'main', kind: 'command', stdout: 'lines', stderr: 'lines' }]);
});

test('its options are those of command()', async () => {
  const options = [
    '--restart=transient',
    '--shutdown',
    '30s',
    '--stop-signal',
    'quit',
    '--reload-signal=HUP',
    '--env',
    'A=b=c',
    '--env',
    'HOME',
  ];
  const limits = [
    '--limit',
    'nofile=64:unlimited',
    '--limit',
    'as=1M',
    '--limit',
    'core=0:',
    '--umask',
    '027',
    '--exclusive',
    'refuse',
    '--background',
    '--nice=5',
  ];
  const { policy, children } = await treeOf(
    ...options,
    ...limits,
    '--user',
    'nobody',
    '--group',
    '65534',
    '--max-memory',
    '2M',
  );
  expect(policy).toMatchObject({ autoShutdown: 'any_significant' });
  expect(children[0]).toMatchObject({
    restart: 'transient',
    significant: true,
    shutdown: 30_000,
    stopSignal: 'SIGQUIT',
    reloadSignal: 'SIGHUP',
    env: { A: 'b=c', HOME: undefined },
    limits: { nofile: { soft: 64, hard: 'unlimited' }, as: 1_048_576, core: { soft: 0 } },
    umask: 0o27,
    exclusive: 'refuse',
    background: true,
    nice: 5,
    uid: 'nobody',
    gid: 65_534,
    health: { memoryBytes: 2_097_152 },
  });
});

test.each([
  [['--shutdown', '0'], /shutdown/],
  [['--restart', 'always'], /--restart takes permanent, transient or temporary/],
  [['--limit', 'files=3'], /the options are .*nofile/],
  [['--limit', 'nofile'], /--limit takes name=amount such as nofile=1024, but "nofile" was given/],
  [['--umask', '9'], /octal/],
])('what is wrong is refused: %j', async (args, message) => {
  await expect(treeOf(...args)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(message),
  });
});
