import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer, connect as dial } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { command, supervisor } from '../../src/index.js';
import { client, served } from './trees.js';

/** Stands between clients and a tree, and writes down what they say. */
async function overhear(
  path: string,
  at: string,
): Promise<{ path: string; said: Record<string, unknown>[] }> {
  const said: Record<string, unknown>[] = [];
  const server = createServer((client) => {
    const tree = dial(path);
    createInterface({ input: client }).on('line', (line) => said.push(JSON.parse(line)));
    for (const socket of [client, tree]) socket.on('error', () => undefined);
    client.pipe(tree).pipe(client);
  }).listen(at);
  await once(server, 'listening');
  chmodSync(at, 0o600);
  onTestFinished(() => void server.close());
  return { path: at, said };
}

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

  test('who leaves a stream, or a wait, has the tree forget it', async () => {
    const { app, path, directory } = await served();
    const between = await overhear(path, join(directory, 'between.sock'));
    const tree = await client(between.path);
    const tell = (): void =>
      app.supervisor.announce({ type: 'signal:received', signal: 'SIGHUP', level: 1, atMs: 1 });
    const aborting = new AbortController();
    const ways: readonly (() => Promise<unknown>)[] = [
      async () => {
        for await (const _ of tree.events()) return;
      },
      async () => {
        for await (const _ of tree.events('', { abortSignal: aborting.signal })) aborting.abort();
      },
    ];
    for (const leave of ways) {
      const left = leave().catch(() => undefined);
      // What is asked next is answered after the stream has begun.
      await tree.status();
      tell();
      await left;
      const id = between.said.findLast((one) => one['op'] === 'events')?.['id'];
      await expect.poll(() => between.said.at(-1)).toEqual({ cancel: id });
    }
    const waiting = new AbortController();
    const waits = tree.wait('rates', 'down', { abortSignal: waiting.signal });
    waiting.abort(new Error('enough'));
    await expect(waits).rejects.toThrow('enough');
    await expect.poll(() => between.said.at(-2)).toMatchObject({ op: 'wait' });
    expect(between.said.at(-1)).toEqual({ cancel: between.said.at(-2)?.['id'] });
  });

  test('who waits for an end waits through restarts, and hears of the one that stays down', async () => {
    const { path } = await served();
    const tree = await client(path);
    const waits = tree.wait('rates', 'down');
    expect(await tree.restart('rates')).toMatchObject({ incarnation: 2 });
    expect(await tree.restart('rates')).toMatchObject({ incarnation: 3 });
    await tree.down('rates');
    expect(await waits).toMatchObject({ status: 'down', incarnation: 3 });
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
