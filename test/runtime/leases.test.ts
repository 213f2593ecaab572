import { describe, expect, test } from 'vitest';
import { InvalidSpecError, ScopeClosedError } from '../../src/core/index.js';
import {
  IncarnationContext,
  type Lease,
  type ResourceKind,
  type ResourceProvider,
  Scope,
  silentLogger,
} from '../../src/runtime/index.js';
import { leasesOf } from '../../src/runtime/leases.js';
import { type FakeResourcesOptions, fakeKind, fakeResources } from '../../src/testing/index.js';

function contextWith(resources: ResourceProvider | undefined, tree?: Scope): IncarnationContext {
  return new IncarnationContext({
    id: 'mail',
    path: 'shop/mail',
    incarnation: 3,
    log: silentLogger,
    resources,
    tree,
    ready: () => undefined,
    heartbeat: () => undefined,
    fail: () => undefined,
    extend: () => 0,
  });
}

function setUp(options: FakeResourcesOptions = {}) {
  const resources = fakeResources(options);
  return { resources, ctx: contextWith(resources) };
}

/** A promise and the function that settles it. */
function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('what an incarnation acquires', () => {
  test.each([undefined, null, {}, fakeKind])('is a kind with its settings, and not %s', async (wrong) => {
    const { ctx, resources } = setUp();
    const failure: unknown = await ctx.resources.acquire(wrong as never).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(InvalidSpecError);
    expect(String(failure)).toContain("such as mutex({ name: 'ledger' })");
    expect(resources.log).toEqual([]);
  });

  test('is released at its end, last in first out, in one order with what is deferred', async () => {
    const { ctx, resources } = setUp();
    await ctx.resources.acquire(fakeKind('lock', 'a'));
    ctx.defer(() => resources.log.push('deferred'));
    await ctx.resources.acquire(fakeKind('lock', 'b'));
    resources.log.length = 0;
    expect(await ctx.release()).toEqual([]);
    expect(resources.log).toEqual([
      'shop/mail#3 releases lock "b"',
      'deferred',
      'shop/mail#3 releases lock "a"',
      'shop/mail#3 ends',
    ]);
  });

  test('is granted in the name of the incarnation, with the facts that its user needs', async () => {
    const { ctx, resources } = setUp({ grant: () => ({ path: '/dev/shm/x' }) });
    const lease = await ctx.resources.acquire(fakeKind('memory'));
    expect(lease).toMatchObject({ name: 'memory-1', facts: { path: '/dev/shm/x' }, released: false });
    expect(resources.owners).toMatchObject([{ path: 'shop/mail', incarnation: 3 }]);
    await ctx.release();
  });

  test('may be released before, and is then released once', async () => {
    const { ctx, resources } = setUp();
    const lease = await ctx.resources.acquire(fakeKind('lock', 'a'));
    await Promise.all([lease.release(), lease.release()]);
    expect(resources.held).toEqual([]);
    await ctx.release();
    expect(resources.log.filter((line) => line.includes('releases'))).toHaveLength(1);
  });

  test('leaves nothing behind when it is released early, a hundred thousand times', async () => {
    const { ctx } = setUp();
    let kept = 0;
    const { scope } = ctx;
    const { defer } = scope;
    scope.defer = (release) => {
      kept += 1;
      const forget = defer.call(scope, release);
      let forgotten = false;
      return () => {
        if (!forgotten) kept -= 1;
        forgotten = true;
        forget();
      };
    };
    const kind: ResourceKind = fakeKind('lock');
    for (let time = 0; time < 100_000; time += 1) await (await ctx.resources.acquire(kind)).release();
    // The scope itself, which is closed at the end.
    expect(kept).toBe(1);
    await ctx.release();
  }, 60_000);

  test('cannot be acquired once it has ended', async () => {
    const { ctx, resources } = setUp();
    await ctx.release();
    await expect(ctx.resources.acquire(fakeKind('lock', 'a'))).rejects.toBeInstanceOf(ScopeClosedError);
    expect(resources.log).toEqual([]);
  });

  test('is released before the end is told, and refused, where the end comes while it is being granted', async () => {
    const granting = gate();
    const asked = gate();
    const { ctx, resources } = setUp({
      grant: () => {
        asked.open();
        return granting.opened;
      },
    });
    let attached = false;
    const kind: ResourceKind<Lease> = {
      ...fakeKind('lock', 'a'),
      attach: () => {
        attached = true;
        throw new Error('attached after the end');
      },
    };
    const acquiring = ctx.resources.acquire(kind).catch((error: unknown) => error);
    await asked.opened;
    const ended = ctx.release();
    granting.open();
    expect(await ended).toEqual([]);
    expect(attached).toBe(false);
    expect(resources.held).toEqual([]);
    expect(resources.log).toEqual([
      'shop/mail#3 acquires lock "a"',
      'shop/mail#3 releases lock "a"',
      'shop/mail#3 ends',
    ]);
    expect(await acquiring).toBeInstanceOf(ScopeClosedError);
  });

  test('is not waited for while its grant waits for somebody else, which the close of its scope ends', async () => {
    const asked = gate();
    const closed = gate();
    const ctx = contextWith({
      openScope: () => ({
        grant: async () => {
          asked.open();
          await closed.opened;
          throw new ScopeClosedError('shop/mail', 'lock');
        },
        giveBack: () => Promise.resolve(),
        close: async () => {
          closed.open();
          return [];
        },
      }),
    });
    const acquiring = ctx.resources.acquire(fakeKind('lock', 'a')).catch((error: unknown) => error);
    await asked.opened;
    expect(await ctx.release()).toEqual([]);
    expect(await acquiring).toBeInstanceOf(ScopeClosedError);
  });

  test('is waited for, and released, where the end comes while it is being attached', async () => {
    const attaching = gate();
    const begun = gate();
    const { ctx, resources } = setUp();
    const kind = fakeKind('memory', 'm');
    const acquiring = ctx.resources
      .acquire({
        ...kind,
        attach: async (granted) => {
          begun.open();
          await attaching.opened;
          return kind.attach(granted);
        },
      })
      .catch((error: unknown) => error);
    await begun.opened;
    const ended = ctx.release();
    attaching.open();
    expect(await ended).toEqual([]);
    expect(await acquiring).toBeInstanceOf(ScopeClosedError);
    expect(resources.log.slice(-2)).toEqual(['shop/mail#3 releases memory "m"', 'shop/mail#3 ends']);
  });

  test('is refused where the end comes before anything was granted', async () => {
    const { ctx, resources } = setUp();
    const acquiring = ctx.resources.acquire(fakeKind('lock', 'a')).catch((error: unknown) => error);
    await ctx.release();
    expect(await acquiring).toBeInstanceOf(ScopeClosedError);
    expect(resources.held).toEqual([]);
  });

  test('is given back when its user cannot attach it, and both failures are told', async () => {
    const { ctx, resources } = setUp();
    const broken: ResourceKind<Lease> = {
      ...fakeKind('memory', 'm'),
      attach: () => Promise.reject(new Error('cannot map')),
    };
    await expect(ctx.resources.acquire(broken)).rejects.toThrow('cannot map');
    expect(resources.held).toEqual([]);
    await ctx.release();
    expect(resources.log.filter((line) => line.includes('releases'))).toHaveLength(1);

    const stuck = setUp({
      release: () => {
        throw new Error('cannot remove');
      },
    });
    const error = await stuck.ctx.resources.acquire(broken).catch((reason: unknown) => reason);
    expect((error as AggregateError).errors.map(String)).toEqual([
      'Error: cannot map',
      'Error: cannot remove',
    ]);
  });

  test('that cannot be granted leaves nothing to release', async () => {
    let times = 0;
    const { ctx, resources } = setUp({
      grant: () => {
        times += 1;
        throw new Error('no space');
      },
    });
    await expect(ctx.resources.acquire(fakeKind('lock', 'a'))).rejects.toThrow('no space');
    expect([times, await ctx.release()]).toEqual([1, []]);
    expect(resources.log).toEqual(['shop/mail#3 ends']);
  });

  test('is released past failures, and each of them is told', async () => {
    const { ctx, resources } = setUp({
      release: ({ name }) => {
        if (name !== 'b') throw new Error(`cannot release ${name}`);
      },
    });
    for (const name of ['a', 'b', 'c']) await ctx.resources.acquire(fakeKind('lock', name));
    expect(await ctx.release()).toMatchObject([
      { message: 'cannot release c' },
      { message: 'cannot release a' },
    ]);
    expect(resources.held).toEqual([]);
  });

  test('comes from the registry of last resort where the tree was given none, under the name of the root', async () => {
    const tree = new Scope();
    const ctx = contextWith(undefined, tree);
    const last = fakeResources();
    const asked: unknown[] = [];
    const kind: ResourceKind<Lease> = {
      ...fakeKind('lock', 'a'),
      standalone: (name, scope) => {
        asked.push(name, scope);
        return Promise.resolve(last);
      },
    };
    await ctx.resources.acquire(kind);
    expect(asked).toEqual(['shop', tree]);
    expect(last.held).toEqual(['shop/mail#3: lock "a"']);
    await ctx.release();
    expect(last.held).toEqual([]);
  });

  test('is tried again from the beginning where the registry could not be opened', async () => {
    let times = 0;
    const { ctx } = { ctx: contextWith(undefined) };
    const kind: ResourceKind<Lease> = {
      ...fakeKind('lock', 'a'),
      standalone: async () => {
        times += 1;
        if (times === 1) throw new Error('no state directory');
        return fakeResources();
      },
    };
    await expect(ctx.resources.acquire(kind)).rejects.toThrow('no state directory');
    await expect(ctx.resources.acquire(kind)).resolves.toMatchObject({ released: false });
    expect(await ctx.release()).toEqual([]);
  });

  test('leaves nothing behind where the registry could not be opened', async () => {
    const end = new Scope();
    let kept = 0;
    const defer = end.defer.bind(end);
    end.defer = (release) => {
      kept += 1;
      const forget = defer(release);
      return () => {
        kept -= 1;
        forget();
      };
    };
    const resources: ResourceProvider = {
      openScope: () => {
        throw new Error('no state directory');
      },
    };
    const leases = leasesOf({ scope: end }, { path: 'shop/mail', incarnation: 3, resources } as never);
    for (let time = 0; time < 3; time += 1)
      await expect(leases.acquire(fakeKind('lock', 'a'))).rejects.toThrow('no state directory');
    expect(kept).toBe(0);
  });

  test('costs a child that acquires nothing no more than a look', () => {
    const { ctx, resources } = setUp();
    expect(ctx.resources).toBe(ctx.resources);
    expect([ctx.deferred, ctx.release(), resources.owners]).toEqual([false, undefined, []]);
  });
});
