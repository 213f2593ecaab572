import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { entry, fork, remote, thread } from '../../../src/children/index.js';
import { CallError, constantBackoff, InvalidSpecError, RemoteError } from '../../../src/core/index.js';
import { type ChildSpec, type Incarnation, Supervisor, supervisor } from '../../../src/runtime/index.js';
import { type RecordingHost, startRecorded } from '../../../src/testing/recording-host.js';
import { program } from '../programs.js';

type Make = (file: string, settings?: { readonly stderr?: 'capture' }) => ChildSpec;

const KINDS: readonly (readonly [string, Make])[] = [
  ['fork', (file, settings) => fork('program', program(file), { stderr: 'capture', ...settings })],
  ['thread', (file, settings) => thread('program', program(file), { stderr: 'capture', ...settings })],
];

describe.each(KINDS)('a call to a %s', (_kind, make) => {
  test('is answered with what the function returns, or what its promise resolves to', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      expect(await call('add', [2, 3])).toBe(5);
      expect(await call('greet', ['Ada'])).toBe('hello Ada');
    });
  });

  test('reaches a CommonJS program', async () => {
    await running(make('answers-calls.cjs'), async ({ call }) => {
      expect(await call('add', [2, 3])).toBe(5);
    });
  });

  test('waits for a program that exposes its functions late', async () => {
    await running(make('exposes-late.mjs'), async ({ call, incarnation }) => {
      expect(incarnation.cast?.('add', [1, 1])).toBe(true);
      expect(await call('add', [2, 3])).toBe(5);
    });
  });

  test('reaches the methods of a class instance, inherited ones included', async () => {
    await running(make('exposes-a-class.mjs'), async ({ call }) => {
      await call('increment');
      expect(await call('increment')).toBe(2);
      await expectFailure(call('constructor'), 'not-exposed');
      await expectFailure(call('__proto__'), 'not-exposed');
    });
  });

  test('of which a hundred are under way is answered to each its own', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      const answers = await Promise.all(numbers.map((number) => call('add', [number, 1])));
      expect(answers).toEqual(numbers.map((number) => number + 1));
    });
  });

  test('rejects with what the function threw: name, message, code, stack and cause', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      const error = await rejection(call('fails'));
      expect(error).toBeInstanceOf(RemoteError);
      const cause = (error as RemoteError).cause as Error & { code: string };
      expect(cause).toBeInstanceOf(Error);
      expect(cause).toMatchObject({ name: 'SaveError', message: 'not saved', code: 'E_SAVE' });
      expect(cause.stack).toContain('answers-calls.mjs');
      expect(cause.cause).toMatchObject({ name: 'RangeError', message: 'the disk is full' });
    });
  });

  test('rejects with a thrown value that is no error as it is', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      expect(await rejection(call('throwsPlain'))).toMatchObject({ code: 'REMOTE_ERROR', cause: 42 });
    });
  });

  test('with arguments that cannot be sent is refused, and the next one is answered', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      await call('add', [0, 0]);
      await expectFailure(call('add', [() => undefined, 1]), 'not-sendable');
      expect(await call('add', [2, 3])).toBe(5);
    });
  });

  test('whose answer cannot be sent is refused', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      const error = await expectFailure(call('unsendable'), 'not-sendable');
      expect(error.message).toContain('its answer cannot be sent');
    });
  });

  test('of a function that is not exposed names those that are', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      const error = await expectFailure(call('subtract', [2, 3]), 'not-exposed');
      expect(error.message).toContain('add, greet');
    });
  });

  test('is refused once the program is ready and has exposed nothing', async () => {
    await running(make('is-ready-but-exposes-nothing.mjs'), async ({ call }) => {
      await expectFailure(call('add', [2, 3]), 'not-exposed');
    });
  });

  test('is refused if too many already wait for the program to expose something', async () => {
    await running(make('knows-nothing-of-us.mjs'), async ({ call }) => {
      const waiting = Array.from({ length: 1024 }, () => rejection(call('add', [2, 3])));
      await expectFailure(call('add', [2, 3]), 'not-exposed');
      void waiting;
    });
  });

  test('to a program that never exposes anything ends by its timeout, which says so', async () => {
    await running(make('knows-nothing-of-us.mjs'), async ({ call }) => {
      const error = await expectFailure(call('add', [2, 3], { timeoutMs: 20 }), 'timed-out');
      expect(error.message).toContain('treewarden/child');
    });
  });

  test('that times out tells the function', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      await call('add', [0, 0]);
      await expectFailure(call('waits', ['a'], { timeoutMs: 20 }), 'timed-out');
      expect(await call('aborted')).toEqual(['a']);
    });
  });

  test('that is aborted tells the function, and lets go of the signal', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      await call('add', [0, 0]);
      const { signal, abort } = abortion();
      const call1 = call('waits', ['b'], { signal });
      await call('add', [2, 3], { signal });
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      const reason = new Error('the user has left');
      abort(reason);
      const error = await expectFailure(call1, 'aborted');
      expect(error.cause).toBe(reason);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
      expect(await call('aborted')).toEqual(['b']);
      await expectFailure(call('add', [2, 3], { signal }), 'aborted');
    });
  });

  test('with a timeout that is none is refused at the door', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      expect(await rejection(call('add', [2, 3], { timeoutMs: Number.NaN }))).toBeInstanceOf(
        InvalidSpecError,
      );
    });
  });

  test('is rejected when the program exits, with status 0 too', async () => {
    await running(make('answers-calls.mjs'), async ({ call, host }) => {
      const waiting = [call('never'), call('exits', [0])];
      for (const pending of waiting) await expectFailure(pending, 'child-exited');
      expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
    });
  });

  test('that was answered before the program exited has its answer', async () => {
    await running(make('answers-calls.mjs'), async ({ call, host }) => {
      expect(await call('answersAndExits')).toBe('a last answer');
      await host.next('exited');
    });
  });

  test('is rejected when the program crashes, whose exit says why', async () => {
    await running(make('answers-calls.mjs'), async ({ call, host }) => {
      await expectFailure(call('crashes'), 'child-exited');
      const { exit } = await host.next('exited');
      expect(exit).toMatchObject({
        type: 'failed',
        error: { name: 'TypeError', message: 'the callback is broken' },
      });
    });
  });

  test('is rejected when the program is killed', async () => {
    await running(make('answers-calls.mjs'), async ({ call, host, incarnation }) => {
      await call('add', [0, 0]);
      const pending = call('never');
      incarnation.kill();
      await expectFailure(pending, 'child-exited');
      expect((await host.next('exited')).exit).toEqual({ type: 'killed' });
    });
  });

  test('that came before the drain is finished in it, a later one is refused', async () => {
    await running(make('answers-calls.mjs'), async ({ call, host, incarnation }) => {
      await call('add', [0, 0]);
      let answered = false;
      void call('takes', [100]).then(() => {
        answered = true;
      });
      incarnation.drain(5000);
      await expectFailure(call('greet', ['Eve']), 'child-not-running');
      expect(incarnation.cast?.('greet', ['Eve'])).toBe(false);
      await host.next('drained');
      // The answer came first; its caller hears of it some promises later.
      await new Promise((resolve) => setImmediate(resolve));
      expect(answered).toBe(true);
    });
  });

  test('that is held while the program starts is rejected when it ends', async () => {
    await running(make('knows-nothing-of-us.mjs'), async ({ call, incarnation }) => {
      const held = call('add', [2, 3]);
      incarnation.stop(5000);
      await expectFailure(held, 'child-not-running');
    });
  });

  test('to a program that has ended is rejected', async () => {
    const { host, incarnation } = startRecorded(make('has-nothing-to-do.mjs'));
    await host.next('exited');
    await expectFailure(incarnation.call?.('add', [2, 3], {}), 'child-not-running');
    expect(incarnation.cast?.('add', [2, 3])).toBe(false);
  });

  test('to a program that could not be started is rejected', async () => {
    const { host, incarnation } = startRecorded(make('no-such-program.mjs'));
    await host.next('exited');
    await expectFailure(incarnation.call?.('add', [2, 3], {}), 'child-not-running');
  });

  test('carries large buffers both ways', async () => {
    await running(make('answers-calls.mjs'), async ({ call }) => {
      expect(await call('byteLength', [new Uint8Array(5_000_000)])).toBe(5_000_000);
      expect(await call('makesBytes', [3])).toEqual(new Uint8Array([7, 7, 7]));
    });
  });

  test('is rejected at once while its child waits for a restart, and answered after it', async () => {
    const spec = {
      ...make('answers-calls.mjs'),
      id: 'calc' as const,
      backoff: constantBackoff(50, { free: 0 }),
    };
    await using tree = await new Supervisor(supervisor('root', { children: [spec] })).start();
    const calc = tree.child('calc');
    const restarting = new Promise((resolve) => tree.on('child:restarting', resolve));
    await expectFailure(calc.call('exits', [0]), 'child-exited');
    await restarting;
    await expectFailure(calc.call('add', [2, 3]), 'child-not-running');
    await calc.whenReady();
    expect(await calc.call('add', [2, 3])).toBe(5);
    expect(calc.incarnation).toBe(2);
  });
});

