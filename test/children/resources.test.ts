import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { consumer, fork, task, thread } from '../../src/children/index.js';
import { noBackoff, ResourceLimitError, ScopeClosedError } from '../../src/core/index.js';
import {
  type ChildSpec,
  type ResourceProvider,
  type ResourceScope,
  Scope,
  Supervisor,
  supervisor,
} from '../../src/runtime/index.js';
import { fakeKind, fakeResources, type RecordingHost, startRecorded } from '../../src/testing/index.js';
import { program } from './programs.js';

const folder = mkdtempSync(join(tmpdir(), 'resources-'));
afterEach(() => rmSync(join(folder, 'said'), { force: true }));

const KINDS = [
  {
    kind: 'fork',
    make: (file: string, settings = {}): ChildSpec =>
      // Its own process is not put on the record: what it acquires is all that is counted here.
      fork('it', program(file), { ready: 'explicit', stderr: 'capture', ownership: 'group', ...settings }),
  },
  {
    kind: 'thread',
    make: (file: string, settings = {}): ChildSpec =>
      thread('it', program(file), { ready: 'explicit', stderr: 'capture', ...settings }),
  },
] as const;

/** A promise and the function that settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

/** Grants nothing, as a lock that another holds, until its scope closes. */
function waitsUntilItsScopeCloses(): { readonly resources: ResourceProvider; readonly asked: Promise<void> } {
  const asked = gate();
  const closed = gate();
  const scope: ResourceScope = {
    grant: async () => {
      asked.open();
      await closed.opened;
      throw new ScopeClosedError('root/it', 'lock');
    },
    giveBack: () => Promise.resolve(),
    close: async () => {
      closed.open();
      return [];
    },
  };
  return { resources: { openScope: () => scope }, asked: asked.opened };
}

const errorsOf = (host: RecordingHost): readonly (string | undefined)[] =>
  host.news.flatMap((news) => (news.type === 'noted' ? [news.error?.message] : []));

