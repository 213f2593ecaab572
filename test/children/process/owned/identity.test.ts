import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Numbers are reused only where we may say which comes next: in a pid namespace, as root. */
const canReuse =
  process.platform === 'linux' &&
  spawnSync('unshare', ['-pf', '--mount-proc', 'sh', '-c', 'echo 1000 > /proc/sys/kernel/ns_last_pid'])
    .status === 0;

test.runIf(canReuse)('a process that has got the number of one of ours is never signalled', () => {
  const fixture = fileURLToPath(new URL('./fixtures/reuses-pids.ts', import.meta.url));
  // The shell is process 1, which has to reap what is nobody's.
  const run = '"$0" --import tsx "$1"; exit $?';
  const said = execFileSync(
    'unshare',
    ['-pf', '--mount-proc', '--kill-child', 'sh', '-c', run, process.execPath, fixture],
    { encoding: 'utf8', timeout: 60_000 },
  );
  expect(JSON.parse(said)).toEqual([true, true, true, true, true]);
});
