import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { serve } from '../../src/control/index.js';
import { systemClock } from '../../src/runtime/index.js';
import { leakCheck } from '../../src/testing/index.js';
import { client, RawClient, served } from './trees.js';

/** The same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const WORDS = [
  '{"id":1,"op":"status"}',
  '{"id":2,"op":"events","window":1}',
  '{"id":3,"op":"logs","follow":true}',
  '{"id":4,"op":"wait","until":"down","path":"rates","timeoutMs":5}',
  '{"cancel":2}',
  '{"grant":2,"items":3}',
  '{"id":"__proto__","op":"constructor"}',
  '{"__proto__":{"op":"stop"},"id":9}',
  '{"id":5,"op":"status","path":"__proto__"}',
  '{"id":6,"op":"status","path":"toString/constructor"}',
  '{"id":1e999,"op":"status"}',
  '{"id":7,"op":"signal","path":"rates","signal":"SIGNOTHING"}',
  'null',
  '[]',
  '"stop"',
  '[[[[[[[[',
  '\u0000\u0001',
  'é€😀',
  '',
];

/** Bytes that are sometimes requests, whole, cut, repeated or with bytes of them changed. */
function garbage(random: () => number): Buffer {
  const pick = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? '';
  const line = Buffer.from(`${pick()}${random() < 0.9 ? '\n' : ''}`);
  if (random() < 0.3 && line.length > 0)
    line[Math.floor(random() * line.length)] = Math.floor(random() * 256);
  return random() < 0.2 ? line.subarray(0, Math.floor(random() * line.length)) : line;
}

