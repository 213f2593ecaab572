import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { basename } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  AlreadyLockedError,
  CapabilityError,
  InvalidSpecError,
  ResourceError,
  ResourceExistsError,
} from '../../../src/core/index.js';
import {
  type BackendChoice,
  custom,
  fileLock,
  pidFile,
  processGroup,
  temporaryDirectory,
  temporaryFile,
  unixSocket,
} from '../../../src/resources/index.js';
import type { Lease, ResourceKind } from '../../../src/runtime/index.js';
import { ended, runs, Trial } from '../trial.js';

const FLOCK = spawnSync('flock', ['--version']).error === undefined;
const BACKENDS: readonly BackendChoice[] = ['auto', 'files'];

describe('a locked file', () => {
  test('is not made where nothing can lock it', async () => {
    await using trial = new Trial();
    const registry = await trial.open({ backend: 'files' });
    vi.stubEnv('PATH', trial.dir);
    onTestFinished(() => void vi.unstubAllEnvs());
    for (const kind of [fileLock({ path: trial.path('a') }), pidFile({ path: trial.path('b') })]) {
      await expect(registry.acquire(kind as ResourceKind<Lease>)).rejects.toThrow(CapabilityError);
    }
    expect([...trial.left, ...trial.ledgers]).toEqual([]);
  });

  test('of an impossible path is refused with what to do', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const locking = registry.acquire(fileLock({ path: trial.path('x'.repeat(300)) }));
    await expect(locking).rejects.toThrow(ResourceError);
    await expect(locking).rejects.toThrow(/ENAMETOOLONG.*Choose a shorter one/);
    const below = registry.acquire(pidFile({ path: '/dev/null/pid' }));
    await expect(below).rejects.toThrow(/ENOTDIR.*no directory/);
  });
});

describe.skipIf(!FLOCK).each(BACKENDS)('a file lock (backend %s)', (backend) => {
  test('keeps everybody else out, and says who holds it', async () => {
    await using trial = new Trial();
    const registry = await trial.open({ backend });
    const lock = await registry.acquire(fileLock({ path: trial.path('lock') }));
    expect(readFileSync(lock.path, 'utf8')).toBe(`${process.pid}\n`);
    const second = (await trial.open({ backend })).acquire(fileLock({ path: lock.path }));
    await expect(second).rejects.toThrow(AlreadyLockedError);
    await expect(second).rejects.toMatchObject({ holder: process.pid });
    expect(spawnSync('flock', ['-n', lock.path, 'true']).status).toBe(1);
    await lock.release();
    expect(existsSync(lock.path)).toBe(false);
    await registry.acquire(fileLock({ path: lock.path }));
  });

  test('is kept out by a program that knows nothing of us', async () => {
    await using trial = new Trial();
    const registry = await trial.open({ backend });
    writeFileSync(trial.path('lock'), 'content of its own');
    const holder = spawn('flock', [trial.path('lock'), 'sh', '-c', 'echo locked; exec sleep 1000'], {
      detached: true,
    });
    await once(holder.stdout, 'data');
    await expect(registry.acquire(fileLock({ path: trial.path('lock') }))).rejects.toThrow(
      AlreadyLockedError,
    );
    const waiting = registry.acquire(
      fileLock({ path: trial.path('lock'), timeoutMs: Number.POSITIVE_INFINITY }),
    );
    process.kill(-(holder.pid as number), 'SIGKILL');
    await (await waiting).release();
    expect(readFileSync(trial.path('lock'), 'utf8')).toBe('content of its own');
  });

  test('goes to one at a time, however many wait for it', async () => {
    await using trial = new Trial();
    const registry = await trial.open({ backend });
    let inside = 0;
    let most = 0;
    const turn = async (): Promise<void> => {
      const lock = await registry.acquire(fileLock({ path: trial.path('lock'), timeoutMs: 10_000 }));
      inside += 1;
      most = Math.max(most, inside);
      await new Promise(setImmediate);
      inside -= 1;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, turn));
    expect(most).toBe(1);
    expect(trial.left).toEqual([]);
  });

  test('of a killed program is free at once, and its file goes', { timeout: 60_000 }, async () => {
    await using trial = new Trial();
    const { process: program } = await trial.run('holds', 'lock', backend);
    const registry = await trial.open({ backend });
    const refused = registry.acquire(fileLock({ path: trial.path('lock') }));
    await expect(refused).rejects.toMatchObject({ holder: program.pid });
    const waiting = registry.acquire(
      fileLock({ path: trial.path('lock'), timeoutMs: Number.POSITIVE_INFINITY }),
    );
    await ended(program);
    const lock = await waiting;
    await expect.poll(() => trial.ledgers.length, { timeout: 20_000 }).toBe(1);
    // Its guardian has been at work, and did not take our file for its own.
    expect(readFileSync(lock.path, 'utf8')).toBe(`${process.pid}\n`);
    await lock.release();
    expect(trial.left).toEqual([]);
  });
});

