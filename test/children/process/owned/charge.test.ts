import { describe, expect, test } from 'vitest';
import { type CommandOptions, command } from '../../../../src/children/index.js';
import { CapabilityError, ResourceError } from '../../../../src/core/index.js';
import {
  type Grant,
  type ResourceOwner,
  type ResourceProvider,
  type ResourceRequest,
  Scope,
} from '../../../../src/runtime/index.js';
import { startRecorded } from '../../../../src/testing/recording-host.js';

const onLinux = describe.runIf(process.platform === 'linux');

/** Writes down what is asked of it, and answers as it is told. */
class Provider implements ResourceProvider {
  readonly requests: ResourceRequest[] = [];
  readonly owners: ResourceOwner[] = [];
  closed = 0;
  /** Let go, and each grant is given. */
  gate: Promise<void> = Promise.resolve();
  failure: Error | undefined;

  /** The requests for a mark; a program's group is recorded beside it. */
  get marked(): readonly ResourceRequest[] {
    return this.requests.filter(({ kind }) => kind === 'marked-processes');
  }

  openScope(owner: ResourceOwner): Awaited<ReturnType<ResourceProvider['openScope']>> {
    this.owners.push(owner);
    return {
      grant: async (request): Promise<Grant> => {
        this.requests.push(request);
        await this.gate;
        if (this.failure !== undefined) throw this.failure;
        return { number: 1, name: request.name ?? '', facts: { fd: 0 } };
      },
      giveBack: async () => undefined,
      close: async () => {
        this.closed += 1;
        return [];
      },
    };
  }
}

const start = (
  resources: Provider,
  tree: Scope | undefined,
  options: CommandOptions = {},
  script = 'echo "$TREEWARDEN_MARK" >&2',
): ReturnType<typeof startRecorded> =>
  startRecorded(command('shell', 'sh', ['-c', script], { stdout: 'ignore', stderr: 'capture', ...options }), {
    resources,
    ...(tree === undefined ? {} : { tree }),
  });

const markOf = async ({ host }: ReturnType<typeof startRecorded>): Promise<string> =>
  (await host.next('exited')).stderr?.[0] ?? '';

