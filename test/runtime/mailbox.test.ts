import { describe, expect, test } from 'vitest';
import { Mailbox, type MailboxReader } from '../../src/runtime/mailbox.js';
import type { News, Order, Request } from '../../src/runtime/messages.js';
import { Scheduler } from '../../src/runtime/scheduler.js';
import { VirtualClock } from '../../src/testing/index.js';

const order = (level: 'stop' | 'kill'): Order => ({ type: 'hurry', level });
// Safe: a mailbox carries news and does not look into them.
const news = (name: string): News => ({ type: 'drained', life: name as never });
const request = (operation: string): Request => ({
  type: 'call',
  operation,
  run: () => undefined,
  refuse: () => undefined,
});

class Reader implements MailboxReader {
  takesRequests = true;
  readonly heard: string[] = [];
  hearing: ((name: string) => void) | undefined;

  obey(message: Order): void {
    this.heard.push(message.type === 'hurry' ? message.level : message.type);
  }

  hear({ life }: News): void {
    this.heard.push(String(life));
    this.hearing?.(String(life));
  }

  serve(message: Request): void {
    this.heard.push(message.type === 'call' ? message.operation : message.type);
  }
}

function setUp(): { clock: VirtualClock; reader: Reader; mailbox: Mailbox } {
  const clock = new VirtualClock();
  const reader = new Reader();
  return { clock, reader, mailbox: new Mailbox(reader, new Scheduler(clock)) };
}

describe('a mailbox', () => {
  test('goes on after a message that fails, and hands the failure on', () => {
    const reader = new Reader();
    const woken: Mailbox[] = [];
    // Safe: of a scheduler, a mailbox needs no more than this.
    const mailbox = new Mailbox(reader, { wake: (actor: Mailbox) => woken.push(actor) } as never);
    reader.hearing = (name) => {
      if (name === 'bad') throw new RangeError('chance is broken');
    };
    mailbox.putNews(news('bad'));
    mailbox.putNews(news('good'));
    expect(() => mailbox.turn(10)).toThrow(RangeError);
    expect(woken).toEqual([mailbox, mailbox]);
    mailbox.turn(10);
    expect(reader.heard).toEqual(['bad', 'good']);
  });

  test('hands over orders before news, and news before requests, each kind as it came', async () => {
    const { clock, reader, mailbox } = setUp();
    mailbox.putRequest(request('first'));
    mailbox.putRequest(request('second'));
    mailbox.putNews(news('a'));
    mailbox.putNews(news('b'));
    mailbox.putOrder(order('stop'));
    mailbox.putOrder(order('kill'));
    expect(reader.heard).toEqual([]);
    await clock.settle();
    expect(reader.heard).toEqual(['stop', 'kill', 'a', 'b', 'first', 'second']);
  });

  test('lets an order overtake what is waiting while it is being read', async () => {
    const { clock, reader, mailbox } = setUp();
    reader.hearing = (name) => {
      if (name === 'a') mailbox.putOrder(order('kill'));
    };
    mailbox.putNews(news('a'));
    mailbox.putNews(news('b'));
    await clock.settle();
    expect(reader.heard).toEqual(['a', 'kill', 'b']);
  });

  test('keeps requests while its reader takes none, and hands them over after a recall', async () => {
    const { clock, reader, mailbox } = setUp();
    reader.takesRequests = false;
    mailbox.putRequest(request('later'));
    mailbox.putNews(news('a'));
    await clock.settle();
    expect(reader.heard).toEqual(['a']);
    reader.takesRequests = true;
    mailbox.recall();
    await clock.settle();
    expect(reader.heard).toEqual(['a', 'later']);
  });

  test('keeps requests until every hold is released, each of which counts once', async () => {
    const { clock, reader, mailbox } = setUp();
    const [release, other] = [mailbox.hold(), mailbox.hold()];
    mailbox.putRequest(request('held'));
    release();
    release();
    await clock.settle();
    expect(reader.heard).toEqual([]);
    other();
    await clock.settle();
    expect(reader.heard).toEqual(['held']);
  });

  test('puts deferred news back before those that came later', async () => {
    const { clock, reader, mailbox } = setUp();
    mailbox.defer(news('a'));
    mailbox.defer(news('b'));
    mailbox.putNews(news('c'));
    mailbox.recall();
    await clock.settle();
    expect(reader.heard).toEqual(['a', 'b', 'c']);
  });

  test('gives up its requests, held or not', async () => {
    const { clock, reader, mailbox } = setUp();
    mailbox.hold();
    mailbox.putRequest(request('x'));
    expect(mailbox.takeRequests()).toHaveLength(1);
    await clock.settle();
    expect(reader.heard).toEqual([]);
  });
});
