import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { connect, findTrees } from '../../src/control/index.js';
import { command, dynamic, type Supervisor, supervise, supervisor, task } from '../../src/index.js';
import { client, idle, ownDirectory, RawClient, served } from './trees.js';

const sleeps = command('sleeps', 'sleep', ['1000']);
const onLinux = test.runIf(process.platform === 'linux');

describe('a tree that is steered', () => {
  onLinux('suspends a process, continues it, and sends it a signal', async () => {
    const { path } = await served(supervisor('shop', { children: [sleeps, task('rates', idle)] }));
    const tree = await client(path);
    const { pid } = await tree.status('sleeps');
    const state = (): string | undefined => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0];
    await tree.pause('sleeps');
    await expect.poll(state).toBe('T');
    expect(await tree.status('sleeps')).toMatchObject({ paused: true });
    await tree.continue('sleeps');
    await expect.poll(state).toBe('S');
    await tree.signal('shop', 'SIGTERM');
    expect(await tree.wait('sleeps', 'ready')).toBeDefined();
    await expect.poll(async () => (await tree.status('sleeps')).incarnation).toBe(2);
    await expect(tree.pause('rates')).rejects.toMatchObject({ failure: 'not-supported' });
    await expect(tree.reload('sleeps')).rejects.toMatchObject({ failure: 'not-supported' });
  });

  onLinux('says what its processes use, where that is asked for', async () => {
    const { path } = await served(supervisor('shop', { children: [sleeps, task('rates', idle)] }));
    const tree = await client(path);
    const [with1, without] = (await tree.status('', { usage: true })).children ?? [];
    expect(with1?.usage).toMatchObject({ processes: 1 });
    expect(without?.usage).toBeUndefined();
    expect((await tree.status('sleeps')).usage).toBeUndefined();
  });

  test('can be looked at while it starts, and be waited for, however deep', async () => {
    const directory = ownDirectory();
    let goOn = (): void => undefined;
    const slow = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const tree = supervisor('shop', {
      children: [
        task(
          'slow',
          async (ctx) => {
            await slow;
            ctx.ready();
            await idle(ctx);
          },
          { ready: 'explicit' },
        ),
        supervisor('workers', { children: [task('mail', idle)] }),
      ],
    });
    const starting = supervise(tree, { signals: false, control: { directory } });
    await using asking = await connect({ directory, tree: 'shop', timeoutMs: 10_000 });
    await expect.poll(async () => (await asking.status()).children?.[0]?.status).toBe('starting');
    const mail = asking.wait('workers/mail', 'ready');
    const all = asking.wait('shop', 'ready');
    await expect(asking.wait('workers/mail', 'ready', { timeoutMs: 1 })).rejects.toMatchObject({
      failure: 'timed-out',
    });
    goOn();
    expect(await mail).toMatchObject({ path: 'shop/workers/mail', status: 'ready' });
    expect(await all).toMatchObject({ path: 'shop', status: 'ready' });
    await expect(asking.wait('workers/nobody', 'ready')).rejects.toMatchObject({ failure: 'unknown-child' });
    await expect(asking.wait('slow/nobody', 'ready')).rejects.toMatchObject({ failure: 'unknown-child' });
    await (await starting).stop();
  });

  test('whose start fails leaves no socket, and has told those who waited', async () => {
    const directory = ownDirectory();
    const fails = task(
      'fails',
      async () => {
        await Promise.resolve();
        throw new Error('no database');
      },
      { ready: 'explicit' },
    );
    await expect(
      supervise(supervisor('shop', { children: [fails] }), { signals: false, control: { directory } }),
    ).rejects.toMatchObject({ code: 'START_FAILED' });
    expect(await findTrees(directory)).toEqual([]);
  });

  test('keeps what is down when it is waited for, and says so', async () => {
    const { path } = await served();
    const tree = await client(path);
    const goes = tree.wait('workers/mail', 'down');
    await tree.down('workers/mail');
    expect(await goes).toMatchObject({ status: 'down' });
    await expect(tree.wait('workers/mail', 'ready')).rejects.toMatchObject({ failure: 'wrong-state' });
    expect(await tree.wait('workers/mail', 'down')).toMatchObject({ status: 'down' });
  });

  test('forgets an instance that is stopped, and refuses to restart one', async () => {
    const pool = dynamic('pool', () => task('one', idle));
    const { app, path } = await served(supervisor('shop', { children: [pool] }));
    const instance = await (app.supervisor.child('pool').supervisor as Supervisor | undefined)?.startChild();
    const tree = await client(path);
    const id = `pool/${instance?.id}`;
    await expect(tree.restart(id)).rejects.toMatchObject({ failure: 'not-supported' });
    const gone = tree.wait(id, 'down');
    await tree.down(id);
    expect(await gone).toMatchObject({ status: 'down' });
    await expect(tree.status(id)).rejects.toMatchObject({ failure: 'unknown-child' });
  });

  test('starts a child to run once, and refuses to restart a temporary one, which would be forgotten', async () => {
    const brief = task('brief', idle, { restart: 'temporary' });
    const { path } = await served(supervisor('shop', { children: [task('one', idle), brief] }));
    const tree = await client(path);
    expect(await tree.up('one', { once: true })).toMatchObject({ status: 'ready', once: true });
    await expect(tree.restart('brief')).rejects.toMatchObject({ failure: 'not-supported' });
    expect(await tree.status('brief')).toMatchObject({ status: 'ready' });
  });

  test('tells the events of a path, and of no other that begins with its name', async () => {
    const { path } = await served(
      supervisor('shop', { children: [task('mail', idle), task('mailer', idle)] }),
    );
    const tree = await client(path);
    const about: unknown[] = [];
    const listening = (async () => {
      for await (const event of tree.events('mail')) {
        about.push('child' in event ? event.child : event.type);
        if (event.type === 'child:ready') break;
      }
    })();
    await tree.restart('mailer');
    await tree.restart('mail');
    await listening;
    expect(new Set(about)).toEqual(new Set(['shop/mail']));
  });

  test('answers a client that has ended its half, and ends its streams', async () => {
    const { app, path } = await served();
    const raw = new RawClient(path, true);
    await raw.next();
    raw.say({ id: 1, op: 'wait', until: 'down', path: 'rates' }, { id: 2, op: 'events' });
    raw.socket.end();
    expect(await raw.next()).toEqual({ id: 2, answer: null });
    await app.supervisor.child('rates').stop();
    expect(await raw.next()).toMatchObject({ id: 1, answer: { status: 'down' } });
    expect(await raw.next()).toBeUndefined();
  });

  test('goes on when a wait is given up, and with it nothing that was begun', async () => {
    const { path } = await served();
    const tree = await client(path);
    const giveUp = new AbortController();
    const waits = tree.wait('rates', 'down', { abortSignal: giveUp.signal });
    giveUp.abort(new Error('enough'));
    await expect(waits).rejects.toThrow('enough');
    const leave = new AbortController();
    const reading = (async () => {
      for await (const _ of tree.events('', { abortSignal: leave.signal })) leave.abort(new Error('seen'));
    })();
    await tree.status();
    await tree.restart('rates');
    await expect(reading).rejects.toThrow('seen');
    expect(await tree.status('rates')).toMatchObject({ status: 'ready' });
  });
});

