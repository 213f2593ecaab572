import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../../runtime/index.js';

/** How long who comes in may take to show a ticket, in ms. */
const TICKET_MS = 1000;
const TICKET_BYTES = 32;

/** Where the helper connects the streams of programs. Whoever else knocks has no ticket, and is shown out. */
export class Door {
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #expected = new Map<string, (stream: Socket) => void>();
  readonly #strangers = new Set<Socket>();
  #path = '';
  /** A private directory of its own, where names of sockets are files. */
  #folder: string | undefined;

  private constructor(clock: Clock) {
    this.#clock = clock;
    // The end of one direction is not that of the other, as with any pair of pipes.
    this.#server = createServer((stream) => this.#admit(stream));
    this.#server.unref();
  }

  static async open(clock: Clock): Promise<Door> {
    const door = new Door(clock);
    await door.#listen();
    return door;
  }

  get path(): string {
    return this.#path;
  }

  get folder(): string | undefined {
    return this.#folder;
  }

  /** The ticket of a stream that is to come. */
  expect(onStream: (stream: Socket) => void): string {
    const ticket = randomBytes(TICKET_BYTES / 2).toString('hex');
    this.#expected.set(ticket, onStream);
    return ticket;
  }

  forget(ticket: string): void {
    this.#expected.delete(ticket);
  }

  close(): void {
    this.#server.close();
    this.#expected.clear();
    for (const stranger of this.#strangers) stranger.destroy();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Names that are not files leave nothing behind, whoever is killed. */
  async #listen(): Promise<void> {
    if (process.platform === 'linux') {
      this.#path = `\0treewarden-${randomBytes(16).toString('hex')}`;
    } else {
      this.#folder = mkdtempSync(join(tmpdir(), 'treewarden-spawn-'));
      this.#path = join(this.#folder, 'door');
    }
    this.#server.listen(this.#path);
    await once(this.#server, 'listening');
  }

  #admit(stream: Socket): void {
    this.#strangers.add(stream);
    const limit = this.#clock.after(TICKET_MS, () => stream.destroy(), false);
    const look = (): void => {
      const ticket: Buffer | null = stream.read(TICKET_BYTES);
      if (ticket === null) return;
      stream.off('readable', look);
      leave();
      this.#letIn(stream, ticket.toString('latin1'));
    };
    const leave = (): void => {
      limit.cancel();
      this.#strangers.delete(stream);
    };
    stream.on('readable', look);
    stream.once('close', leave);
    // Its end is that of the stream; a broken one shows by its close.
    stream.on('error', () => undefined);
  }

  #letIn(stream: Socket, ticket: string): void {
    const onStream = this.#expected.get(ticket);
    this.#expected.delete(ticket);
    if (onStream === undefined) stream.destroy();
    else onStream(stream);
  }
}