describe.each(KINDS)('a $kind', ({ kind, make }) => {
  test('acquires from its supervisor, and what it gives back is released there', async () => {
    const tree = new Scope();
    const resources = fakeResources({ grant: ({ name }) => ({ path: `/dev/shm/${name}` }) });
    const { host, incarnation } = startRecorded(
      make('acquires-on-demand.mjs', { drainMs: 4000, shutdown: 6000 }),
      { resources, tree },
    );
    await host.next('ready');
    expect(await incarnation.call?.('acquire', ['a', 'lock'], {})).toEqual({ path: '/dev/shm/a' });
    await incarnation.call?.('acquire', ['b'], {});
    expect(resources.held).toEqual(['root/it#1: lock "a"', 'root/it#1: fake "b"']);
    await incarnation.call?.('release', ['a'], {});
    expect(resources.held).toEqual(['root/it#1: fake "b"']);
    const pid = incarnation.facts?.().pid;
    expect(resources.owners).toEqual([
      {
        path: 'root/it',
        incarnation: 1,
        tree,
        // As long as it may go on as an orphan: its drain and its shutdown.
        group: kind === 'fork' && process.platform !== 'win32' ? { pid, graceMs: 10_000 } : undefined,
      },
    ]);
    incarnation.drain(5000);
    incarnation.stop(5000);
    await host.next('exited');
    expect(resources.log.slice(-2)).toEqual(['root/it#1 releases fake "b"', 'root/it#1 ends']);
    expect(errorsOf(host)).toEqual([]);
  });

  test.each(['exit', ...(kind === 'fork' ? ['crash'] : []), 'kill'])(
    'that ends by %s has released everything, last first, before its end is told',
    async (how) => {
      const heldAtEnd: string[] = [];
      const resources = fakeResources();
      const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'), { resources });
      const { exited } = host;
      host.exited = (...args) => {
        heldAtEnd.push(...resources.held);
        exited.apply(host, args);
      };
      await host.next('ready');
      for (const name of ['a', 'b']) await incarnation.call?.('acquire', [name], {});
      if (how === 'kill') incarnation.kill();
      else incarnation.cast?.(how, [3]);
      await host.next('exited');
      expect(heldAtEnd).toEqual([]);
      expect(resources.log.slice(-3)).toEqual([
        'root/it#1 releases fake "b"',
        'root/it#1 releases fake "a"',
        'root/it#1 ends',
      ]);
    },
  );

  test('that dies while it is being granted something leaves nothing of it', async () => {
    const asked = gate();
    const granting = gate();
    const resources = fakeResources({
      grant: () => {
        asked.open();
        return granting.opened;
      },
    });
    const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'), { resources });
    await host.next('ready');
    incarnation.cast?.('begin', ['a']);
    await asked.opened;
    incarnation.kill();
    granting.open();
    await host.next('exited');
    expect(resources.log).toEqual([
      'root/it#1 acquires fake "a"',
      'root/it#1 releases fake "a"',
      'root/it#1 ends',
    ]);
  });

  test.each(['kill', 'stop'] as const)(
    'that ends by %s is not waited for by what waits for somebody else',
    async (how) => {
      const { resources, asked } = waitsUntilItsScopeCloses();
      const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'), { resources });
      await host.next('ready');
      incarnation.cast?.('begin', ['a']);
      await asked;
      incarnation[how](30_000);
      const { exit } = await host.next('exited');
      expect(exit.type).toBe(how === 'kill' ? 'killed' : 'shutdown');
      expect(errorsOf(host)).toEqual([]);
    },
  );

  test('is told why it is refused by the error that was thrown, facts included', async () => {
    const limit = { limit: 'kernel.shmmni', allowed: 4096, used: 4096 };
    const resources = fakeResources({
      grant: () => {
        throw new ResourceLimitError('shared-memory "a"', 'create', 'ENOSPC', limit, [], 'Raise it.');
      },
    });
    const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'), { resources });
    await host.next('ready');
    const refusal = await incarnation.call?.('refused', ['a'], {});
    expect(refusal).toMatchObject({
      name: 'ResourceLimitError',
      code: 'RESOURCE_LIMIT',
      message: 'Could not create shared-memory "a" (ENOSPC): Raise it.',
      limit,
      errno: 'ENOSPC',
      chain: ['ResourceLimitError', 'ResourceError', 'SupervisionError', 'Error', 'Object'],
    });
    incarnation.kill();
    await host.next('exited');
  });

  test('is refused where its tree has no registry', async () => {
    const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'));
    await host.next('ready');
    expect(await incarnation.call?.('refused', ['a'], {})).toMatchObject({
      name: 'NoResourcesError',
      code: 'NO_RESOURCES',
      child: 'root/it',
    });
    incarnation.kill();
    await host.next('exited');
  });

  test('that has nothing more to do gets what it waits for, releases it, and ends', async () => {
    const resources = fakeResources({ grant: () => 7 });
    const spec = make('acquires-and-is-done.mjs', { ready: 'spawn' });
    const { host } = startRecorded(spec, { resources });
    const { exit, stderr } = await host.next('exited');
    expect([exit, stderr]).toEqual([{ type: 'completed' }, ['granted 7', 'deferred']]);
    expect(resources.log).toEqual([
      'root/it#1 acquires fake "a"',
      'root/it#1 releases fake "a"',
      'root/it#1 ends',
    ]);
  });

  test('that never looks at its signal is ended before a timer of it can meet what is released', async () => {
    const resources = fakeResources();
    const spec = make('uses-its-lease-by-a-timer.mjs');
    for (let time = 0; time < 20; time += 1) {
      const { host, incarnation } = startRecorded(spec, { resources });
      await host.next('ready');
      incarnation.drain(5000);
      await host.next('drained');
      incarnation.stop(60_000);
      const { exit, stderr = [] } = await host.next('exited');
      expect([exit, stderr]).toEqual([{ type: 'shutdown' }, []]);
    }
    expect(resources.held).toEqual([]);
    expect(resources.log.filter((line) => line.includes('releases'))).toHaveLength(20);
  });

  test('whose release fails ends all the same, and the failure is noted', async () => {
    const resources = fakeResources({
      release: ({ name }) => {
        throw new Error(`cannot release ${name}`);
      },
    });
    const { host, incarnation } = startRecorded(make('acquires-on-demand.mjs'), { resources });
    await host.next('ready');
    for (const name of ['a', 'b']) await incarnation.call?.('acquire', [name], {});
    incarnation.kill();
    await host.next('exited');
    expect(errorsOf(host)).toEqual(['cannot release b', 'cannot release a']);
  });

  test('starts anew only when nothing of the last incarnation is held', async () => {
    const resources = fakeResources();
    const heldAtStart: string[] = [];
    const root = new Supervisor(
      supervisor('root', { intensity: 10, backoff: noBackoff(), children: [make('acquires-on-demand.mjs')] }),
      { resources },
    );
    root.on('child:starting', () => heldAtStart.push(...resources.held));
    await root.start();
    const child = root.child('it');
    for (let time = 0; time < 3; time += 1) {
      const { incarnation } = child.snapshot();
      await child.call('acquire', [`n${time}`]);
      child.cast('exit', [1]);
      await new Promise<void>((resolve) => {
        const off = root.on('child:ready', (event) => {
          if (event.incarnation !== incarnation + 1) return;
          off();
          resolve();
        });
      });
    }
    expect(heldAtStart).toEqual([]);
    await root.stop();
    expect(resources.held).toEqual([]);
    expect(resources.log.filter((line) => line.includes('releases'))).toHaveLength(3);
  });
});

