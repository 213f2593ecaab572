import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { serviceDirectory } from '../../../src/children/index.js';
import type { EventOf } from '../../../src/core/index.js';
import { processLives } from '../../resources/guard/place.js';
import { ServiceDirectory, SLEEPS } from './directory.js';

let here: ServiceDirectory;
beforeEach(() => {
  here = new ServiceDirectory();
});
afterEach(() => here.remove());

const LONG = { timeout: 20_000, interval: 10 };

describe.runIf(process.platform === 'linux')('a service directory', () => {
  describe('keeps', () => {
    test('what has an executable run: with its directory as cwd, in a session of its own', async () => {
      const dir = here.write('web', {
        run: '#!/bin/sh\npwd > where\nps -o sid= -p $$ > sid || :\nexec sleep 1000\n',
      });
      const tree = await here.start();
      await here.ready('web');
      await expect.poll(() => here.read('service/web/where'), LONG).toBe(`${dir}\n`);
      const { pid, kind, command } = tree.child('web').snapshot();
      expect([kind, command]).toEqual(['command', join(dir, 'run')]);
      await expect.poll(() => Number(here.read('service/web/sid')), LONG).toBe(pid);
    });

    test('it for ever, whatever it exits with, and starts it once a second at most', async () => {
      here.write('web', {
        run: '#!/bin/sh\nn=$(wc -l < n 2>/dev/null || echo 0)\necho >> n\nexit $((75 + n))\n',
      });
      await here.start();
      await here.ready('web', 5);
      const starts = here.events
        .filter((one): one is EventOf<'child:starting'> => one.type === 'child:starting')
        .filter(({ child }) => child === 'services/web')
        .map(({ atMs }) => atMs);
      const gaps = starts.slice(1).map((atMs, index) => atMs - (starts[index] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(990);
      // Of those that stay down elsewhere, 78 was among them.
      expect(gaps.length).toBeGreaterThanOrEqual(4);
    }, 30_000);

    test('what is linked, and one directory under two names once', async () => {
      here.write('real', { run: SLEEPS }, here.root);
      symlinkSync('../real', join(here.path, 'a'));
      symlinkSync('../real', join(here.path, 'b'));
      await here.start();
      await here.ready('a');
      await here.noted(/service\/b is the same directory as "a"/);
      expect(here.ids).toEqual(['a']);
    });

    test('as many as it may', async () => {
      for (const name of ['a', 'b', 'c']) here.write(name, { run: SLEEPS });
      await here.start({ maxServices: 2 });
      await here.noted(/service\/c is left alone, as there are 2 services already: raise maxServices/);
      await here.ready('b');
      expect(here.ids).toEqual(['a', 'b']);
    });

    test('nothing of what is hidden, a file, or half made', async () => {
      here.write('.hidden', { run: SLEEPS });
      here.write('half', { notes: '' });
      here.write('logless', { run: SLEEPS, 'log/notes': '' });
      writeFileSync(join(here.path, 'file'), '');
      here.write('web', { run: SLEEPS });
      await here.start();
      await here.ready('web');
      expect(here.ids).toEqual(['web']);
      expect(here.notes).toEqual([]);
    });
  });

  describe('hears, without polling, that', () => {
    test('a service is made, also step by step', async () => {
      await here.start();
      mkdirSync(join(here.path, 'web'));
      here.write('other', { run: SLEEPS });
      await here.ready('other');
      expect(here.ids).toEqual(['other']);
      writeFileSync(join(here.path, 'web', 'run'), SLEEPS);
      await here.noted(/service\/web\/run is not executable: chmod \+x it/);
      chmodSync(join(here.path, 'web', 'run'), 0o755);
      await here.ready('web');
      expect(here.notes.filter((note) => note.includes('not executable'))).toHaveLength(1);
    });

    test('one is removed, and stops it', async () => {
      here.write('web', { run: SLEEPS, 'log/run': '#!/bin/sh\nexec cat\n' });
      await here.start();
      await here.ready('web');
      rmSync(join(here.path, 'web'), { recursive: true });
      await here.removed('web-log');
      expect(here.ids).toEqual([]);
    });

    test('one has another name, under which it is started anew', async () => {
      here.write('web', { run: SLEEPS });
      await here.start();
      await here.ready('web');
      renameSync(join(here.path, 'web'), join(here.path, 'www'));
      await here.removed('web');
      await here.ready('www');
      expect([here.ids, here.notes]).toEqual([['www'], []]);
    });

    test('another has taken its name', async () => {
      here.write('one', { run: SLEEPS }, here.root);
      here.write('two', { run: SLEEPS }, here.root);
      symlinkSync('../one', join(here.path, 'web'));
      const tree = await here.start();
      await here.ready('web');
      const first = tree.child('web').pid;
      symlinkSync('../two', join(here.path, '.new'));
      renameSync(join(here.path, '.new'), join(here.path, 'web'));
      await here.removed('web');
      await expect.poll(() => here.ids.length === 1 && tree.child('web').pid, LONG).toBeTypeOf('number');
      expect(tree.child('web').pid).not.toBe(first);
    });
  });

  test('that cannot be read any more is no empty one: what runs goes on', async () => {
    here.write('web', { run: SLEEPS });
    const tree = await here.start();
    await here.ready('web');
    const away = join(here.root, 'away');
    renameSync(here.path, away);
    tree.child('.scan').reload();
    await here.noted(/service cannot be read, and nothing is changed until it can/);
    expect(tree.child('web').status).toBe('ready');
    renameSync(away, here.path);
  });

  test('that is not there fails the start of its tree', async () => {
    rmSync(here.path, { recursive: true });
    await expect(here.start()).rejects.toThrow(/services\/\.scan.*ENOENT/s);
  });

  test('is read at once when its scan is told to reload, or gets SIGHUP', async () => {
    const tree = await here.start({ rescanMs: 2_000_000_000 });
    await tree.child('.scan').stop();
    await tree.child('.scan').start();
    expect([tree.child('.scan').reload(), tree.child('.scan').signal('SIGHUP')]).toEqual([true, true]);
    expect(tree.child('.scan').signal('SIGUSR1')).toBe(false);
    here.write('web', { run: SLEEPS });
    tree.child('.scan').reload();
    await here.ready('web');
  });

  test('that is a link is followed to where it leads next, by a reload or by rescanMs', async () => {
    here.write('web', { run: SLEEPS });
    renameSync(here.path, join(here.root, 'first'));
    here.write('other', { run: SLEEPS }, join(here.root, 'second'));
    symlinkSync('first', here.path);
    await here.start({ rescanMs: 100 });
    await here.ready('web');
    symlinkSync('second', join(here.root, 'new'));
    renameSync(join(here.root, 'new'), here.path);
    await here.ready('other');
    await here.removed('web');
    here.write('late', { run: SLEEPS }, join(here.root, 'second'));
    await here.ready('late');
  });

  test('is not watched while its scan is down, and what runs goes on', async () => {
    here.write('web', { run: SLEEPS });
    const tree = await here.start();
    await here.ready('web');
    await tree.child('.scan').stop();
    here.write('late', { run: SLEEPS });
    expect(tree.child('web').status).toBe('ready');
    await tree.child('.scan').start();
    await here.ready('late');
    expect(here.ids).toEqual(['late', 'web']);
    expect(tree.child('web').incarnation).toBe(1);
  });

  describe('steers', () => {
    test('a service with a down file by request alone', async () => {
      here.write('web', { run: SLEEPS, down: '' });
      here.write('witness', { run: SLEEPS });
      const tree = await here.start();
      await here.ready('witness');
      expect(tree.child('web').status).toBe('down');
      await tree.child('web').start();
      expect(tree.child('web').status).toBe('ready');
    });

    test('one that was asked for and does not start by trying again', async () => {
      const run = '#!/bin/sh\n[ -e fixed ] || exit 1\necho >&3\nexec sleep 1000\n';
      const dir = here.write('web', { run, down: '', 'notification-fd': '3\n' });
      here.write('witness', { run: SLEEPS });
      const tree = await here.start();
      await here.ready('witness');
      await expect(tree.child('web').start()).rejects.toThrow('services/web');
      writeFileSync(join(dir, 'fixed'), '');
      await here.event((one) => one.type === 'child:ready' && one.child === 'services/web');
    });

    test('each for itself: a stop that takes long holds up no other', async () => {
      here.write('slow', { run: '#!/bin/sh\ntrap "" TERM\nwhile [ ! -e go ]; do sleep 0.05; done\n' });
      here.write('web', { run: SLEEPS });
      const tree = await here.start();
      await here.ready('slow');
      await here.ready('web');
      const stopping = tree.child('slow').stop();
      await tree.child('web').restart();
      expect(tree.child('slow').status).toBe('stopping');
      here.write('slow', { go: '' });
      await stopping;
    });
  });

  describe('heeds', () => {
    test('the readiness of s6: a newline on the descriptor that notification-fd names', async () => {
      const run = '#!/bin/sh\nwhile [ ! -e go ]; do sleep 0.02; done\nprintf "up\\n" >&5\nexec sleep 1000\n';
      here.write('web', { run, 'notification-fd': '5\n' });
      const tree = await here.start();
      await here.event((one) => one.type === 'child:starting' && one.child === 'services/web');
      expect(tree.child('web').status).toBe('starting');
      here.write('web', { go: '' });
      await here.ready('web');
    });

    test('down-signal, and timeout-kill', async () => {
      const run =
        '#!/bin/sh\ntrap "" TERM\ntrap "echo hup >> said" HUP\ntouch armed\nwhile :; do sleep 0.05; done\n';
      here.write('web', { run, 'down-signal': 'HUP\n', 'timeout-kill': '700\n' });
      const tree = await here.start();
      await here.ready('web');
      await expect.poll(() => existsSync(join(here.path, 'web/armed')), LONG).toBe(true);
      tree.child('web').signal('SIGHUP');
      await expect.poll(() => here.read('service/web/said'), LONG).toBe('hup\n');
      await tree.child('web').stop();
      expect(here.read('service/web/said')).toBe('hup\nhup\n');
      expect(tree.child('web').lastExit?.exit.type).toBe('killed');
    });

    test('env/, whose variables the program has', async () => {
      here.write('web', {
        run: '#!/bin/sh\necho "$COLOUR" > colour\nexec sleep 1000\n',
        'env/COLOUR': 'green\n',
      });
      await here.start();
      await expect.poll(() => here.read('service/web/colour'), LONG).toBe('green\n');
    });

    test.each([
      ['runit', {}, ['3 0', '-1 15']],
      ['s6', { 'timeout-finish': '5000\n' }, ['3 0 web', '256 15 web']],
    ])('finish, as %s tells it how the program has ended', async (_, files, [first = '', second = '']) => {
      const run = '#!/bin/sh\n[ -e again ] || { touch again; exit 3; }\nexec sleep 1000\n';
      here.write('web', { run, finish: '#!/bin/sh\necho "$@" >> ended\n', ...files });
      const tree = await here.start();
      await here.ready('web', 2);
      const { pid } = tree.child('web');
      tree.child('web').signal('SIGTERM');
      await expect.poll(() => here.read('service/web/ended').trim().split('\n').length, LONG).toBe(2);
      const [one, two] = here.read('service/web/ended').trim().split('\n');
      expect(one).toMatch(new RegExp(`^${first}`));
      expect(two).toMatch(new RegExp(`^${second}`));
      expect(two).toContain(` ${pid}`);
    });

    test('finish of s6 with status 125: it stays down', async () => {
      here.write('web', {
        run: '#!/bin/sh\nexit 1\n',
        finish: '#!/bin/sh\nexit 125\n',
        'timeout-finish': '9000',
      });
      await here.start();
      await here.event((one) => one.type === 'child:kept-down' && one.child === 'services/web');
    });

    test('timeout-finish: what takes longer is killed, with all that it has started', async () => {
      const finish = '#!/bin/sh\nsleep 1001 & echo $! > helper\nwait\n';
      here.write('web', { run: '#!/bin/sh\nexit 1\n', finish, 'timeout-finish': '300\n' });
      await here.start();
      await here.noted(/its afterExit takes longer than 300 ms/);
      const helper = Number(here.read('service/web/helper'));
      await expect.poll(() => processLives(helper), LONG).toBe(false);
      await here.ready('web', 2);
    });
  });

  test('refuses options that are wrong, and those that the directory itself decides', () => {
    const wrong = (options: object): string => {
      try {
        serviceDirectory('services', '/service', options);
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(wrong({ maxServices: 0 })).toContain('maxServices');
    expect(wrong({ tradition: 'sysv' })).toContain("'runit', 's6'");
    expect(wrong({ each: { cwd: '/' } })).toContain('each.cwd');
    expect(wrong({ each: { unknown: 1 } })).toContain('unknown');
    expect(wrong({ rescan: 1 })).toContain('rescan');
    expect(() => serviceDirectory('services', '')).toThrow('path');
  });
});
