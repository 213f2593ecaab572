import type { Socket } from 'node:net';
import { ControlError } from '../../core/index.js';
import type { Clock, Timer } from '../../runtime/index.js';
import { Lines } from '../lines.js';
import { LARGEST_WINDOW, OPERATIONS } from '../operations.js';
import { LONGEST_REQUEST_BYTES, type RequestId } from '../protocol.js';
import { NotUnderstood, type Understood, understand } from '../requests.js';
import type { AnyPerform, Performers } from './call.js';
import { PendingRequest } from './pending.js';
import { wireError } from './wire-error.js';

/** How many requests of one connection may wait for their answers before it is read no further; and how many streams it may have. */
const MOST_PENDING = 64;
const MOST_STREAMS = 32;
/** How much may be written that it has not read, in bytes, before it is told nothing more; more than a socket's own mark, so that 'drain' follows. */
const MOST_UNREAD_BYTES = 262_144;
/** How many lines are handled in one turn of the event loop, which is the program's first of all. */
const LINES_A_TURN = 8;
/** How often it is looked whether a client that has ended its half still reads, in ms. */
const PROBE_EVERY_MS = 5000;

type AskedFor = Extract<Understood, { type: 'request' }>;

/**
 * One client. Nothing that it does can harm the program: it is read no faster than it is answered and reads its answers, what it does not read is kept within
 * bounds, and nothing of it is left once it is gone.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #performers: Performers;
  readonly #lines = new Lines(LONGEST_REQUEST_BYTES);
  readonly #pending = new Map<RequestId, PendingRequest>();
  #hasEndedItsHalf = false;
  /** Nothing that it asks from now on is heard. */
  #isDeaf = false;
  /** It has been told the last thing. */
  #isOver = false;
  #isHandling = false;
  #isCorked = false;
  #probe: Timer | undefined;

  constructor(socket: Socket, clock: Clock, performers: Performers) {
    this.#socket = socket;
    this.#clock = clock;
    this.#performers = performers;
    // It keeps no program running that has nothing else to do.
    socket.unref();
    socket.on('data', (chunk: Buffer) => {
      this.#lines.push(chunk);
      this.#pump();
    });
    socket.on('drain', () => {
      this.#tell();
      this.#pump();
    });
    // Node tells it also while the socket is paused, with requests that are not handled yet.
    socket.on('end', () => {
      this.#hasEndedItsHalf = true;
      this.#pump();
      if (!this.#isOver) this.#probeIt();
    });
    // Whatever it is, it is the end of the connection, which 'close' tells.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#forget());
  }

  /** Whether nobody waits for anything here. */
  get isIdle(): boolean {
    return this.#pending.size === 0;
  }

  /** Writes a line unasked. */
  say(line: object): void {
    this.#write(JSON.stringify(line));
  }

  /** Ends the connection: answers whatever is pending, streams by their end and the rest by this reason, and tells that to what has not been read. */
  end(reason: ControlError): void {
    if (this.#isOver) return;
    this.#isDeaf = true;
    const error = wireError(reason);
    for (const pending of this.#pending.values())
      this.#answer(pending, pending.isStream ? { answer: null } : { error });
    this.say({ id: null, error });
    this.#leave();
  }

  /** Ends it whether or not what was written has been read. */
  destroy(): void {
    this.#socket.destroy();
  }

  get #isCongested(): boolean {
    return this.#socket.writableLength >= MOST_UNREAD_BYTES;
  }

  // --- Requests --------------------------------------------------------------------------------------------------------------------

  /** Handles what has been read; reads on once that is done, and there is room for the answers. */
  #pump(): void {
    if (this.#isHandling || this.#isDeaf) return;
    this.#isHandling = true;
    const isDone = this.#handleLines();
    this.#isHandling = isDone === 'later';
    if (isDone === true) this.#readOn();
    else this.#socket.pause();
    if (this.#lines.isTooLong) this.end(tooLong());
  }

  /** Whether all are handled; if not, whether the rest is left for a later turn, or for when there is room. */
  #handleLines(): boolean | 'later' {
    for (let handled = 0; handled < LINES_A_TURN; handled += 1) {
      if (this.#isDeaf || this.#isCongested || this.#unanswered() >= MOST_PENDING) return false;
      const line = this.#lines.take();
      if (line === undefined) return true;
      if (line.trim() !== '') this.#handle(line);
    }
    this.#clock.yield(() => {
      this.#isHandling = false;
      this.#pump();
    });
    return 'later';
  }

  #unanswered(): number {
    let count = 0;
    for (const { isStream } of this.#pending.values()) if (!isStream) count += 1;
    return count;
  }

  #handle(line: string): void {
    try {
      const said = understand(line);
      if (said.type === 'request') this.#begin(said);
      else if (said.type === 'cancel') this.#cancel(said.id);
      else this.#grant(said.id, said.items);
    } catch (error) {
      this.say({ id: error instanceof NotUnderstood ? error.id : null, error: wireError(error) });
    }
  }

  #begin({ id, op, args }: AskedFor): void {
    if (this.#pending.has(id)) {
      throw new NotUnderstood(
        null,
        'bad-request',
        `The id ${JSON.stringify(id)} is that of a request that is pending.`,
      );
    }
    const streams = OPERATIONS[op].streams === true;
    if (streams && this.#pending.size - this.#unanswered() >= MOST_STREAMS) {
      throw new NotUnderstood(
        id,
        'too-many',
        `A connection has at most ${MOST_STREAMS} streams. Cancel one, or connect again.`,
      );
    }
    const { window: room = LARGEST_WINDOW } = args as { window?: number };
    const pending = new PendingRequest(id, streams ? { room, onItem: () => this.#tell() } : undefined);
    this.#pending.set(id, pending);
    void this.#carryOut(pending, this.#performers[op], args);
  }

  async #carryOut(pending: PendingRequest, perform: AnyPerform, args: object): Promise<void> {
    try {
      // Safe: the table of operations has checked these arguments for this very operation.
      pending.result = await perform(args as never, pending as never);
    } catch (error) {
      return this.#answer(pending, { error: wireError(error) });
    }
    this.#answerWhenTold(pending);
  }

  #cancel(id: RequestId): void {
    const pending = this.#pending.get(id);
    // It may have been answered just now.
    if (pending === undefined) return;
    this.#answer(pending, pending.isStream ? { answer: null } : { error: wireError(cancelled()) });
  }

  #grant(id: RequestId, items: number): void {
    this.#pending.get(id)?.grant(items);
    this.#tell();
  }

  // --- Answers ---------------------------------------------------------------------------------------------------------------------

  /** Passes on what the streams have to tell, in turn, as long as it is read. */
  #tell(): void {
    this.#cork();
    for (let more = true; more && !this.#isCongested; ) {
      more = false;
      for (const pending of this.#pending.values()) more = this.#tellOne(pending) || more;
    }
  }

  /** What is told in one turn goes out as one. */
  #cork(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    queueMicrotask(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  #tellOne(pending: PendingRequest): boolean {
    const next = pending.next();
    if (next === undefined) return false;
    const { item, missed } = next;
    const line = asLine({ id: pending.id, item, ...(missed === 0 ? {} : { missed }) });
    if (line === undefined) pending.lose(missed + 1);
    else this.#write(line);
    this.#answerWhenTold(pending);
    return true;
  }

  #answerWhenTold(pending: PendingRequest): void {
    if (pending.result !== undefined && pending.isTold) this.#answer(pending, { answer: pending.result });
  }

  /** Answers a request, once. */
  #answer(pending: PendingRequest, answer: { readonly answer: unknown } | { readonly error: unknown }): void {
    if (this.#pending.get(pending.id) !== pending) return;
    this.#pending.delete(pending.id);
    pending.end();
    this.#write(asLine({ id: pending.id, ...answer }) ?? JSON.stringify(notAsJson(pending.id)));
    this.#pump();
  }

  #write(line: string): void {
    if (!this.#isOver && this.#socket.writable) this.#socket.write(`${line}\n`);
  }

  // --- Its end ---------------------------------------------------------------------------------------------------------------------

  /** One that asks for nothing more is still answered; its streams, which perhaps nobody reads any longer, end. */
  #readOn(): void {
    if (!this.#hasEndedItsHalf) return void this.#socket.resume();
    for (const pending of this.#pending.values())
      if (pending.isStream) this.#answer(pending, { answer: null });
    if (this.#pending.size === 0) this.#leave();
  }

  /** One that is gone altogether looks like one that only has no more requests, until something is written to it. Readers pass over empty lines. */
  #probeIt(): void {
    this.#write('');
    this.#probe = this.#clock.after(PROBE_EVERY_MS, () => this.#probeIt(), false);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isDeaf = true;
    this.#isOver = true;
    this.#socket.end(() => this.#socket.destroy());
  }

  #forget(): void {
    this.#isDeaf = true;
    this.#isOver = true;
    this.#probe?.cancel();
    for (const pending of this.#pending.values()) pending.end();
    this.#pending.clear();
  }
}

function asLine(reply: object): string | undefined {
  try {
    return JSON.stringify(reply);
  } catch {
    // A kind of child made elsewhere may say of itself what is no plain data.
    return undefined;
  }
}

function notAsJson(id: RequestId): object {
  return {
    id,
    error: wireError(new ControlError('failed', 'It was done, but the answer cannot be written as JSON.')),
  };
}

function cancelled(): ControlError {
  return new ControlError('cancelled', 'The request was cancelled. What it had begun goes on.');
}

function tooLong(): ControlError {
  return new ControlError(
    'bad-request',
    `A request has at most ${LONGEST_REQUEST_BYTES} bytes, and ends with a line feed.`,
  );
}
