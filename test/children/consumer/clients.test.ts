/** The clients of queue libraries, as faithful fakes, each with what it is known to do wrong. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { consumer, type ProgressSettings } from '../../../src/children/index.js';
import { AmqpConnection } from '../fakes/amqp.js';
import { BullWorker } from '../fakes/bullmq.js';
import { ConfluentConsumer, KafkaConsumer } from '../fakes/kafka.js';
import { ConsumerMessages } from '../fakes/nats.js';
import { FakeQueue, Gate } from '../fakes/queue.js';
import { GraphileRunner, PgBoss, PubSubSubscription, TemporalWorker } from '../fakes/runners.js';
import { SqsConsumer } from '../fakes/sqs.js';
import { launch, ManualClock, settle } from '../recording-host.js';

/** A handler that tells of the job it has begun, and finishes it when it is let. */
class Handler {
  readonly begun: string[] = [];
  readonly finish = new Gate();
  readonly #began = new Gate();

  readonly handle = async (job: string): Promise<void> => {
    this.begun.push(job);
    this.#began.open();
    await this.finish.passed;
  };

  get atWork(): Promise<void> {
    return this.#began.passed;
  }
}

function setUp() {
  const queue = new FakeQueue();
  const handler = new Handler();
  return { queue, handler, handle: handler.handle };
}

describe('BullMQ, with no hook at all', () => {
  test('finishes the active job in the drain step and takes no other', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('one', 'two');
    const { host, incarnation } = launch(consumer('mail', () => new BullWorker(queue, handle)));
    await handler.atWork;
    incarnation.drain(1000);
    await settle();
    expect(host.exit).toBeUndefined();
    handler.finish.open();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect([queue.acked, queue.backlog]).toEqual([['one'], 1]);
  });

  test('survives a storm of connection errors', async () => {
    const { queue, handle } = setUp();
    const worker = new BullWorker(queue, handle);
    const { host } = launch(consumer('mail', () => worker));
    await host.heard('ready');
    for (let count = 0; count < 5000; count += 1) worker.emit('error', new Error('ECONNREFUSED'));
    expect(host.faults).toEqual([]);
    expect(host.said.length).toBeLessThan(20);
  });

  test('with a job that hangs cannot be ended, since closing again changes nothing: it stays, to be named', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('hangs');
    const { host, incarnation } = launch(consumer('mail', () => new BullWorker(queue, handle)));
    await handler.atWork;
    incarnation.drain(10);
    incarnation.stop(10);
    incarnation.kill();
    await settle();
    expect(host.exit).toBeUndefined();
  });
});

describe('BullMQ, with hooks', () => {
  test('by pause and close(true) ends even with a job that hangs', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('hangs');
    const mail = consumer('mail', () => new BullWorker(queue, handle), {
      drain: (w) => w.pause(),
      close: (w) => w.close(true),
    });
    const { host, incarnation } = launch(mail);
    await handler.atWork;
    incarnation.drain(10);
    await settle();
    expect(host.said).not.toContain('drained');
    incarnation.stop(10);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(queue.acked).toEqual([]);
  });

  test('by run() as done ends as completed when its loop ends', async () => {
    const { queue, handle } = setUp();
    const worker = new BullWorker(queue, handle, { autorun: false });
    const { host } = launch(
      consumer('mail', () => worker, { done: (w) => w.run(), close: (w, { force }) => w.close(force) }),
    );
    await host.heard('ready');
    await worker.pause();
    expect(await host.ended()).toEqual({ type: 'completed' });
  });

  test('shows progress by its completed events', async () => {
    const { queue, handle, handler } = setUp();
    const clock = new ManualClock();
    handler.finish.open();
    const progress: ProgressSettings = { withinMs: 400, events: ['completed'] };
    const { host } = launch(
      consumer('mail', () => new BullWorker(queue, handle), { progress }),
      { clock },
    );
    await host.heard('ready');
    for (const job of ['one', 'two', 'three']) {
      await clock.advance(399);
      queue.put(job);
      await settle();
    }
    expect([host.faults, queue.acked.length]).toEqual([[], 3]);
    await clock.advance(500);
    expect(host.faults).toEqual([{ type: 'stalled', silentMs: 400 }]);
  });
});

