import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { connect, controlDirectory, findTrees } from '../../src/control/index.js';
import { supervise, supervisor } from '../../src/index.js';
import { ownDirectory, served, shop } from './trees.js';

const listens = (control: object) => supervise(shop, { signals: false, control });

/** Listens at a path, and is killed: what it leaves is a name that nobody serves. */
async function leaveStale(path: string): Promise<void> {
  const code = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('listens'))`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('the socket', () => {
  test('is called after the root, is for this user alone, and goes with the tree', async () => {
    const { app, path, directory } = await served();
    expect(path).toBe(join(directory, 'shop.sock'));
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
    await app.stop();
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is made in a directory that is made for it, for this user alone', async () => {
    const directory = join(ownDirectory(), 'a', 'b');
    await using app = await listens({ directory });
    expect(lstatSync(directory).mode & 0o777).toBe(0o700);
    expect(app.controlPath).toBe(join(directory, 'shop.sock'));
  });

  test('is never open to others, whatever the umask, in a directory that others may enter', async () => {
    const directory = ownDirectory();
    chmodSync(directory, 0o755);
    await using app = await listens({ directory });
    expect(lstatSync(app.controlPath ?? '').mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(['shop.sock']);
    expect((await connect({ directory })).server.tree).toBe('shop');
  });

  test.each(['open to all', 'a link'])(
    'is refused in a directory that is %s, before anything starts',
    async (how) => {
      const own = ownDirectory();
      const directory = join(own, 'here');
      if (how === 'a link') symlinkSync('/tmp', directory);
      else mkdirSync(directory);
      if (how === 'open to all') chmodSync(directory, 0o777);
      await expect(listens({ directory })).rejects.toMatchObject({ failure: 'not-private' });
    },
  );

  test('is refused below a directory in which others may exchange it', async () => {
    const open = join(ownDirectory(), 'open');
    mkdirSync(join(open, 'mine'), { recursive: true, mode: 0o700 });
    chmodSync(open, 0o777);
    await expect(listens({ directory: join(open, 'mine') })).rejects.toMatchObject({
      failure: 'not-private',
    });
  });

  test.each([0o770, 0o1777])(
    'is refused in a directory of mode %o: not even its sticky bit keeps others from answering in its place',
    async (mode) => {
      const directory = join(ownDirectory(), 'here');
      mkdirSync(directory);
      chmodSync(directory, mode);
      await expect(listens({ directory })).rejects.toMatchObject({
        failure: 'not-private',
        message: expect.stringContaining('others may write to it'),
      });
      expect(controlDirectory({ XDG_RUNTIME_DIR: directory })).not.toContain(directory);
    },
  );

  test('is made in a directory of ours that is found by a link, or below one where a sticky bit keeps it', async () => {
    const own = ownDirectory();
    mkdirSync(join(own, 'sticky', 'mine'), { recursive: true, mode: 0o700 });
    chmodSync(join(own, 'sticky'), 0o1777);
    symlinkSync(join(own, 'sticky'), join(own, 'link'));
    await using app = await listens({ directory: join(own, 'link', 'mine') });
    expect(existsSync(join(own, 'sticky', 'mine', 'shop.sock'))).toBe(true);
    expect(app.controlPath).toBe(join(own, 'link', 'mine', 'shop.sock'));
    expect(controlDirectory({ XDG_RUNTIME_DIR: join(own, 'sticky', 'mine') })).toContain(own);
    expect(controlDirectory({ XDG_RUNTIME_DIR: join(own, 'link') })).not.toContain(own);
  });

  test.each([0o700, 0o755])(
    'that a dead program has left is replaced, in a directory of mode %o',
    async (mode) => {
      const directory = ownDirectory();
      chmodSync(directory, mode);
      await leaveStale(join(directory, 'shop.sock'));
      expect(await findTrees(directory)).toMatchObject([{ name: 'shop', state: 'stale' }]);
      await using app = await listens({ directory });
      expect(await findTrees(directory)).toMatchObject([
        { name: 'shop', state: 'running', server: { pid: process.pid } },
      ]);
      expect(app.controlPath).toBe(join(directory, 'shop.sock'));
    },
  );

  test('of a living tree is not replaced, and the error names its pid; by another name both are there', async () => {
    const { app, directory } = await served();
    await expect(listens({ directory })).rejects.toMatchObject({
      failure: 'in-use',
      message: expect.stringContaining(`pid ${process.pid}`),
    });
    await using other = await listens({ directory, name: 'shop-2' });
    expect((await findTrees(directory)).map(({ name, state }) => `${name} ${state}`)).toEqual([
      'shop running',
      'shop-2 running',
    ]);
    await expect(connect({ directory })).rejects.toMatchObject({ failure: 'ambiguous' });
    expect(app.controlPath).not.toBe(other.controlPath);
  });

  test('that is a file, or is served by what says nothing, is not touched', async () => {
    const directory = ownDirectory();
    writeFileSync(join(directory, 'file'), 'mine');
    await expect(listens({ path: join(directory, 'file') })).rejects.toMatchObject({ failure: 'in-use' });
    const mute = createServer().listen(join(directory, 'mute.sock'));
    await once(mute, 'listening');
    await expect(listens({ path: join(directory, 'mute.sock') })).rejects.toMatchObject({
      failure: 'in-use',
    });
    expect(existsSync(join(directory, 'mute.sock'))).toBe(true);
    mute.close();
  });

  test('a program that takes a connection and dies is known for dead by the next look', async () => {
    const directory = ownDirectory();
    const dying = createServer((socket) => {
      socket.destroy();
      dying.close();
    });
    await once(dying.listen(join(directory, '.hidden')), 'listening');
    linkSync(join(directory, '.hidden'), join(directory, 'shop.sock'));
    expect(await findTrees(directory)).toMatchObject([{ name: 'shop', state: 'stale' }]);
  });

  test('has a path that a socket can have, or says how long it may be', async () => {
    const directory = join(ownDirectory(), 'd'.repeat(120));
    await expect(listens({ directory })).rejects.toMatchObject({
      failure: 'not-reachable',
      facts: { longest: expect.any(Number) },
    });
  });

  test('serves nobody while its mode lets others in', async () => {
    const { path } = await served();
    chmodSync(path, 0o666);
    await expect(connect({ path })).rejects.toMatchObject({ failure: 'not-private' });
    chmodSync(path, 0o600);
    await (await connect({ path })).close();
  });

  describe.runIf(process.getuid?.() === 0)('among other users', () => {
    const NOBODY = 65_534;

    test('is not made in a directory that belongs to another', async () => {
      const directory = join(ownDirectory(), 'theirs');
      mkdirSync(directory, { mode: 0o700 });
      chownSync(directory, NOBODY, NOBODY);
      await expect(listens({ directory })).rejects.toMatchObject({
        failure: 'not-private',
        message: expect.stringContaining('it belongs to user 65534, and this is user 0'),
      });
      expect(readdirSync(directory)).toEqual([]);
      // As `sudo -E` hands it on.
      expect(controlDirectory({ XDG_RUNTIME_DIR: directory })).not.toContain(directory);
    });

    test('does not replace one of theirs, though nobody serves there', async () => {
      const path = join(ownDirectory(), 'shop.sock');
      await leaveStale(path);
      chownSync(path, NOBODY, NOBODY);
      await expect(listens({ path })).rejects.toMatchObject({
        failure: 'in-use',
        message: expect.stringContaining('the socket there belongs to user 65534'),
      });
      expect(lstatSync(path).uid).toBe(NOBODY);
    });

    test('lets none of them in, though they may enter its directory', async () => {
      const { path, directory } = await served();
      chmodSync(directory, 0o755);
      const code = `require('net').connect(process.argv[1]).on('connect', () => console.log('in')).on('error', (error) => console.log(error.code))`;
      const stranger = spawn(process.execPath, ['-e', code, path], {
        uid: NOBODY,
        gid: NOBODY,
        cwd: '/',
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = (await once(stranger.stdout, 'data')) as [Buffer];
      expect(String(said)).toBe('EACCES\n');
      await once(stranger, 'exit');
    });
  });

  test('of an id that no file can have is found by that id', async () => {
    const directory = ownDirectory();
    await using _app = await supervise(supervisor('..%é', { children: [] }), {
      signals: false,
      control: { directory },
    });
    expect((await connect({ directory, tree: '..%é' })).server.tree).toBe('..%é');
    expect(await findTrees(directory)).toMatchObject([{ name: '..%é' }]);
  });

  test.each([
    [{ path: 'relative.sock' }, 'path'],
    [{ directory: 7 }, 'directory'],
    ['yes', 'control'],
  ])('%j is no place, and is refused before anything starts', async (control, field) => {
    await expect(listens(control as object)).rejects.toMatchObject({ code: 'INVALID_SPEC', field });
  });
});