describe('a client', () => {
  test('refuses a wrong argument before it is sent', async () => {
    const { path } = await served();
    const tree = await client(path);
    await expect(tree.signal('rates', 'TERM' as never)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
    await expect(tree.wait('rates', 'up' as never)).rejects.toMatchObject({ code: 'INVALID_SPEC' });
  });

  test('says that there is no tree, at once, or waits for one', async () => {
    const directory = ownDirectory();
    await expect(connect({ directory })).rejects.toMatchObject({ failure: 'no-tree' });
    await expect(connect({ directory, tree: 'shop' })).rejects.toMatchObject({ failure: 'no-tree' });
    const comes = connect({ directory, timeoutMs: 10_000 });
    await using app = await supervise(supervisor('shop', { children: [] }), {
      signals: false,
      control: { directory },
    });
    await using tree = await comes;
    expect(tree.server.tree).toBe(app.supervisor.id);
  });

  test('learns that the program was killed, and the name that is left is known for stale', async () => {
    const directory = ownDirectory();
    const program = fileURLToPath(new URL('./fixtures/listens.ts', import.meta.url));
    const host = spawn(process.execPath, ['--import', 'tsx', program, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(host.stdout, 'data');
    await using tree = await connect({ directory });
    const waits = tree.wait('idle', 'down');
    const reading = (async () => {
      for await (const _ of tree.events()) expect.unreachable();
    })();
    await tree.status();
    host.kill('SIGKILL');
    await expect(waits).rejects.toMatchObject({ failure: 'connection-lost' });
    await expect(reading).rejects.toMatchObject({ failure: 'connection-lost' });
    expect(await findTrees(directory)).toMatchObject([{ name: 'listens', state: 'stale' }]);
    expect(existsSync(join(directory, 'listens.sock'))).toBe(true);
  }, 60_000);

  test('stops a program, which ends by itself, answered first and with no socket left', async () => {
    const directory = ownDirectory();
    const program = fileURLToPath(new URL('./fixtures/listens.ts', import.meta.url));
    const host = spawn(process.execPath, ['--import', 'tsx', program, directory], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(host, 'exit');
    await once(host.stdout, 'data');
    const tree = await connect({ directory });
    expect(await tree.stop()).toMatchObject({ survivors: [] });
    // The connection is still open at this side, and keeps neither program running.
    expect(await ended).toEqual([0, null]);
    expect(await findTrees(directory)).toEqual([]);
  }, 60_000);
});