describe('harms nobody:', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('what random bytes of seed %i say', async (seed) => {
    const { app, path } = await served();
    const tree = await client(path);
    const random = randomFrom(seed);
    const clients = Array.from({ length: 4 }, () => new RawClient(path));
    for (let round = 0; round < 200; round += 1) {
      const one = clients[round % clients.length];
      one?.socket.write(garbage(random));
      if (random() < 0.02) one?.socket.destroy();
    }
    for (const one of clients) one.socket.end();
    await Promise.all(clients.map((one) => one.rest()));
    expect(await tree.status()).toMatchObject({ status: 'ready' });
    expect(app.supervisor.child('rates').incarnation).toBe(1);
  });

  test('a line that is no request is answered by an error, and the connection goes on', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    expect(await raw.next()).toMatchObject({ hello: { tree: 'shop' } });
    raw.say(
      'nonsense',
      { op: 'status' },
      { id: 1, op: '__proto__' },
      { id: 2, op: 'status', pth: 'x' },
      { id: 3, op: 'down' },
    );
    expect(await raw.next()).toMatchObject({ id: null, error: { code: 'bad-request' } });
    expect(await raw.next()).toMatchObject({ id: null, error: { code: 'bad-request' } });
    expect(await raw.next()).toMatchObject({ id: 1, error: { code: 'unknown-operation' } });
    expect(await raw.next()).toMatchObject({ id: 2, error: { code: 'bad-request' } });
    expect(await raw.next()).toMatchObject({ id: 3, error: { code: 'bad-request' } });
    raw.say({ id: 'four', op: 'status' });
    expect(await raw.next()).toMatchObject({ id: 'four', answer: { status: 'ready' } });
  });

  test('a request that comes byte by byte is one, and half of one is none', async () => {
    const { app, path } = await served();
    const raw = new RawClient(path, true);
    await raw.next();
    for (const byte of Buffer.from('{"id":1,"op":"status","path":"rates"}\n'))
      raw.socket.write(Buffer.from([byte]));
    expect(await raw.next()).toMatchObject({ id: 1, answer: { id: 'rates' } });
    raw.socket.end('{"id":2,"op":"down","path":"rates"}');
    expect(await raw.rest()).toEqual([]);
    expect(app.supervisor.child('rates').status).toBe('ready');
  });

  test('a line without an end is not kept: the connection is', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    raw.socket.write('x'.repeat(200_000));
    expect(await raw.next()).toMatchObject({ id: null, error: { code: 'bad-request' } });
    expect(await raw.next()).toBeUndefined();
  });

  test('arrays within arrays, as deep as a line is long', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    raw.say(`{"id":1,"op":"status","path":${'['.repeat(20_000)}${']'.repeat(20_000)}}`);
    expect(await raw.next()).toMatchObject({ id: 1, error: { code: 'bad-request' } });
  });

  test('a flood of requests whose answers nobody reads is read no further, and all are answered once they are', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    raw.socket.pause();
    const flood = 20_000;
    raw.say(...Array.from({ length: flood }, (_, id) => ({ id, op: 'status' })));
    // Others are served meanwhile.
    const tree = await client(path);
    for (let round = 0; round < 20; round += 1) await tree.status();
    expect(raw.socket.writableLength).toBeGreaterThan(0);
    raw.socket.resume();
    for (let id = 0; id < flood; id += 1) expect((await raw.next()).id).toBe(id);
  });

  test('of many requests that wait, 64 are waited for at a time, and the next are read once those are answered', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    const waits = Array.from({ length: 64 }, (_, id) => ({ id, op: 'wait', until: 'down', path: 'rates' }));
    raw.say({ id: 'first', op: 'status' }, ...waits, { id: 'last', op: 'status' });
    expect(await raw.next()).toMatchObject({ id: 'first' });
    const tree = await client(path);
    // Each is answered in a turn of its own, in which lines of the other are read as well.
    for (let round = 0; round < 20; round += 1) await tree.status();
    await tree.down('rates');
    const answered: unknown[] = [];
    while (answered.length < 65) answered.push((await raw.next()).id);
    expect(answered.at(-1)).toBe('last');
  });

  test('an id that is pending cannot be given again, and can once it is answered', async () => {
    const { path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    raw.say({ id: 1, op: 'wait', until: 'down', path: 'rates' }, { id: 1, op: 'status' });
    expect(await raw.next()).toMatchObject({ id: null, error: { code: 'bad-request' } });
    raw.say({ cancel: 1 });
    expect(await raw.next()).toMatchObject({ id: 1, error: { code: 'cancelled' } });
    raw.say({ id: 1, op: 'status' });
    expect(await raw.next()).toMatchObject({ id: 1, answer: { status: 'ready' } });
  });

  test('a reader that stands still misses the oldest, and is told how many', async () => {
    const { app, path } = await served();
    const raw = new RawClient(path);
    await raw.next();
    raw.say({ id: 1, op: 'events', window: 1 }, { id: 2, op: 'status' });
    expect(await raw.next()).toMatchObject({ id: 2 });
    const tell = (level: number): void =>
      app.supervisor.announce({ type: 'signal:received', signal: 'SIGHUP', level, atMs: level });
    for (let count = 0; count < 6000; count += 1) tell(count);
    expect(await raw.next()).toMatchObject({ id: 1, item: { level: 0 } });
    raw.say({ grant: 1, items: 1 });
    expect(await raw.next()).toMatchObject({ id: 1, item: { level: 6000 - 4096 }, missed: 6000 - 4096 - 1 });
    raw.say({ cancel: 1 });
    expect(await raw.next()).toEqual({ id: 1, answer: null });
  });

  test('clients that vanish while they wait leave nothing behind', async () => {
    const { app, path } = await served();
    const leaks = leakCheck();
    const raws = Array.from({ length: 10 }, () => new RawClient(path));
    for (const raw of raws) {
      await raw.next();
      raw.say(
        { id: 1, op: 'wait', until: 'down', path: 'rates' },
        { id: 2, op: 'events' },
        { id: 3, op: 'status' },
      );
      await raw.next();
      raw.socket.destroy();
    }
    await leaks.expectNone();
    expect(app.supervisor.child('rates').status).toBe('ready');
  });

  test('one that has ended its half and vanishes while it waits is found out, and forgotten', async () => {
    const { app, directory } = await served();
    const probes = new Set<() => void>();
    const clock = {
      ...systemClock,
      after: (_ms: number, run: () => void) => {
        const probe = (): void => {
          probes.delete(probe);
          run();
        };
        probes.add(probe);
        return { cancel: () => void probes.delete(probe) };
      },
    };
    await using server = await serve(app.supervisor, { path: join(directory, 'other.sock'), clock });
    const raw = new RawClient(server.path, true);
    await raw.next();
    raw.say({ id: 1, op: 'wait', until: 'down', path: 'rates' });
    raw.socket.end();
    await expect.poll(() => probes.size).toBe(1);
    // It still listens: it is asked again later.
    for (const probe of [...probes]) probe();
    await expect.poll(() => probes.size).toBe(1);
    raw.socket.destroy();
    await once(raw.socket, 'close');
    for (const probe of [...probes]) probe();
    await expect.poll(() => probes.size).toBe(0);
  });

  test('of a thousand connections a hundred are served, and those that ask for something stay', async () => {
    const { path } = await served();
    const tree = await client(path);
    const waits = tree.wait('rates', 'down').catch((error: unknown) => error);
    await tree.status();
    const raws = Array.from({ length: 1000 }, () => new RawClient(path));
    await Promise.all(raws.map((raw) => raw.next()));
    expect(await tree.status()).toMatchObject({ status: 'ready' });
    await tree.down('rates');
    expect(await waits).toMatchObject({ status: 'down' });
  }, 60_000);
});
