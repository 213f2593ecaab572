import { describe, expect, test } from 'vitest';
import { command, supervisor } from '../../src/index.js';
import { client, served } from './trees.js';

describe('a client', () => {
  test('is told whom it is connected to', async () => {
    const { path } = await served();
    const { server } = await client(path);
    expect(server).toMatchObject({ protocol: 1, pid: process.pid, tree: 'shop' });
  });

  test('sees the tree, and a branch of it, by either way of writing a path', async () => {
    const { app, path } = await served();
    const tree = await client(path);
    expect(await tree.status()).toMatchObject({ path: 'shop', status: 'ready' });
    expect(await tree.status('workers/mail')).toMatchObject({ path: 'shop/workers/mail', status: 'ready' });
    expect(await tree.status('shop/workers')).toMatchObject({ children: [{ id: 'mail' }] });
    expect((await tree.status()).children?.length).toBe(app.snapshot().children?.length);
  });

  test('stops a child, which stays down, and starts it again', async () => {
    const { app, path } = await served();
    const tree = await client(path);
    expect(await tree.down('workers/mail')).toMatchObject({ child: 'shop/workers/mail', obstacles: [] });
    expect(app.supervisor.child('workers/mail').status).toBe('down');
    expect(await tree.up('workers/mail')).toMatchObject({ status: 'ready', incarnation: 2 });
    expect(await tree.restart('rates')).toMatchObject({ status: 'ready', incarnation: 2 });
  });

  test('is told why something cannot be done, by a word that stays what it is', async () => {
    const { path } = await served();
    const tree = await client(path);
    await expect(tree.status('nobody')).rejects.toMatchObject({
      failure: 'unknown-child',
      facts: { known: ['rates', 'workers'] },
    });
    await expect(tree.signal('rates', 'SIGHUP')).rejects.toMatchObject({ failure: 'not-supported' });
    await expect(tree.down('shop')).rejects.toMatchObject({ failure: 'not-supported' });
  });

  test('who stops the tree is answered when it has ended, and so is everybody else', async () => {
    const { app, path } = await served();
    const tree = await client(path);
    const other = await client(path);
    const waits = expect(other.wait('rates', 'down')).resolves.toMatchObject({ status: 'down' });
    const never = expect(other.wait('shop', 'down')).resolves.toMatchObject({ status: 'down' });
    const events: string[] = [];
    const listening = (async () => {
      for await (const { type } of other.events()) events.push(type);
    })();
    await other.status();
    expect(await tree.stop()).toMatchObject({ survivors: [] });
    await Promise.all([waits, never, listening]);
    expect(events.at(-1)).toBe('supervisor:stopped');
    expect(await app.done).toMatchObject({ type: 'stopped', by: 'stop' });
    await expect(tree.status()).rejects.toMatchObject({ failure: 'tree-stopped' });
  });

  test('reads what a program writes, through its restarts', async () => {
    const { path } = await served(
      supervisor('shop', {
        children: [
          command('says', '/bin/sh', ['-c', 'echo one; echo $$; exec sleep 100'], { stdout: 'capture' }),
        ],
      }),
    );
    const tree = await client(path);
    const texts: string[] = [];
    for await (const { text, incarnation } of tree.logs('says', { follow: true })) {
      texts.push(`${incarnation} ${text}`);
      if (texts.length === 2) await tree.restart('says');
      if (texts.length === 4) break;
    }
    expect(texts).toEqual([
      '1 one',
      expect.stringMatching(/^1 \d+$/),
      '2 one',
      expect.stringMatching(/^2 \d+$/),
    ]);
  });
});