describe('KafkaJS', () => {
  const started = (queue: FakeQueue, handle: (message: string) => Promise<void>) => {
    const kafka = new KafkaConsumer(queue);
    const spec = consumer(
      'events',
      async (ctx) => {
        kafka.on(kafka.events.CRASH, ({ payload }) => {
          if (!payload.restart) ctx.fail(payload.error);
        });
        await kafka.connect();
        await kafka.subscribe({ topics: ['t'] });
        await kafka.run({ eachMessage: ({ message }) => ctx.job(() => handle(message)) });
        return kafka;
      },
      { drain: (c) => c.stop(), close: (c) => c.disconnect() },
    );
    return { kafka, ...launch(spec) };
  };

  test('is ready once it has joined, stops in the drain step, and disconnects in the stop step', async () => {
    const { queue, handler, handle } = setUp();
    const { kafka, host, incarnation } = started(queue, handle);
    await host.heard('ready');
    expect(kafka.calls).toEqual(['connect', 'subscribe t', 'run']);
    queue.put('one', 'two');
    await handler.atWork;
    expect(incarnation.facts?.().inFlight).toBe(1);
    incarnation.drain(1000);
    handler.finish.open();
    await host.heard('drained');
    expect(kafka.calls.slice(3)).toEqual(['stop', 'stopped']);
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(kafka.calls.at(-1)).toBe('disconnected');
    expect(queue.acked).toEqual(['one']);
  });

  test('is at fault by a crash that it does not mend itself, and by no other', async () => {
    const { queue, handle } = setUp();
    const { kafka, host } = started(queue, handle);
    await host.heard('ready');
    kafka.crash(new Error('rebalance'), true);
    expect(host.faults).toEqual([]);
    kafka.crash(new Error('not retriable'), false);
    expect(host.said).toContain('fault: failed: Error: not retriable');
  });
});

describe("Confluent's client, whose stop() and on() throw", () => {
  const started = (queue: FakeQueue, handle: (message: string) => Promise<void>, clock: ManualClock) => {
    const kafka = new ConfluentConsumer(queue);
    const spec = consumer(
      'events',
      async (ctx) => {
        await kafka.connect();
        await kafka.run({ eachMessage: ({ message }) => ctx.job(() => handle(message)) });
        return kafka;
      },
      { close: (c) => c.disconnect(), progress: { withinMs: 400, backlog: () => queue.backlog } },
    );
    return { kafka, ...launch(spec, { clock }) };
  };

  test('needs only a close hook', async () => {
    const { queue, handle } = setUp();
    const { host, incarnation } = started(queue, handle, new ManualClock());
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(host.said).toEqual(['ready', 'exited: stopped when asked']);
  });

  test('that dies silently is stalled as soon as work waits for it', async () => {
    const { queue, handler, handle } = setUp();
    const clock = new ManualClock();
    const { kafka, host } = started(queue, handle, clock);
    await host.heard('ready');
    handler.finish.open();
    queue.put('one');
    await settle();
    kafka.dieSilently();
    queue.put('swallowed');
    await settle();
    await clock.advance(4000);
    expect(host.faults).toEqual([]);
    queue.put('waits');
    await clock.advance(500);
    expect(host.faults).toEqual([{ type: 'stalled', silentMs: 400 }]);
  });
});

