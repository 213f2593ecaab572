import { PassThrough, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { PassOn } from '../../../../src/children/process/output/pass-on.js';
import { PrefixedLines } from '../../../../src/children/process/output/prefixed-lines.js';
import { ManualClock } from '../../recording-host.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A stream that takes one chunk at a time, each when it is told to. */
function slowStream(): { stream: Writable; received: string[]; takeOne: () => Promise<void> } {
  const received: string[] = [];
  let done: (() => void) | undefined;
  const stream = new Writable({
    highWaterMark: 1,
    write(chunk, _, callback) {
      received.push(String(chunk));
      done = callback;
    },
  });
  const takeOne = (): Promise<void> => {
    done?.();
    return turn();
  };
  return { stream, received, takeOne };
}

function passOnTo(stream: Writable): { on: PassOn; clock: ManualClock; notes: string[] } {
  const [clock, notes]: [ManualClock, string[]] = [new ManualClock(), []];
  return { on: new PassOn(stream, clock, (note) => notes.push(note)), clock, notes };
}

test('output is passed on as it comes, byte for byte, and nothing is waited for', () => {
  const to = new PassThrough();
  const { on, clock } = passOnTo(to);
  expect(on.write(Buffer.from([0, 255, 10]))).toBeUndefined();
  expect(to.read()).toEqual(Buffer.from([0, 255, 10]));
  expect(clock.pending).toBe(0);
});

test('a slow reader of ours slows the program down, and loses nothing', async () => {
  const { stream, received, takeOne } = slowStream();
  const { on, clock, notes } = passOnTo(stream);
  let held = true;
  void on.write(Buffer.from('one'))?.then(() => {
    held = false;
  });
  await turn();
  expect(held).toBe(true);
  await takeOne();
  expect(held).toBe(false);
  expect(clock.pending).toBe(0);
  void on.write(Buffer.from('two'));
  await takeOne();
  expect(received).toEqual(['one', 'two']);
  expect(notes).toEqual([]);
});

test('a reader of ours that takes nothing for a second holds no program up, and what it misses is counted', async () => {
  const { stream, received, takeOne } = slowStream();
  const { on, clock, notes } = passOnTo(stream);
  const writing = on.write(Buffer.from('one'));
  await clock.advance(1000);
  await writing;
  expect(on.write(Buffer.from('lost'))).toBeUndefined();
  expect(on.write(Buffer.from('lost too'))).toBeUndefined();
  expect(notes).toEqual([expect.stringContaining('takes nothing')]);
  await takeOne();
  void on.write(Buffer.from('two'));
  await takeOne();
  expect(received).toEqual(['one', 'two']);
  expect(notes[1]).toContain('12 bytes of it were dropped');
});

test('that nobody reads our output any more is no error', async () => {
  const gone = new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) });
  const { on } = passOnTo(gone);
  for (let line = 0; line < 100; line += 1) await on.write(Buffer.alloc(1000, 'x'));
  await turn();
  expect(on.write(Buffer.from('more'))).toBeUndefined();
  expect(gone.destroyed).toBe(true);
});

test('no listener of ours stays on the stream that all programs share', () => {
  const to = new PassThrough();
  const before = to.eventNames().length;
  for (let program = 0; program < 50; program += 1) void passOnTo(to).on.write(Buffer.alloc(1000));
  expect(to.eventNames()).toHaveLength(before);
});

test('lines of two programs come after their names, whole, however they were written', () => {
  const to = new PassThrough();
  const [red, blue] = ['red', 'blue'].map((name) => new PrefixedLines(passOnTo(to).on, `${name} | `));
  void red?.write(Buffer.from('\u001b[31mon'));
  void blue?.write(Buffer.from('one\ntw'));
  void red?.write(Buffer.from('e\u001b[0m\n'));
  void blue?.write(Buffer.from('o\nlast'));
  void red?.end();
  void blue?.end();
  expect(String(to.read()).split('\n')).toEqual([
    'blue | one',
    'red | \u001b[31mone\u001b[0m',
    'blue | two',
    'blue | last',
    '',
  ]);
});
