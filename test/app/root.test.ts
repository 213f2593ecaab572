import { EventEmitter } from 'node:events';
import { describe, expect, test } from 'vitest';
import { InvalidSpecError, NotStoppableError, StartError, supervise } from '../../src/index.js';
import { VirtualClock } from '../../src/testing/index.js';

const signals = false;
const turn = (): Promise<void> => new Promise(setImmediate);

describe('a function alone', () => {
  test('is known by its name, or as main', async () => {
    const forever = (ctx: { readonly signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve()));
    await using named = await supervise(forever, { signals });
    expect(named.child('forever').path).toBe('root/forever');
    await using nameless = await supervise((ctx) => forever(ctx), { signals });
    expect(nameless.child('main').path).toBe('root/main');
  });

  test('that has finished before it looked at anything has completed', async () => {
    const app = await supervise(async () => undefined, { signals });
    expect(await app.done).toEqual({ type: 'completed' });
    expect((await app.stop()).children).toEqual([]);
  });

  test('that fails before it shows that it is at work fails the start', async () => {
    const failing = supervise(() => Promise.reject(new Error('no broker')), { signals });
    await expect(failing).rejects.toThrow(StartError);
  });

  test('that is silent counts as at work after a second, and is restarted from then on', async () => {
    const clock = new VirtualClock();
    const fail: ((error: Error) => void)[] = [];
    const silent = (): Promise<void> => new Promise((_, reject) => fail.push(reject));
    let ready = false;
    const starting = supervise(silent, { signals, clock }).then((app) => {
      ready = true;
      return app;
    });
    await clock.advance(999);
    expect(ready).toBe(false);
    await clock.advance(1);
    const app = await starting;
    fail[0]?.(new Error('lost'));
    await turn();
    expect(fail).toHaveLength(2);
    fail[1]?.(new Error('lost'));
    await app.stop();
  });

  test('may be permanent, and then never completes', async () => {
    let runs = 0;
    const app = await supervise(
      async () => {
        runs += 1;
        await turn();
      },
      { signals, restart: 'permanent' },
    );
    while (runs < 3) await turn();
    expect(await app.stop()).toMatchObject({ survivors: [] });
  });
});

/** A client of the usual make: it emits, and is closed. */
class Client extends EventEmitter {
  readonly #log: string[];

  constructor(log: string[]) {
    super();
    this.#log = log;
    log.push('made');
  }

  close(): void {
    this.#log.push('closed');
  }
}

describe('a consumer alone', () => {
  test('is made anew when it dies, and closed with the program', async () => {
    const log: string[] = [];
    const clients: Client[] = [];
    const make = (): Client => {
      const client = new Client(log);
      clients.push(client);
      return client;
    };
    const app = await supervise(make, { signals, failOn: ['lost'] });
    clients[0]?.emit('lost', new Error('connection'));
    while (clients.length < 2) await turn();
    await app.child('make').whenReady();
    await app.stop();
    expect(log).toEqual(['made', 'closed', 'made', 'closed']);
  });

  test('may be given as an instance, whose death is the failure of the program', async () => {
    const log: string[] = [];
    const client = new Client(log);
    const app = await supervise(client, { signals, failOn: ['lost'] });
    client.emit('lost', new Error('connection'));
    await expect(app.done).rejects.toThrow(/The tree "root" has failed: failed: Error: connection/);
    expect(log).toEqual(['made', 'closed']);
  });

  test('that nobody can stop is refused', async () => {
    const failing = supervise((() => 42) as never, { signals });
    await expect(failing).rejects.toThrow(StartError);
    const error: unknown = await supervise((() => 42) as never, { signals }).catch((it: unknown) => it);
    expect((error as Error).cause).toBeInstanceOf(NotStoppableError);
    await expect(supervise({ hello: 1 } as never, { signals })).rejects.toThrow(StartError);
  });

  test('with a hook that is none is refused before anything starts', async () => {
    const options = { signals, close: 'now' } as never;
    await expect(supervise(() => new Client([]), options)).rejects.toThrow(InvalidSpecError);
  });
});