describe('a file lock', () => {
  test.each([
    [{}, 'path'],
    [{ path: 'x', timeoutMs: -1 }, 'timeoutMs'],
    [{ path: 'x', wait: 1 }, 'wait'],
  ])('refuses %j before anything is made', (options, field) => {
    expect(() => fileLock(options as never)).toThrow(expect.objectContaining({ field }));
  });

  test('does not follow a symbolic link', async () => {
    await using trial = new Trial();
    symlinkSync(trial.path('elsewhere'), trial.path('lock'));
    await expect((await trial.open()).acquire(fileLock({ path: trial.path('lock') }))).rejects.toThrow(
      ResourceError,
    );
    expect(existsSync(trial.path('elsewhere'))).toBe(false);
  });
});

describe.skipIf(!FLOCK)('a pid file', () => {
  test('has one owner, and goes with it', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const file = await registry.acquire(pidFile({ path: trial.path('pid') }));
    expect(readFileSync(file.path, 'utf8')).toBe(`${process.pid}\n`);
    await expect(registry.acquire(pidFile({ path: file.path }))).rejects.toThrow(AlreadyLockedError);
    await file.release();
    expect(trial.left).toEqual([]);
  });

  test('of another program that runs is refused and not touched', async () => {
    await using trial = new Trial();
    writeFileSync(trial.path('pid'), `${process.ppid}\n`);
    const acquiring = (await trial.open()).acquire(pidFile({ path: trial.path('pid') }));
    await expect(acquiring).rejects.toThrow(ResourceExistsError);
    expect(readFileSync(trial.path('pid'), 'utf8')).toBe(`${process.ppid}\n`);
  });

  test('of a dead program is taken over', async () => {
    await using trial = new Trial();
    const { pid } = spawnSync('true');
    writeFileSync(trial.path('pid'), `${pid}\n`);
    const file = await (await trial.open()).acquire(pidFile({ path: trial.path('pid') }));
    expect(readFileSync(file.path, 'utf8')).toBe(`${process.pid}\n`);
  });

  test('whose pid belongs to a later process by now is taken over', async () => {
    await using trial = new Trial();
    writeFileSync(trial.path('pid'), `${process.ppid}\n`);
    utimesSync(trial.path('pid'), 1_000_000_000, 1_000_000_000);
    await (await trial.open()).acquire(pidFile({ path: trial.path('pid') }));
    expect(readFileSync(trial.path('pid'), 'utf8')).toBe(`${process.pid}\n`);
  });

  test('is no file with other content', async () => {
    await using trial = new Trial();
    writeFileSync(trial.path('pid'), 'precious');
    await expect((await trial.open()).acquire(pidFile({ path: trial.path('pid') }))).rejects.toThrow(
      ResourceExistsError,
    );
    expect(readFileSync(trial.path('pid'), 'utf8')).toBe('precious');
  });
});

describe('a temporary file', () => {
  test('is empty or as long as asked, for its owner alone, and goes with it', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const file = await registry.acquire(
      temporaryFile({ name: 'upload', directory: trial.dir, bytes: 100_000 }),
    );
    expect(basename(file.path)).toMatch(/^upload-/);
    expect(lstatSync(file.path)).toMatchObject({ size: 100_000, mode: 0o100600 });
    expect((await registry.acquire(temporaryFile({ name: 'upload', directory: trial.dir }))).path).not.toBe(
      file.path,
    );
    writeFileSync(trial.path('next'), 'moved over it');
    renameSync(trial.path('next'), file.path);
    await file.release();
    await file.release();
    expect(trial.left).toHaveLength(1);
  });

  test('that its user has removed is released all the same', async () => {
    await using trial = new Trial();
    const file = await (await trial.open()).acquire(temporaryFile({ directory: trial.dir }));
    unlinkSync(file.path);
    await file.release();
  });

  test('in a directory that is not there says so', async () => {
    await using trial = new Trial();
    const acquiring = (await trial.open()).acquire(temporaryFile({ directory: trial.path('missing') }));
    await expect(acquiring).rejects.toThrow(ResourceError);
    await expect(acquiring).rejects.toMatchObject({ errno: 'ENOENT' });
  });

  test.each([
    [{ name: '../x' }, 'name'],
    [{ bytes: 0.5 }, 'bytes'],
    [{ dir: '/tmp' }, 'dir'],
  ])('refuses %j before anything is made', (options, field) => {
    expect(() => temporaryFile(options as never)).toThrow(expect.objectContaining({ field }));
  });
});