onLinux('the mark of a tree', () => {
  test('is on the record before the first program is started, and dropped with the tree', async () => {
    const provider = new Provider();
    const tree = new Scope();
    let open = (): void => undefined;
    provider.gate = new Promise((resolve) => (open = resolve));
    const first = start(provider, tree);
    while (provider.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(first.incarnation.facts?.().pid).toBeUndefined();
    open();
    const [, mark, number] = /^([a-z0-9]{16}):(\d+);$/.exec(await markOf(first)) ?? [];
    expect(provider.marked).toEqual([{ kind: 'marked-processes', mark }]);
    expect(provider.owners).toMatchObject([{ incarnation: 0, tree }]);
    expect(number).toBe('1');
    expect(await markOf(start(provider, tree))).toBe(`${mark}:2;`);
    expect(provider.marked).toHaveLength(1);
    expect(provider.closed).toBe(0);
    await tree.close();
    expect(provider.closed).toBe(1);
  });

  test('is not for the options of a program to change', async () => {
    const started = start(new Provider(), new Scope(), { env: { TREEWARDEN_MARK: 'mine' } });
    expect(await markOf(started)).toMatch(/^[a-z0-9]{16}:1;$/);
  });

  test('is one for all that start at the same time', async () => {
    const provider = new Provider();
    const tree = new Scope();
    const marks = await Promise.all([1, 2, 3].map(() => markOf(start(provider, tree))));
    expect(new Set(marks.map((mark) => mark.split(':')[0])).size).toBe(1);
    expect(new Set(marks).size).toBe(3);
  });

  test('is another one in another tree of the same registry', async () => {
    const provider = new Provider();
    const marks = [await markOf(start(provider, new Scope())), await markOf(start(provider, new Scope()))];
    expect(marks[0]?.split(':')[0]).not.toBe(marks[1]?.split(':')[0]);
  });

  test('is asked of nobody with ownership of the group alone', async () => {
    const provider = new Provider();
    expect(await markOf(start(provider, new Scope(), { ownership: 'group' }))).toBe('');
    expect(provider.requests).toEqual([]);
  });

  test('is there without a record where none can be had, which is noted once', async () => {
    const provider = new Provider();
    provider.failure = new CapabilityError('proc', 'A record', 'there is none.');
    const tree = new Scope();
    const first = start(provider, tree);
    expect(await markOf(first)).toMatch(/^[a-z0-9]{16}:1;$/);
    expect((await first.host.next('noted')).note).toContain('there is none');
    const second = start(provider, tree);
    expect(await markOf(second)).toMatch(/^[a-z0-9]{16}:2;$/);
    expect(second.host.said('noted')).toBe(false);
  });

  test('is not started beside what a killed program has left', async () => {
    const provider = new Provider();
    provider.failure = new ResourceError('what is left', 'end', undefined, 'it waits in the kernel.');
    const tree = new Scope();
    const { host } = start(provider, tree);
    expect((await host.next('exited')).exit).toMatchObject({
      type: 'not-started',
      error: { message: expect.stringContaining('it waits in the kernel') },
    });
    // The next start asks again.
    provider.failure = undefined;
    expect(await markOf(start(provider, tree))).toMatch(/:1;$/);
  });
});

onLinux('the record of a program', () => {
  const SETTINGS = { drainMs: 7000, shutdown: 300 };

  test.each<[string, CommandOptions, object]>([
    ['that has its time by shutdown alone, as in a stop', {}, { graceMs: 300, signal: 'SIGTERM' }],
    ['of its own stop signal', { stopSignal: 'SIGINT' }, { graceMs: 300, signal: 'SIGINT' }],
    [
      'that drains by a signal',
      { drainSignal: 'SIGQUIT' },
      { graceMs: 7300, signal: 'SIGTERM', drain: { signal: 'SIGQUIT', ms: 7000 } },
    ],
    ['that is killed at once', { shutdown: 'brutal_kill' }, { graceMs: 0 }],
    ['that may take any time', { shutdown: 'infinity' }, { graceMs: Number.POSITIVE_INFINITY }],
  ])('says for one %s how it is ended, and when, once this process is dead', async (_, options, expected) => {
    const provider = new Provider();
    const { host } = start(provider, new Scope(), { ...SETTINGS, ...options });
    await host.next('exited');
    expect(provider.requests).toContainEqual(expect.objectContaining({ kind: 'program-group', ...expected }));
  });
});

onLinux('a start that waits for its record', () => {
  test.each([
    ['stop', 'shutdown'],
    ['kill', 'killed'],
  ] as const)('and is asked to end by %s is never made', async (how, type) => {
    const provider = new Provider();
    let open = (): void => undefined;
    provider.gate = new Promise((resolve) => (open = resolve));
    const { host, incarnation } = start(provider, new Scope());
    while (provider.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    incarnation.drain(1000);
    expect(host.said('drained')).toBe(true);
    incarnation[how](1000);
    open();
    expect((await host.next('exited')).exit).toEqual({ type });
    expect(host.said('ready')).toBe(false);
  });
});

onLinux('an exclusive program', () => {
  test('inherits its lock, which is given back once it has ended', async () => {
    const provider = new Provider();
    const { host } = start(
      provider,
      undefined,
      { ownership: 'group', exclusive: 'refuse' },
      'ls -l /proc/$$/fd >&2',
    );
    const { stderr } = await host.next('exited');
    expect(stderr?.join('\n')).toMatch(/ 3 -> /);
    expect(provider.requests).toEqual([{ kind: 'instance-lock', name: 'root/shell', whenHeld: 'refuse' }]);
    expect(provider.closed).toBe(1);
  });

  test('has the name it is given', async () => {
    const provider = new Provider();
    const { host } = start(provider, undefined, {
      ownership: 'group',
      exclusive: { name: 'port-80', whenHeld: 'wait' },
    });
    await host.next('exited');
    expect(provider.requests).toEqual([{ kind: 'instance-lock', name: 'port-80', whenHeld: 'wait' }]);
  });

  test('that is refused is not started', async () => {
    const provider = new Provider();
    provider.failure = new Error('pid 12 has it');
    const { host } = start(provider, undefined, { ownership: 'group', exclusive: 'refuse' });
    expect((await host.next('exited')).exit).toMatchObject({
      type: 'not-started',
      error: { message: 'pid 12 has it' },
    });
    expect(provider.closed).toBe(1);
  });
});
