import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ServiceDirectory } from './directory.js';

const has = (...programs: readonly string[]): boolean =>
  programs.every((program) => existsSync(join('/usr/bin', program)));
const isRoot = process.getuid?.() === 0;
const LONG = { timeout: 20_000, interval: 10 };

let here: ServiceDirectory;
beforeEach(() => {
  here = new ServiceDirectory();
});
afterEach(() => here.remove());

/** The lines of a log without the labels of their time. */
function logged(path: string): readonly string[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/^\S+ /, ''))
    .filter(Boolean);
}

describe.runIf(process.platform === 'linux')('a directory that was made for', () => {
  test.runIf(has('multilog', 'envdir', 'setuidgid', 'softlimit') && isRoot)(
    'daemontools works unchanged: envdir, setuidgid and softlimit, with multilog',
    async () => {
      const run = [
        '#!/bin/sh',
        'exec 2>&1',
        'exec envdir ./env setuidgid nobody softlimit -o 64 sh -c \'echo "$GREETING $(id -un) $(ulimit -Sn)"; exec sleep 1000\'',
        '',
      ].join('\n');
      const files = { run, 'env/GREETING': 'hello\n', 'log/run': '#!/bin/sh\nexec multilog t ./main\n' };
      here.write('web', files, here.root);
      symlinkSync(join(here.root, 'web'), join(here.path, 'web'));
      await here.start();
      const current = join(here.root, 'web/log/main/current');
      await expect.poll(() => logged(current), LONG).toEqual(['hello nobody 64']);
      expect(here.ids).toEqual(['web', 'web-log']);
    },
    30_000,
  );

  test.runIf(has('svlogd', 'chpst') && isRoot)(
    'runit works unchanged: chpst, svlogd and finish, with supervise as a link',
    async () => {
      const run =
        "#!/bin/sh\nexec 2>&1\nexec chpst -u nobody -o 64 sh -c 'id -un; ulimit -Sn; exec sleep 1000'\n";
      const dir = here.write('web', {
        run,
        finish: '#!/bin/sh\necho "finish $1 $2"\n',
        'log/run': '#!/bin/sh\nexec svlogd -tt ./main\n',
        'log/main/config': '',
      });
      symlinkSync('../../elsewhere/web', join(dir, 'supervise'));
      const tree = await here.start();
      const current = join(here.path, 'web/log/main/current');
      await expect.poll(() => logged(current), LONG).toEqual(['nobody', '64']);
      expect(existsSync(join(here.root, 'elsewhere/web/lock'))).toBe(true);
      await tree.child('web').stop();
      await expect.poll(() => logged(current), LONG).toEqual(['nobody', '64', 'finish -1 15']);
    },
    30_000,
  );

  test.runIf(has('execlineb'))(
    's6 works unchanged: execline, and notification-fd',
    async () => {
      here.write('web', {
        run: '#!/usr/bin/execlineb -P\nfdmove -c 2 1\nforeground { sh -c "until test -e go; do sleep 0.02; done; echo >&3" }\nfdclose 3\nsleep 1000\n',
        'notification-fd': '3\n',
      });
      const tree = await here.start();
      await here.event((one) => one.type === 'child:starting' && one.child === 'services/web');
      expect(tree.child('web').status).toBe('starting');
      writeFileSync(join(here.path, 'web/go'), '');
      await here.ready('web');
    },
    30_000,
  );
});

describe.runIf(process.platform === 'linux' && has('multilog'))('the logger of a service', () => {
  const COUNTS = [
    '#!/bin/sh',
    'exec 2>&1',
    'n=$(cat n 2>/dev/null || echo 0)',
    'trap "exit 0" TERM',
    'while :; do n=$((n+1)); echo $n > n; echo "line $n"; [ $((n % 500)) -ne 0 ] || exit 1; [ $n -lt 100000 ] || exec sleep 1000; done',
    '',
  ].join('\n');
  const lines = (): readonly string[] => {
    const path = join(here.path, 'web/log/main/current');
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  };

  test('gets every line, whichever of the two is restarted, and ends last', async () => {
    here.write('web', { run: COUNTS, 'log/run': '#!/bin/sh\nexec multilog s16777215 ./main\n' });
    const tree = await here.start();
    await here.ready('web', 2);
    for (let turn = 0; turn < 10; turn += 1) await tree.child('web-log').restart();
    await here.ready('web', 3);
    const report = await tree.stop();
    expect(report.survivors).toEqual([]);
    const count = lines().length;
    expect(lines()).toEqual(Array.from({ length: count }, (_, at) => `line ${at + 1}`));
    // Asked to end between the two, it has counted a line that it has not written.
    expect(Number(here.read('service/web/n')) - count).toBeOneOf([0, 1]);
    expect(count).toBeGreaterThanOrEqual(1000);
    const ends = here.events.flatMap((one) => (one.type === 'child:exited' && one.asked ? [one.child] : []));
    expect(ends.slice(-2)).toEqual(['services/web', 'services/web-log']);
  }, 60_000);

  test('that is restarted alone leaves what is written meanwhile to the next', async () => {
    here.write('web', {
      run: '#!/bin/sh\necho one\nwhile [ ! -e go ]; do sleep 0.02; done\necho two\ntouch written\nexec sleep 1000\n',
    });
    here.write('web', { 'log/run': '#!/bin/sh\nexec multilog ./main\n' });
    const tree = await here.start();
    await expect.poll(lines, LONG).toEqual(['one']);
    await tree.child('web-log').stop();
    here.write('web', { go: '' });
    await expect.poll(() => existsSync(join(here.path, 'web/written')), LONG).toBe(true);
    await tree.child('web').stop();
    expect(lines()).toEqual(['one']);
    await tree.child('web-log').start();
    await expect.poll(lines, LONG).toEqual(['one', 'two']);
  }, 30_000);
});