describe('a temporary directory', () => {
  test('goes with everything in it, and with nothing that it only points to', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { path, release } = await registry
      .acquire(temporaryDirectory({ directory: trial.dir }))
      .then((lease) => ({
        path: lease.path,
        release: () => lease.release(),
      }));
    mkdirSync(`${path}/deep/er`, { recursive: true });
    writeFileSync(`${path}/deep/er/file`, 'x');
    mkdirSync(trial.path('precious'));
    writeFileSync(`${trial.path('precious')}/file`, 'x');
    symlinkSync(trial.path('precious'), `${path}/link`);
    await release();
    expect(trial.left).toEqual(['precious']);
    expect(readdirSync(trial.path('precious'))).toEqual(['file']);
  });
});

describe.skipIf(process.platform !== 'linux')('a Unix socket', () => {
  const serve = async (path: string): Promise<Server> => {
    const server = createServer((socket) => socket.end('hello')).listen(path);
    await once(server, 'listening');
    return server;
  };
  const closed = async (server: Server): Promise<void> => {
    await new Promise((resolve) => server.close(resolve));
  };

  test('is served under its path, and leaves nothing', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const lease = await registry.acquire(unixSocket({ path: trial.path('socket') }));
    const server = await serve(lease.path);
    const [said] = await once(connect(trial.path('socket')), 'data');
    expect(String(said)).toBe('hello');
    await lease.release();
    await closed(server);
    expect(trial.left).toEqual([]);
  });

  test('that is reserved is refused, whether its owner listens already or not', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const lease = await registry.acquire(unixSocket({ path: trial.path('socket') }));
    await expect(registry.acquire(unixSocket({ path: trial.path('socket') }))).rejects.toThrow(
      ResourceExistsError,
    );
    const server = await serve(lease.path);
    await expect(registry.acquire(unixSocket({ path: trial.path('socket') }))).rejects.toThrow(
      ResourceExistsError,
    );
    await closed(server);
  });

  test('of another program that serves is refused and serves on', async () => {
    await using trial = new Trial();
    const server = await serve(trial.path('socket'));
    await expect((await trial.open()).acquire(unixSocket({ path: trial.path('socket') }))).rejects.toThrow(
      ResourceExistsError,
    );
    await once(connect(trial.path('socket')), 'data');
    await closed(server);
  });

  test('that a dead program has left is replaced, once', { timeout: 60_000 }, async () => {
    await using trial = new Trial();
    const dead = spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(trial.path('socket'))}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    expect(dead.signal).toBe('SIGKILL');
    const registries = await Promise.all(Array.from({ length: 4 }, () => trial.open()));
    const tries = await Promise.allSettled(
      registries.map((registry) => registry.acquire(unixSocket({ path: trial.path('socket') }))),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('of a dead owner of ours whose guardian is dead as well is replaced', {
    timeout: 60_000,
  }, async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { process: program, said } = await trial.run('holds', 'socket');
    program.kill('SIGSTOP');
    process.kill((JSON.parse(said) as { guardian: number }).guardian, 'SIGKILL');
    await ended(program);
    expect(lstatSync(trial.path('socket')).isSymbolicLink()).toBe(true);
    const lease = await registry.acquire(unixSocket({ path: trial.path('socket') }));
    await closed(await serve(lease.path));
  });

  test('replaces nothing but sockets', async () => {
    await using trial = new Trial();
    writeFileSync(trial.path('socket'), 'precious');
    await expect((await trial.open()).acquire(unixSocket({ path: trial.path('socket') }))).rejects.toThrow(
      ResourceExistsError,
    );
    expect(trial.left).toEqual(['socket']);
  });

  test('has a path that the system can take', () => {
    expect(() => unixSocket({ path: `/${'x'.repeat(120)}` })).toThrow(InvalidSpecError);
    expect(() => unixSocket({ path: `/${'x'.repeat(80)}/s` })).toThrow(InvalidSpecError);
  });
});

