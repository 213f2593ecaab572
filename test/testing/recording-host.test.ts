import { expect, test } from 'vitest';
import type { ChildSpec, IncarnationHost } from '../../src/runtime/index.js';
import { RecordingHost, startRecorded } from '../../src/testing/recording-host.js';

const specOf = (begin: (host: IncarnationHost) => void, settings: Partial<ChildSpec> = {}): ChildSpec => ({
  id: 'x',
  kind: 'test',
  ...settings,
  driver: {
    start: (host) => {
      begin(host);
      return { drain() {}, stop() {}, kill() {} };
    },
  },
});

test('news that came before is found, and news to come is waited for', async () => {
  const { host } = startRecorded(
    specOf((to) => {
      to.ready();
      setImmediate(() => to.exited({ type: 'code', code: 2 }, ['last words']));
    }),
  );
  expect(await host.next('ready')).toEqual({ type: 'ready' });
  expect(await host.next('exited')).toEqual({
    type: 'exited',
    exit: { type: 'code', code: 2 },
    stderr: ['last words'],
  });
  expect(host.news.map(({ type }) => type)).toEqual(['ready', 'exited']);
});

test('several may wait for the same news, each for its own count of it', async () => {
  const { host } = startRecorded(specOf(() => undefined));
  const waiting = Promise.all([host.next('heartbeat'), host.next('heartbeat', 3), host.next('drained')]);
  for (let beat = 0; beat < 3; beat += 1) host.heartbeat();
  host.drained();
  await waiting;
  expect(host.count('heartbeat')).toBe(3);
});

test('news that does not come is named, with what was said instead', async () => {
  const { host } = startRecorded(
    specOf((to) => {
      to.ready();
      to.exited({ type: 'killed' });
    }),
    { patienceMs: 1 },
  );
  await expect(host.next('drained')).rejects.toThrow(
    '"root/x" did not say "drained" within 1 ms; it said: ready, exited (killed by its supervisor)',
  );
});

test('the settings of the spec are filled up with the defaults', () => {
  const host = new RecordingHost(specOf(() => undefined, { shutdown: 7, ready: 'explicit' }));
  expect(host.settings).toMatchObject({
    shutdown: 7,
    ready: 'explicit',
    drainMs: 20_000,
    restart: 'permanent',
  });
});

test('more time is granted up to a limit', () => {
  const host = new RecordingHost(
    specOf(() => undefined),
    { grantMs: 50 },
  );
  expect([host.extend(20), host.extend(80)]).toEqual([20, 50]);
});
