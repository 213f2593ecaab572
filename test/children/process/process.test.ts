import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { ProcessIncarnation } from '../../../src/children/process/process.js';
import { SPAWNER, type Spawner } from '../../../src/children/process/spawned.js';
import type { Exit } from '../../../src/core/index.js';
import { RecordingHost } from '../../../src/testing/recording-host.js';

const hostOf = (ready: 'spawn' | 'explicit' = 'spawn'): RecordingHost =>
  new RecordingHost({
    id: 'x',
    kind: 'test',
    ready,
    driver: { start: () => ({ drain() {}, stop() {}, kill() {} }) },
  });

/** A kind with a channel, as fork is one. */
class Talker extends ProcessIncarnation {
  readonly received: unknown[] = [];
  readonly ends: Exit[] = [];
  readonly asked: number[] = [];

  write(text: string): void {
    this.child?.stdin?.write(text);
  }

  protected override askToStop(withinMs: number): void {
    this.asked.push(withinMs);
    super.askToStop(withinMs);
  }

  protected override onMessage(message: unknown): void {
    this.received.push(message);
  }

  protected override onEnd(exit: Exit): undefined {
    this.ends.push(exit);
  }
}

const node = (script: string): { file: string; args: string[]; channel: 'advanced'; stderr: 'capture' } => ({
  file: process.execPath,
  args: ['-e', script],
  channel: 'advanced',
  stderr: 'capture',
});

test('messages that were sent just before the end arrive before it is told', async () => {
  const host = hostOf('explicit');
  const script =
    'for (let n = 0; n < 100; n++) process.send(n); process.send(new Map([[1, 2n]]), () => process.exit(0))';
  const talker = new Talker(host, node(script)).begin();
  expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
  expect(talker.received).toHaveLength(101);
  expect(talker.received.at(-1)).toEqual(new Map([[1, 2n]]));
});

test('who waits for an answer is told of the end before the supervisor is', async () => {
  const host = hostOf();
  const talker = new Talker(host, node('process.exit(5)')).begin();
  await host.next('exited');
  expect(talker.ends).toEqual([{ type: 'code', code: 5 }]);
});

test('who waits for an answer is told as well when the program could not be started', async () => {
  const host = hostOf();
  const talker = new Talker(host, { file: 'no-such-program', args: [], channel: 'json' }).begin();
  await host.next('exited');
  expect(talker.ends).toMatchObject([{ type: 'not-started' }]);
});

test('writing to a program that does not read is no error of ours', async () => {
  const host = hostOf();
  const talker = new Talker(host, {
    file: 'sh',
    args: ['-c', 'exec <&-; sleep 0.05'],
    stdin: 'open',
  }).begin();
  talker.write('x'.repeat(1_000_000));
  expect((await host.next('exited')).exit).toEqual({ type: 'completed' });
});

test('a program whose channel is gone counts as running until it ends', async () => {
  const host = hostOf();
  const talker = new Talker(host, node('process.disconnect(); setInterval(() => {}, 1000)')).begin();
  await host.next('ready');
  talker.stop(5000);
  expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
});

test('a program that is started elsewhere, and asked to stop meanwhile, keeps the time that it was given', async () => {
  const elsewhere: Spawner = {
    spawn: ({ file, args, options }) => Object.assign(spawn(file, args, options), { startsLater: true }),
  };
  const host = hostOf();
  Object.defineProperty(host, 'services', {
    value: { get: (token: unknown) => (token === SPAWNER ? elsewhere : undefined) },
  });
  const talker = new Talker(host, { file: 'sleep', args: ['1000'] }).begin();
  talker.stop(60_000);
  expect(talker.asked).toEqual([]);
  expect((await host.next('exited')).exit).toEqual({ type: 'shutdown' });
  expect(talker.asked).toHaveLength(1);
  expect(talker.asked[0]).toBeGreaterThan(0);
  expect(talker.asked[0]).toBeLessThanOrEqual(60_000);
});