test.each(KINDS)(
  'a caller who tries again whenever its %s is ready gets an answer from the next incarnation',
  async (_, make) => {
    const spec = { ...make('answers-calls.mjs'), id: 'calc' as const };
    await using tree = await new Supervisor(supervisor('root', { children: [spec] })).start();
    const calc = tree.child('calc');
    const insist = async (): Promise<unknown> => {
      for (;;) {
        try {
          return await calc.call('add', [2, 3]);
        } catch (error) {
          if (!(error instanceof CallError)) throw error;
          await calc.whenReady();
        }
      }
    };
    await expectFailure(calc.call('exits', [0]), 'child-exited');
    expect(await insist()).toBe(5);
    expect(calc.incarnation).toBe(2);
  },
);

test.each(KINDS)(
  'a caller who casts until its %s has taken it reaches the next incarnation',
  async (_, make) => {
    const spec = { ...make('answers-calls.mjs'), id: 'calc' as const };
    await using tree = await new Supervisor(supervisor('root', { children: [spec] })).start();
    const calc = tree.child('calc');
    await expectFailure(calc.call('exits', [0]), 'child-exited');
    while (!calc.cast('add', [2, 3])) await calc.whenReady();
    expect(calc.incarnation).toBe(2);
  },
);

// Of a fork this is not promised: process.exit() drops what its pipe has not taken yet, and those calls are rejected.
test('a thread that answers thousands of calls and exits at once has answered them all', async () => {
  await running(thread('program', program('answers-calls.mjs')), async ({ call }) => {
    await call('add', [0, 0]);
    const left = Array.from({ length: 3000 }, (_, index) => 2999 - index);
    expect(await Promise.all(left.map((number) => call('answersThenExits', [number])))).toEqual(left);
  });
});

