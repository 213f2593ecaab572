import type { Socket } from 'node:net';
import { ControlError } from '../core/index.js';
import type { Dialled } from './dial.js';
import type { Lines } from './lines.js';
import type { RequestId, WireError } from './protocol.js';

/** How many items of a stream may be on their way: so a loop that takes its time holds up nothing else on its connection. */
const WINDOW = 256;

/** What is waited for under one id. */
interface Question {
  item(item: unknown, missed: number): void;
  answered(answer: unknown): void;
  failed(error: unknown): void;
}

interface Reply {
  readonly id?: RequestId | null;
  readonly item?: unknown;
  readonly missed?: number;
  readonly answer?: unknown;
  readonly error?: WireError;
}

/** Puts questions to a tree, any number at a time, and brings each its answer. */
export class Questions {
  readonly #socket: Socket;
  readonly #lines: Lines;
  readonly #open = new Map<number, Question>();
  readonly #closed: Promise<void>;
  #lastId = 0;
  /** Why there are no answers any more. */
  #over: ControlError | undefined;

  constructor({ socket, lines, server }: Dialled) {
    this.#socket = socket;
    this.#lines = lines;
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      this.#read();
    });
    // What comes of it is told by 'close'.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end(lost(server)));
    socket.unref();
    socket.resume();
    this.#read();
  }

  /** Asks, and waits for the answer. An `abortSignal` that fires ends the wait at once, and has the server forget it. */
  ask(request: object, abortSignal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (abortSignal?.aborted === true) return reject(abortSignal.reason);
      let id = 0;
      const onAbort = (): void => {
        this.#cancel(id);
        settle(() => reject(abortSignal?.reason));
      };
      const settle = (how: () => void): void => {
        abortSignal?.removeEventListener('abort', onAbort);
        how();
      };
      abortSignal?.addEventListener('abort', onAbort);
      id = this.#put(request, {
        item: () => undefined,
        answered: (answer) => settle(() => resolve(answer)),
        failed: (error) => settle(() => reject(error)),
      });
    });
  }

  /** The items of a stream. It is asked for by the first step of the loop, and cancelled when that is left. */
  async *stream(request: object, abortSignal?: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    abortSignal?.throwIfAborted();
    const unread: unknown[] = [];
    let end: { readonly error?: unknown } | undefined;
    let wake: () => void = () => undefined;
    const finish = (how: { readonly error?: unknown }): void => {
      end ??= how;
      wake();
    };
    const id = this.#put(
      { ...request, window: WINDOW },
      {
        item: (item, missed) => {
          unread.push(missed === 0 ? item : { ...(item as object), missed });
          wake();
        },
        answered: () => finish({}),
        failed: (error) => finish({ error }),
      },
    );
    const onAbort = (): void => finish({ error: abortSignal?.reason });
    abortSignal?.addEventListener('abort', onAbort);
    try {
      for (let taken = 0; ; ) {
        for (const item of unread.splice(0)) {
          yield item;
          taken += 1;
          if (taken % GRANTED_AT_ONCE === 0) this.#say({ grant: id, items: GRANTED_AT_ONCE });
        }
        if (unread.length > 0) continue;
        if (end !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (end !== undefined && 'error' in end) throw end.error;
    } finally {
      abortSignal?.removeEventListener('abort', onAbort);
      this.#cancel(id);
    }
  }

  /** Ends the connection. */
  close(): Promise<void> {
    this.#end(new ControlError('cancelled', 'The connection was closed before the answer came.'));
    this.#socket.destroy();
    return this.#closed;
  }

  #put(request: object, question: Question): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#over !== undefined) {
      question.failed(this.#over);
      return id;
    }
    this.#open.set(id, question);
    // Whoever waits for an answer keeps the program running.
    this.#socket.ref();
    this.#say({ id, ...request });
    return id;
  }

  #cancel(id: number): void {
    if (!this.#forget(id)) return;
    this.#say({ cancel: id });
  }

  #forget(id: number): boolean {
    const wasOpen = this.#open.delete(id);
    if (this.#open.size === 0) this.#socket.unref();
    return wasOpen;
  }

  #say(line: object): void {
    if (this.#over === undefined && this.#socket.writable) this.#socket.write(`${JSON.stringify(line)}\n`);
  }

  #read(): void {
    for (let line = this.#lines.take(); line !== undefined; line = this.#lines.take()) {
      if (line !== '') this.#hear(JSON.parse(line) as Reply);
    }
  }

  #hear(reply: Reply): void {
    const error = reply.error && new ControlError(reply.error.code, reply.error.message, reply.error.facts);
    // The last word of a server that ends the connection, to all it has not answered.
    if (reply.id === null && error !== undefined) return this.#end(error);
    const id = Number(reply.id);
    const question = this.#open.get(id);
    if (question === undefined) return;
    if ('item' in reply) return question.item(reply.item, reply.missed ?? 0);
    this.#forget(id);
    if (error === undefined) question.answered(reply.answer);
    else question.failed(error);
  }

  #end(reason: ControlError): void {
    this.#over ??= reason;
    for (const [id, question] of this.#open) {
      this.#forget(id);
      question.failed(this.#over);
    }
  }
}

/** How many are granted at once, of those that the loop has taken. */
const GRANTED_AT_ONCE = WINDOW / 2;

function lost({ tree, pid }: { readonly tree: string; readonly pid: number }): ControlError {
  return new ControlError(
    'connection-lost',
    `The connection to the tree "${tree}" (pid ${pid}) was cut before the answer came: its program has died. Whether it was done is not known.`,
    { tree, pid },
  );
}