test('a fork that asks for nonsense harms nobody, and what it was granted by accident is released', async () => {
  const resources = fakeResources();
  const { host, incarnation } = startRecorded(KINDS[0].make('asks-for-nonsense.mjs'), { resources });
  await host.next('ready');
  expect(resources.held).toEqual([
    'root/it#1: fake "kept"',
    'root/it#1: fake "twice"',
    'root/it#1: fake "proper"',
  ]);
  expect(errorsOf(host)).toHaveLength(5);
  incarnation.kill();
  await host.next('exited');
  expect(resources.held).toEqual([]);
});

test.runIf(process.platform !== 'win32')(
  'a fork whose supervisor dies waits for no answer, and ends in its own time',
  async () => {
    const said = join(folder, 'said');
    const file = program('supervises-with-resources.ts');
    const host = spawn(
      process.execPath,
      ['--import', 'tsx', file, program('outlives-its-supervisor.mjs'), said],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await line(host, 'asked twice');
    host.kill('SIGKILL');
    await closed(host);
    expect(readFileSync(said, 'utf8')).toMatch(/^Could not acquire fake "held-back": .*ended.*\nreleased\n$/);
  },
);

test('a program that nobody supervises acquires from a registry of its own, closed when it has nothing more to do', async () => {
  const alone = spawn(process.execPath, [program('acquires-without-a-supervisor.mjs')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const text = await all(alone);
  expect(text.split('\n')).toEqual(['main#1: fake "a"', 'closed main', 'main#1 ends', '']);
});

describe('in this process', () => {
  test('a task and a consumer acquire from the registry of the tree, in a scope of each incarnation', async () => {
    const resources = fakeResources();
    const children = [
      task(
        'rates',
        async (ctx) => {
          await ctx.resources.acquire(fakeKind('lock', 'a'));
          ctx.ready();
          await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
        },
        { ready: 'explicit' },
      ),
      consumer('mail', async (ctx) => {
        await ctx.resources.acquire(fakeKind('lock', 'b'));
        return { close: () => undefined };
      }),
    ];
    const root = new Supervisor(supervisor('shop', { children }), { resources });
    await root.start();
    expect(resources.held).toEqual(['shop/rates#1: lock "a"', 'shop/mail#1: lock "b"']);
    await root.child('rates').restart();
    expect(resources.held).toEqual(['shop/mail#1: lock "b"', 'shop/rates#2: lock "a"']);
    await root.stop();
    expect(resources.held).toEqual([]);
  });

  test('a release that fails is noted like any other that was deferred', async () => {
    const resources = fakeResources({
      release: () => {
        throw new Error('cannot release');
      },
    });
    const spec = task('rates', (ctx) => ctx.resources.acquire(fakeKind('lock', 'a')).then(() => undefined));
    const { host } = startRecorded(spec, { resources });
    expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
    expect(errorsOf(host)).toEqual(['cannot release']);
  });

  test('an acquire that nobody awaits, and that is refused, is the fault of its task alone', async () => {
    const resources = fakeResources({
      grant: () => {
        throw new Error('no space');
      },
    });
    const spec = task('rates', (ctx) => {
      void ctx.resources.acquire(fakeKind('lock', 'a'));
      return new Promise(() => undefined);
    });
    const { host, incarnation } = startRecorded(spec, { resources });
    expect((await host.next('fault')).exit).toMatchObject({ type: 'failed', error: { message: 'no space' } });
    incarnation.kill();
  });
});

async function all(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) text += String(chunk);
  return text;
}

async function line(child: ChildProcess, text: string): Promise<void> {
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    if (String(chunk).includes(text)) return;
  }
  throw new Error(`it ended without saying "${text}"`);
}

/** Resolves when nobody holds the program's stdout any more: neither it nor what it has started. */
async function closed(child: ChildProcess): Promise<void> {
  child.stdout?.resume();
  await new Promise((resolve) => child.once('close', resolve));
}