test.each([
  ['fork', fork],
  ['thread', thread],
] as const)('a %s that uses our words in its own way harms nobody', async (_, make) => {
  const own = [null, 5, { treewarden: null }, { treewarden: 5 }, { treewarden: {} }];
  const ours = [
    { type: 'failed' },
    { type: 'exposes' },
    { type: 'exposes', methods: 7 },
    { type: 'log', level: 'loud' },
    { type: 'noted', note: 'x' },
    { type: 'threw', id: 0 },
    { type: 'no such word' },
  ].map((message) => ({ treewarden: message }));
  const told: unknown[] = [];
  const spec = make('program', program('sends-what-it-is-told.mjs'), {
    args: [...own, ...ours].map((message) => JSON.stringify(message)),
    onMessage: (message) => told.push(message),
    ready: 'explicit',
    stderr: 'capture',
  });
  await running(spec, async ({ host }) => {
    await host.next('ready');
    expect(told.slice(0, own.length)).toEqual(own);
    expect(host.count('exited')).toBe(0);
  });
});

test('a cast that fails in the child is noted, and harms nobody', async () => {
  await running(fork('program', program('answers-calls.mjs')), async ({ call, host, incarnation }) => {
    await call('add', [0, 0]);
    expect(incarnation.cast?.('fails', [])).toBe(true);
    expect(incarnation.cast?.('add', [() => undefined])).toBe(false);
    expect(incarnation.cast?.('subtract', [])).toBe(false);
    const noted = await host.next('noted');
    expect(noted).toMatchObject({ note: 'the cast fails() failed', error: { message: 'not saved' } });
  });
});

