import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { awaitReadiness } from '../../src/children/readiness.js';
import { checkReadiness } from '../../src/children/readiness-check.js';
import { InvalidSpecError, type Readiness } from '../../src/core/index.js';
import type { Clock } from '../../src/runtime/index.js';
import { RecordingHost } from '../../src/testing/recording-host.js';
import { ManualClock } from './recording-host.js';

const hostOf = (ready: Readiness, clock?: Clock): RecordingHost =>
  new RecordingHost(
    {
      id: 'x',
      kind: 'test',
      ready,
      driver: { start: () => ({ drain() {}, stop() {}, kill() {} }) },
    },
    clock && { clock },
  );

/** One turn of the event loop, in which streams deliver. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(port = 0): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A port where nobody listens. */
async function freePort(): Promise<number> {
  const port = await listen();
  const closed = servers.pop();
  await new Promise((resolve) => closed?.close(resolve));
  return port;
}

describe('spawn and explicit', () => {
  test('with spawn it is ready at once', () => {
    const host = hostOf('spawn');
    awaitReadiness(host);
    expect(host.count('ready')).toBe(1);
  });

  test('with explicit it is for the child to say', () => {
    const host = hostOf('explicit');
    awaitReadiness(host)();
    expect(host.news).toEqual([]);
  });
});

describe('a line of stdout', () => {
  test.each<[string, RegExp | string, (string | Buffer)[]]>([
    ['that holds the text', 'Ready', ['booting\nReady to accept\n']],
    ['that matches', /^Ready to \w+$/, ['Ready to accept\n']],
    ['that comes in pieces', 'Ready to accept', ['Rea', 'dy to acc', 'ept\n']],
    ['that has no end yet', 'login: ', ['login: ']],
    ['that ends as on Windows', /accept$/, ['accept\r\n']],
    [
      'whose letters are cut in two',
      'bereit für',
      [Buffer.from('bereit f\xc3', 'latin1'), Buffer.from([0xbc, 0x72])],
    ],
    ['matched by an expression that remembers where it was', /Ready/g, ['Ready']],
  ])('%s', async (_, line, chunks) => {
    const host = hostOf({ line });
    const stdout = new PassThrough();
    awaitReadiness(host, stdout);
    for (const chunk of chunks) {
      expect(host.said('ready')).toBe(false);
      stdout.write(chunk);
      await turn();
    }
    expect(host.count('ready')).toBe(1);
  });

  test('is not put together from two lines', async () => {
    const host = hostOf({ line: /one.two/s });
    const stdout = new PassThrough();
    awaitReadiness(host, stdout);
    stdout.write('one\n');
    stdout.write('two\n');
    await turn();
    expect(host.said('ready')).toBe(false);
  });

  test('is looked for once, and the stream is read on', async () => {
    const host = hostOf({ line: 'Ready' });
    const stdout = new PassThrough({ highWaterMark: 16 });
    awaitReadiness(host, stdout);
    stdout.write('Ready\n');
    await turn();
    stdout.write(`Ready\n${'x'.repeat(10_000)}`);
    await turn();
    expect(host.count('ready')).toBe(1);
    expect(stdout.readableLength).toBe(0);
  });

  test('does not count after the watching was ended, but is still read', async () => {
    const host = hostOf({ line: 'Ready' });
    const stdout = new PassThrough();
    awaitReadiness(host, stdout)();
    stdout.write('Ready\n');
    await turn();
    expect(host.news).toEqual([]);
    expect(stdout.readableLength).toBe(0);
  });
});

describe('a port', () => {
  test('is ready as soon as it accepts', async () => {
    const port = await freePort();
    const host = hostOf({ port, host: '127.0.0.1' });
    const end = awaitReadiness(host);
    await turn();
    expect(host.said('ready')).toBe(false);
    await listen(port);
    await host.next('ready');
    end();
    expect(host.count('ready')).toBe(1);
  });

  test('is looked for on the local host, under each of its addresses', async () => {
    const host = hostOf({ port: await listen() });
    awaitReadiness(host);
    await host.next('ready');
  });

  test('is looked for no more after the watching was ended', async () => {
    const port = await freePort();
    const host = hostOf({ port, host: '127.0.0.1' });
    awaitReadiness(host)();
    const server = createServer(() => host.note('it was connected to'));
    servers.push(server);
    await once(server.listen(port, '127.0.0.1'), 'listening');
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(host.news).toEqual([]);
  });
});

describe('a probe', () => {
  test('is asked until it answers true', async () => {
    const answers = [false, false, true, true];
    const host = hostOf({ probe: () => answers.shift() ?? false, everyMs: 1 });
    awaitReadiness(host);
    await host.next('ready');
    expect(answers).toEqual([true]);
  });

  test('that throws or rejects means not ready', async () => {
    const answers = [() => Promise.reject(new Error('no')), () => Promise.resolve(true)];
    const thrown = (): never => {
      throw new Error('not yet');
    };
    let asked = 0;
    const host = hostOf({
      probe: () => {
        asked += 1;
        return asked === 1 ? thrown() : (answers.shift() ?? thrown)();
      },
      everyMs: 1,
    });
    const end = awaitReadiness(host);
    await host.next('ready');
    end();
    expect(host.said('noted')).toBe(false);
  });

  test('whose last answer was an error is noted when the watching ends unready', async () => {
    let asked = 0;
    const probe = (): never => {
      asked += 1;
      throw new Error(`connection refused, ${asked}`);
    };
    const host = hostOf({ probe, everyMs: 1 });
    const end = awaitReadiness(host);
    while (asked < 3) await turn();
    end();
    end();
    expect(host.count('noted')).toBe(1);
    expect((await host.next('noted')).note).toMatch(
      /^its last readiness probe failed: connection refused, \d+$/,
    );
    const before = asked;
    for (let turns = 0; turns < 10; turns += 1) await turn();
    expect(asked).toBe(before);
  });

  test('leaves no timer behind when the watching is ended', async () => {
    const clock = new ManualClock();
    const host = hostOf({ probe: () => false }, clock);
    const end = awaitReadiness(host);
    await turn();
    expect(clock.pending).toBe(1);
    end();
    expect(clock.pending).toBe(0);
  });

  test('that answers after the watching was ended changes nothing', async () => {
    let answer: (ready: boolean) => void = () => undefined;
    const host = hostOf({ probe: () => new Promise<boolean>((resolve) => (answer = resolve)) });
    awaitReadiness(host)();
    answer(true);
    await turn();
    expect(host.news).toEqual([]);
  });
});

describe('a readiness that its kind has no means for is refused', () => {
  test.each<[string, Readiness, { context: boolean; stdout: boolean }, string]>([
    ['explicit without a context', 'explicit', { context: false, stdout: true }, 'ready'],
    ['a line without a stdout', { line: 'x' }, { context: true, stdout: false }, 'ready'],
  ])('%s', (_, ready, has, field) => {
    expect(() => checkReadiness('"x"', ready, has)).toThrow(expect.objectContaining({ field }));
    expect(() => checkReadiness('"x"', ready, has)).toThrow(InvalidSpecError);
  });

  test('and says what there is', () => {
    expect(() => checkReadiness('"x"', 'explicit', { context: false, stdout: true })).toThrow(
      `The spec of "x" is not valid: ready is "explicit", but must be 'spawn', { port }, { probe }, { line } for this kind of child.`,
    );
  });
});