describe('amqplib', () => {
  const started = (queue: FakeQueue, handle: (message: string) => Promise<void>) => {
    const connection = new AmqpConnection(queue);
    const spec = consumer(
      'orders',
      async (ctx) => {
        const { consumerTag } = await connection.consume((message) =>
          message === null
            ? ctx.fail(new Error('cancelled by the broker'))
            : void ctx.job(() => handle(message)).then(() => connection.ack(message)),
        );
        return Object.assign(connection, { stop: () => connection.cancel(consumerTag) });
      },
      { failOn: ['close', 'error'], drain: (c) => c.stop(), close: (c) => c.close() },
    );
    return { connection, ...launch(spec) };
  };

  test('cancels, waits for what was delivered, and closes only then, so that nothing is delivered twice', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('one', 'two');
    const { connection, host, incarnation } = started(queue, handle);
    await host.heard('ready');
    await handler.atWork;
    await settle();
    incarnation.drain(1000);
    await settle();
    expect([host.said.includes('drained'), connection.calls]).toEqual([false, ['cancel tag']]);
    handler.finish.open();
    await host.heard('drained');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect([queue.acked, queue.backlog]).toEqual([['one', 'two'], 0]);
  });

  test('is at fault by the message that is none', async () => {
    const { queue, handle } = setUp();
    const { connection, host } = started(queue, handle);
    await host.heard('ready');
    connection.cancelByBroker();
    expect(host.said).toContain('fault: failed: Error: cancelled by the broker');
  });

  test('is at fault by a connection that breaks, once', async () => {
    const { queue, handle } = setUp();
    const { connection, host, incarnation } = started(queue, handle);
    await host.heard('ready');
    connection.breakDown(new Error('ECONNRESET'));
    incarnation.stop(1000);
    await host.ended();
    expect(host.said.filter((line) => line.startsWith('fault'))).toEqual([
      'fault: failed: Error: ECONNRESET',
    ]);
  });
});

describe('sqs-consumer, whose stop() returns before it has stopped', () => {
  const started = (queue: FakeQueue, handle: (message: string) => Promise<void>) =>
    launch(
      consumer('sqs', () => new SqsConsumer(queue, handle), {
        start: (c) => c.start(),
        drain: (c) => {
          const stopped = once(c, 'stopped');
          c.stop();
          return stopped;
        },
      }),
    );

  test('has drained when it says so', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('one', 'two');
    const { host, incarnation } = started(queue, handle);
    await handler.atWork;
    incarnation.drain(1000);
    await settle();
    expect(host.said).toEqual(['ready']);
    handler.finish.open();
    await host.heard('drained');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect([queue.acked, queue.backlog]).toEqual([['one'], 1]);
  });

  test('without the hook is still waited for, where its jobs are told of', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('one');
    const { host, incarnation } = launch(
      consumer('sqs', (ctx) => new SqsConsumer(queue, (message) => ctx.job(() => handle(message))), {
        start: (c) => c.start(),
      }),
    );
    await handler.atWork;
    incarnation.drain(1000);
    await settle();
    expect(host.exit).toBeUndefined();
    handler.finish.open();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(queue.acked).toEqual(['one']);
  });
});

describe('NATS JetStream', () => {
  test('is pumped as an iterable, and closed rather than left to wait for a message', async () => {
    const { queue } = setUp();
    const { host, incarnation } = launch(consumer('nats', async () => new ConsumerMessages(queue)));
    await host.heard('ready');
    incarnation.stop(1000);
    expect(await host.ended()).toEqual({ type: 'shutdown' });
  });

  test('with a callback is followed by closed(), and not iterated', async () => {
    const { queue } = setUp();
    const seen: string[] = [];
    const messages = new ConsumerMessages(queue, (message) => seen.push(message));
    const { host } = launch(consumer('nats', () => messages, { done: (m) => m.closed() }));
    await host.heard('ready');
    await messages.close();
    expect(await host.ended()).toEqual({ type: 'completed' });
  });

  test('whose consumer is deleted on the server polls for ever, and is stalled', async () => {
    const { queue } = setUp();
    const clock = new ManualClock();
    const messages = new ConsumerMessages(queue);
    const { host } = launch(
      consumer('nats', () => messages, { progress: { withinMs: 400, backlog: () => queue.backlog } }),
      { clock },
    );
    queue.put('one');
    await host.heard('ready');
    messages.deleteOnServer();
    queue.put('two', 'three');
    await clock.advance(1000);
    expect(host.faults).toEqual([{ type: 'stalled', silentMs: 400 }]);
  });
});