describe('a process group', () => {
  const start = (script: string): { pid: number; ready: Promise<unknown> } => {
    const program = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    return { pid: program.pid as number, ready: once(program.stdout, 'data') };
  };

  test('is asked to end, with all that it has started', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { pid, ready } = start('sleep 1000 & echo $!; wait');
    const child = Number(String(((await ready) as [unknown])[0]));
    const group = await registry.acquire(processGroup(pid));
    expect(group.alive).toBe(true);
    await group.release();
    expect(group.alive).toBe(false);
    expect([runs(pid), runs(child)]).toEqual([false, false]);
  });

  test('is killed when its grace is over', async () => {
    await using trial = new Trial();
    const { pid, ready } = start("trap '' TERM; echo ready; while :; do sleep 1; done");
    await ready;
    const group = await (await trial.open()).acquire(processGroup(pid, { graceMs: 50 }));
    await group.release();
    expect(runs(pid)).toBe(false);
  });

  test('that has ended by itself is released, and its number is not signalled', async () => {
    await using trial = new Trial();
    const program = spawn('cat', [], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    const group = await (await trial.open()).acquire(processGroup(program.pid as number));
    const gone = once(program, 'exit');
    program.stdin.end();
    await gone;
    expect(group.signal('SIGTERM')).toBe(false);
    await group.release();
    expect(() => group.signal('SIGTERM')).toThrow(/released/);
  });

  test('is neither our own nor that of nobody', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const { pid } = spawnSync('true');
    await expect(registry.acquire(processGroup(pid))).rejects.toThrow(ResourceError);
    await expect(registry.acquire(processGroup(process.pid))).rejects.toThrow(ResourceError);
    expect(() => processGroup(1)).toThrow(InvalidSpecError);
    expect(() => processGroup(9, { signal: 'SIGNOT' as never })).toThrow(InvalidSpecError);
    expect(() => processGroup(9, { graceMS: 5 } as never)).toThrow(InvalidSpecError);
  });
});

describe('a custom resource', () => {
  test('is made and undone where it is used, and its command does not run then', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const undone: number[] = [];
    const lease = await registry.acquire(
      custom({
        name: 'seven',
        acquire: async () => 7,
        release: (value) => undone.push(value),
        whenDead: ['touch', trial.path('ran')],
      }),
    );
    expect(lease.value).toBe(7);
    await lease.release();
    await lease.release();
    expect(undone).toEqual([7]);
    expect(() => lease.value).toThrow(/released/);
    expect(trial.left).toEqual([]);
  });

  test('that cannot be undone is left to its command', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const lease = await registry.acquire(
      custom({
        name: 'stuck',
        release: () => {
          throw new Error('stuck');
        },
        whenDead: ['touch', trial.path('ran')],
      }),
    );
    await expect(lease.release()).rejects.toThrow('stuck');
    await registry.close();
    expect(trial.left).toEqual(['ran']);
  });

  test('that could not be made has nothing to undo', async () => {
    await using trial = new Trial();
    const registry = await trial.open();
    const failing = custom({
      name: 'failing',
      acquire: () => Promise.reject(new Error('no')),
      release: () => undefined,
      whenDead: ['touch', trial.path('ran')],
    });
    await expect(registry.acquire(failing)).rejects.toThrow('no');
    await registry.close();
    expect(trial.left).toEqual([]);
  });

  test.each([
    [{ name: 'x', whenDead: ['a'] }, 'release'],
    [{ name: 'x', release() {}, whenDead: [] }, 'whenDead'],
    [{ name: 'x', release() {}, whenDead: 'rm x' }, 'whenDead'],
    [{ name: '/x', release() {}, whenDead: ['a'] }, 'name'],
    [{ name: 'x', release() {}, whenDead: ['a'], whendead: 1 }, 'whendead'],
  ])('refuses %j before anything is made', (options, field) => {
    expect(() => custom(options as never)).toThrow(expect.objectContaining({ field }));
  });
});
