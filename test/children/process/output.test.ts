import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { passOn } from '../../../src/children/process/output.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('output is passed on as it comes, byte for byte', async () => {
  const [from, to] = [new PassThrough(), new PassThrough()];
  passOn(from, to);
  from.write(Buffer.from([0, 255, 10]));
  await turn();
  expect(to.read()).toEqual(Buffer.from([0, 255, 10]));
});

test('a slow reader of ours slows the program down, and loses nothing', async () => {
  const received: string[] = [];
  const goOn: (() => void)[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk, _, done) {
      received.push(String(chunk));
      goOn.push(done);
    },
  });
  const from = new PassThrough();
  passOn(from, slow);
  from.write('one');
  await turn();
  from.write('two');
  await turn();
  expect(received).toEqual(['one']);
  expect(from.isPaused()).toBe(true);
  goOn.shift()?.();
  await turn();
  expect(received).toEqual(['one', 'two']);
  goOn.shift()?.();
});

test('that nobody reads our output any more is no error, and what the program writes is still drained', async () => {
  const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const from = new PassThrough();
  passOn(from, gone);
  for (let line = 0; line < 100; line += 1) from.write('x'.repeat(1000));
  await turn();
  from.write('more');
  await turn();
  expect(gone.destroyed).toBe(true);
  expect(from.readableLength).toBe(0);
});

test('no listener of ours stays on the stream that all programs share', async () => {
  const to = new PassThrough();
  const before = to.eventNames().length;
  for (let program = 0; program < 50; program += 1) {
    const from = new PassThrough();
    passOn(from, to);
    from.end('done');
  }
  to.resume();
  await turn();
  expect(to.eventNames().length).toBe(before);
});
