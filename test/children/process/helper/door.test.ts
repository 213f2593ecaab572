import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Door } from '../../../../src/children/process/helper/door.js';
import { type Clock, systemClock } from '../../../../src/runtime/index.js';

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => socket.once('close', () => resolve()));

describe.skipIf(process.platform === 'win32')('the door of the spawn helper', () => {
  let door: Door;
  let limits: (() => void)[];
  beforeEach(async () => {
    limits = [];
    const clock: Clock = {
      ...systemClock,
      after: (_, run) => {
        limits.push(run);
        return { cancel: () => undefined };
      },
    };
    door = await Door.open(clock);
  });
  afterEach(() => door.close());

  test('lets in who has a ticket, once, with all that it says', async () => {
    let arrive = (_: Socket): void => undefined;
    const arrival = new Promise<Socket>((resolve) => {
      arrive = resolve;
    });
    const ticket = door.expect((stream) => arrive(stream));
    const guest = connect(door.path);
    guest.write(`${ticket}words`);
    const stream = await arrival;
    expect(String((await stream.setEncoding('utf8').iterator().next()).value)).toBe('words');
    const again = connect(door.path).on('error', () => undefined);
    again.write(`${ticket}words`);
    await closed(again.resume());
    guest.destroy();
  });

  test.each(['not a ticket, though as long as one', 'short'])('shows out who says %j', async (words) => {
    const stranger = connect(door.path).on('error', () => undefined);
    stranger.end(words);
    await closed(stranger.resume());
  });

  test('shows out who says nothing for too long', async () => {
    const stranger = connect(door.path).on('error', () => undefined);
    while (limits.length === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const limit of limits) limit();
    await closed(stranger.resume());
  });

  test('knows no ticket any more that was forgotten', async () => {
    const ticket = door.expect(() => expect.fail('it was let in'));
    door.forget(ticket);
    const late = connect(door.path).on('error', () => undefined);
    late.write(ticket);
    await closed(late.resume());
  });
});