describe('pg-boss', () => {
  const boss = async (queue: FakeQueue, handle: (job: string) => Promise<void>): Promise<PgBoss> => {
    const made = await new PgBoss(queue).start();
    await made.work(async ([job = '']) => handle(job));
    return made;
  };

  test('with no hook stops gracefully', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('one');
    let made: PgBoss | undefined;
    const { host, incarnation } = launch(
      consumer('boss', async () => {
        made = await boss(queue, handle);
        return made;
      }),
    );
    await host.heard('ready');
    await handler.atWork;
    made?.emit('error', new Error('maintenance failed'));
    incarnation.drain(1000);
    handler.finish.open();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect([made?.stops, queue.acked, host.faults]).toEqual([[true], ['one'], []]);
  });

  test('with a close hook is forced when a job hangs', async () => {
    const { queue, handler, handle } = setUp();
    queue.put('hangs');
    const { host, incarnation } = launch(
      consumer('boss', () => boss(queue, handle), { close: (b, { force }) => b.stop({ graceful: !force }) }),
    );
    await handler.atWork;
    await host.heard('ready');
    incarnation.drain(10);
    incarnation.stop(10);
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
  });
});

describe('graphile-worker', () => {
  const started = () => {
    const runner = new GraphileRunner();
    return { runner, ...launch(consumer('graphile', async () => runner, { done: (r) => r.promise })) };
  };

  test('stops in the drain step and waits for its jobs', async () => {
    const { runner, host, incarnation } = started();
    await host.heard('ready');
    incarnation.drain(1000);
    await settle();
    expect(host.exit).toBeUndefined();
    runner.finish();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(runner.calls).toEqual(['stop']);
  });

  test('is killed by kill() where its jobs hang', async () => {
    const { runner, host, incarnation } = started();
    await host.heard('ready');
    incarnation.stop(10);
    incarnation.kill();
    expect(await host.ended()).toEqual({ type: 'killed' });
    expect(runner.calls).toEqual(['stop', 'kill']);
  });

  test('is at fault by its promise, and gone although it refuses to be stopped again', async () => {
    const { runner, host, incarnation } = started();
    await host.heard('ready');
    runner.failFatally(new Error('pool died'));
    await host.heard('fault: failed: Error: pool died');
    incarnation.stop(1000);
    await host.ended();
    expect(runner.calls).toEqual(['kill']);
  });
});

describe('Pub/Sub', () => {
  test('is at fault by error and close, but not by its own closing', async () => {
    const started = () => {
      const subscription = new PubSubSubscription();
      const spec = consumer('pubsub', () => subscription.on('message', (m) => m.ack()), {
        failOn: ['error', 'close'],
      });
      return { subscription, ...launch(spec) };
    };
    const dies = started();
    await dies.host.heard('ready');
    dies.subscription.emit('error', new Error('permission denied'));
    expect(dies.host.said).toContain('fault: failed: Error: permission denied');

    const stops = started();
    await stops.host.heard('ready');
    stops.incarnation.drain(1000);
    expect(await stops.host.ended()).toEqual({ type: 'shutdown' });
    expect(stops.host.faults).toEqual([]);
  });
});

describe('Temporal', () => {
  const started = () => {
    const worker = new TemporalWorker();
    const spec = consumer('temporal', async () => worker, {
      done: (w) => w.run(),
      drain: (w) => w.shutdown(),
    });
    return { worker, ...launch(spec) };
  };

  test('has drained when run() has settled, although shutdown() returns at once', async () => {
    const { worker, host, incarnation } = started();
    await host.heard('ready');
    incarnation.drain(1000);
    await settle();
    expect([worker.state, host.said]).toEqual(['draining', ['ready']]);
    worker.finish();
    expect(await host.ended()).toEqual({ type: 'shutdown' });
    expect(host.faults).toEqual([]);
  });

  test('that ends by itself has completed, and is not shut down again', async () => {
    const { worker, host } = started();
    await host.heard('ready');
    worker.finish();
    expect(await host.ended()).toEqual({ type: 'completed' });
    expect(host.said).toEqual(['ready', 'exited: completed']);
  });
});
