/**
 * Compiled, never run: the clients of eleven libraries plug into `consumer()` with no hook or one line of hooks. BullMQ and RxJS are the real
 * typings; of the others the part that counts is written down as their packages declare it.
 */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { Worker } from 'bullmq';
import { interval, type Observable, Subject } from 'rxjs';
import { type ConsumerContext, consumer } from '../../src/children/index.js';
import type { ChildSpec } from '../../src/runtime/index.js';

const handle = async (_job: unknown): Promise<void> => undefined;
const connection = {};

// --- BullMQ 6 ------------------------------------------------------------------------------------------------------------------------

const mail: ChildSpec<'mail'> = consumer('mail', () => new Worker('q', handle, { connection }));
consumer('q', () => new Worker('q', handle, { connection, autorun: false }), {
  done: (w) => w.run(),
  close: (w, { force }) => w.close(force),
});
consumer('q', (ctx) => new Worker('q', (job) => ctx.job(() => handle(job)), { connection }), {
  progress: { withinMs: 60_000, events: ['completed', 'failed'] },
});
consumer('q', new Worker('q', handle, { connection }), { shutdown: 10_000 });

// --- KafkaJS 2.2 ---------------------------------------------------------------------------------------------------------------------

interface KafkaConsumer {
  readonly events: { readonly CRASH: 'consumer.crash' };
  connect(): Promise<void>;
  subscribe(topics: { readonly topics: readonly string[] }): Promise<void>;
  run(config?: {
    readonly eachMessage?: (payload: { readonly message: unknown }) => Promise<void>;
  }): Promise<void>;
  stop(): Promise<void>;
  disconnect(): Promise<void>;
  on(
    event: 'consumer.crash',
    listener: (event: { readonly payload: { readonly error: Error; readonly restart: boolean } }) => void,
  ): () => void;
}
declare const kafka: { consumer(config: { readonly groupId: string }): KafkaConsumer };

consumer(
  'kafka',
  async (ctx) => {
    const c = kafka.consumer({ groupId: 'g' });
    c.on(c.events.CRASH, (e) => {
      if (!e.payload.restart) ctx.fail(e.payload.error);
    });
    await c.connect();
    await c.subscribe({ topics: ['t'] });
    await c.run({ eachMessage: async ({ message }) => ctx.job(() => handle(message)) });
    return c;
  },
  { drain: (c) => c.stop(), close: (c) => c.disconnect() },
);

// --- Confluent's client, in the style of KafkaJS; its stop() and on() throw -----------------------------------------------------------

consumer(
  'confluent',
  async () => {
    const c = kafka.consumer({ groupId: 'g' });
    await c.connect();
    await c.run({ eachMessage: async () => undefined });
    return c;
  },
  { close: (c) => c.disconnect() },
);

// --- amqplib 2 -----------------------------------------------------------------------------------------------------------------------

interface AmqpChannel {
  consume(
    queue: string,
    onMessage: (message: object | null) => void,
  ): Promise<{ readonly consumerTag: string }>;
  cancel(consumerTag: string): Promise<object>;
  ack(message: object): void;
  close(): Promise<void>;
}
interface AmqpConnection extends NodeJS.EventEmitter {
  createChannel(): Promise<AmqpChannel>;
  close(): Promise<void>;
}
declare const amqp: { connect(url: string): Promise<AmqpConnection> };

consumer(
  'amqp',
  async (ctx) => {
    const conn = await amqp.connect('amqp://x');
    const ch = await conn.createChannel();
    const { consumerTag } = await ch.consume('q', (m) =>
      m === null
        ? ctx.fail(new Error('cancelled by broker'))
        : void ctx.job(() => handle(m)).then(() => ch.ack(m)),
    );
    return Object.assign(conn, { stop: () => ch.cancel(consumerTag) });
  },
  { failOn: ['close', 'error'], drain: (c) => c.stop(), close: (c) => c.close() },
);

// --- sqs-consumer 14 and 15 ------------------------------------------------------------------------------------------------------------

interface SqsConsumer extends NodeJS.EventEmitter {
  start(): void;
  stop(options?: { readonly abort?: boolean }): void;
}
declare const Sqs: { create(options: { readonly queueUrl: string }): SqsConsumer };