test('a buffer is moved to a thread and back where a transfer list says so', async () => {
  await running(thread('program', program('answers-calls.mjs')), async ({ call }) => {
    const bytes = new Uint8Array(16);
    expect(await call('byteLength', [bytes], { transfer: [bytes.buffer] })).toBe(16);
    expect(bytes.byteLength).toBe(0);
    expect(await call('makesBytes', [3])).toEqual(new Uint8Array([7, 7, 7]));
  });
});

test('remote() makes typed functions of what a program exposes', async () => {
  interface Api {
    add(a: number, b: number): number;
    greet(name: string): Promise<string>;
  }
  const spec = fork('calc', entry<Api>(program('answers-calls.mjs')));
  await using tree = await new Supervisor(supervisor('root', { children: [spec] })).start();
  const calc = remote(tree.child('calc'));
  const sum: number = await calc.add(2, 3);
  const called: number = await tree.child('calc').call('add', [2, 3]);
  expect(called).toBe(sum);
  const greeting: string = await (await remote<Api>(tree.child('calc'))).greet('Ada');
  expect([sum, greeting]).toEqual([5, 'hello Ada']);
  // @ts-expect-error a function that is not exposed
  await expectFailure(calc.subtract(2, 3), 'not-exposed');
  // @ts-expect-error an argument of the wrong type
  expect(await calc.add('2', 3)).toBe('23');
});

test('what a program logs goes to the logger of the tree', async () => {
  const lines: unknown[] = [];
  const write = (facts: object, message?: string): void => void lines.push([facts, message]);
  const logger = { debug: write, info: write, warn: write, error: write };
  const spec = thread('calc', program('answers-calls.mjs'));
  await using tree = await new Supervisor(supervisor('root', { children: [spec] }), { logger }).start();
  await tree.child('calc').call('logs', []);
  expect(lines).toContainEqual([{ job: 7 }, 'a slow job']);
});

interface Running {
  readonly host: RecordingHost;
  readonly incarnation: Incarnation;
  call(
    method: string,
    args?: readonly unknown[],
    options?: Parameters<NonNullable<Incarnation['call']>>[2],
  ): Promise<unknown>;
}

async function running(spec: ChildSpec, work: (running: Running) => Promise<void>): Promise<void> {
  const { host, incarnation } = startRecorded(spec);
  const call: Running['call'] = (method, args = [], options = {}) =>
    incarnation.call?.(method, args, options) ?? Promise.reject(new Error('it cannot be called'));
  try {
    await work({ host, incarnation, call });
  } finally {
    incarnation.kill();
    await host.next('exited');
  }
}

async function rejection(promise: Promise<unknown> | undefined): Promise<unknown> {
  return promise?.then(
    (value) => new Error(`it was answered: ${String(value)}`),
    (error: unknown) => error,
  );
}

async function expectFailure(
  promise: Promise<unknown> | undefined,
  failure: CallError['failure'],
): Promise<CallError> {
  const error = await rejection(promise);
  expect(error).toBeInstanceOf(CallError);
  expect(error).toMatchObject({ failure });
  return error as CallError;
}

function abortion(): { readonly signal: AbortSignal; abort(reason: unknown): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}