consumer('sqs', () => Sqs.create({ queueUrl: 'u' }), {
  start: (c) => c.start(),
  drain: (c) => {
    const stopped = once(c, 'stopped');
    c.stop();
    return stopped;
  },
});

// --- NATS JetStream 3: an async iterable that can be closed ---------------------------------------------------------------------------

interface ConsumerMessages extends AsyncIterable<{ ack(): void }> {
  close(): Promise<undefined | Error>;
  closed(): Promise<undefined | Error>;
}
declare const jetstream: { consume(options?: object): Promise<ConsumerMessages> };

consumer('nats', () => jetstream.consume());
consumer('nats', () => jetstream.consume({ callback: handle }), { done: (m) => m.closed() });

// --- pg-boss 12 ------------------------------------------------------------------------------------------------------------------------

interface PgBoss extends NodeJS.EventEmitter {
  start(): Promise<PgBoss>;
  work(queue: string, handler: (jobs: readonly object[]) => Promise<void>): Promise<string>;
  stop(options?: { readonly graceful?: boolean }): Promise<void>;
}
declare const pgBoss: () => PgBoss;
const startBoss = async (ctx: ConsumerContext): Promise<PgBoss> => {
  const boss = await pgBoss().start();
  await boss.work('q', (jobs) => ctx.job(() => handle(jobs)));
  return boss;
};

consumer('boss', startBoss);
consumer('boss', startBoss, { close: (b, { force }) => b.stop({ graceful: !force }) });

// --- graphile-worker 0.18 ----------------------------------------------------------------------------------------------------------------

interface Runner extends AsyncDisposable {
  readonly promise: Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}
declare const runGraphile: (options: object) => Promise<Runner>;

consumer('graphile', () => runGraphile({ noHandleSignals: true }), { done: (r) => r.promise });

// --- Pub/Sub 6 -----------------------------------------------------------------------------------------------------------------------------

interface Subscription extends NodeJS.EventEmitter {
  on(event: 'message', listener: (message: { ack(): void }) => void): this;
  on(event: 'error' | 'close', listener: (error: Error) => void): this;
  close(): Promise<void>;
}
declare const subscription: (name: string, options: object) => Subscription;

consumer('pubsub', () => subscription('s', { closeOptions: {} }).on('message', (m) => m.ack()), {
  failOn: ['error', 'close'],
});

// --- Temporal 1.24 -----------------------------------------------------------------------------------------------------------------------

interface TemporalWorker {
  run(): Promise<void>;
  shutdown(): void;
}
declare const temporal: { create(options: object): Promise<TemporalWorker> };

consumer('temporal', () => temporal.create({ taskQueue: 'q' }), {
  done: (w) => w.run(),
  drain: (w) => w.shutdown(),
});

// --- What the language itself offers ------------------------------------------------------------------------------------------------------

consumer('loop', async (ctx) => {
  while (!ctx.signal.aborted) await handle(0);
});
consumer('once', () => undefined);
consumer('generator', async function* (ctx) {
  while (!ctx.signal.aborted) yield 1;
});
consumer('stream', () => createReadStream('file'));
consumer('rxjs', (): Observable<number> => interval(1));
consumer('subject', () => new Subject<string>());
consumer('disposable', () => new AsyncDisposableStack());
consumer('anything, with a close hook', () => ({ quit: async () => undefined }), { close: (c) => c.quit() });

// --- What must not compile ------------------------------------------------------------------------------------------------------------------

// @ts-expect-error nobody can stop an object without a method for it
consumer('plain', () => ({ hello: 1 }));
// @ts-expect-error nor a number
consumer('number', () => 42);
// @ts-expect-error nor one that comes later
consumer('later', async () => ({ hello: 1 }));
// @ts-expect-error a number is no instance either
consumer('instance', 42);
// @ts-expect-error an instance cannot be made anew
consumer('instance', new Worker('q', handle, { connection }), { restart: 'permanent' });
// @ts-expect-error a hook is given what the factory made
consumer('hook', () => new Worker('q', handle, { connection }), { drain: (w) => w.noSuchMethod() });
// @ts-expect-error progress needs its limit
consumer('progress', () => new Worker('q', handle, { connection }), { progress: {} });

export { mail };
