import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { ControlError } from '../../core/index.js';
import { machineTime } from '../../runtime/index.js';
import { openControlDirectory } from '../place.js';
import { PROTOCOL } from '../protocol.js';
import { VERSION } from '../version.js';
import { type Address, listenAt } from './address.js';
import type { Performers } from './call.js';
import { Connection } from './connection.js';
import { performers } from './performers.js';
import type { ServedTree } from './tree.js';

/** How many connections there may be: who steers a tree has one. */
const MOST_CONNECTIONS = 100;
/** How long a client may take to read the last answers once the tree has ended, in ms. */
const LAST_WORDS_MS = 500;

/** Serves one tree at one socket. It keeps no program running, and starts nothing by itself. */
export class Listener {
  readonly #tree: ServedTree;
  readonly #performers: Performers;
  readonly #server: Server;
  readonly #connections = new Map<Connection, Promise<void>>();
  #address: Address | undefined;
  #closing: Promise<void> | undefined;

  constructor(tree: ServedTree) {
    this.#tree = tree;
    this.#performers = performers(tree);
    // A client that has no more requests may still wait for answers.
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** @throws ControlError where it cannot listen at this path; nothing is left of it then */
  async open(path: string): Promise<void> {
    openControlDirectory(dirname(path));
    try {
      this.#address = await listenAt(this.#server, path);
    } catch (error) {
      this.#server.close();
      throw error;
    }
    this.#server.on('error', ignored);
    this.#server.unref();
  }

  /** Answers all who wait, ends the connections, and takes the name away. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#tree.clock, this.#performers);
    this.#connections.set(
      connection,
      new Promise((resolve) => {
        socket.once('close', () => {
          this.#connections.delete(connection);
          resolve();
        });
      }),
    );
    const refusal = this.#refusal();
    if (refusal !== undefined) return connection.end(refusal);
    connection.say({ hello: this.#facts() });
  }

  /** Why one more connection is not served. Where there are too many, one that nobody waits on makes room. */
  #refusal(): ControlError | undefined {
    const fault = this.#address?.fault();
    if (fault !== undefined) return notPrivate(this.#address?.path ?? '', fault);
    if (this.#connections.size <= MOST_CONNECTIONS) return undefined;
    for (const connection of this.#connections.keys()) {
      if (!connection.isIdle) continue;
      connection.end(tooMany());
      return undefined;
    }
    return tooMany();
  }

  #facts(): object {
    const { root, clock } = this.#tree;
    const nowMs = clock.now();
    return {
      protocol: PROTOCOL,
      version: VERSION,
      pid: process.pid,
      tree: root.id,
      nowMs,
      epochMs: machineTime.epochMs(),
    };
  }

  async #close(): Promise<void> {
    this.#address?.remove();
    this.#server.close();
    // Answers that have come about with the end of the tree are on their way.
    await new Promise<void>((resolve) => this.#tree.clock.yield(resolve));
    for (const connection of this.#connections.keys()) connection.end(ended(this.#tree.root.id));
    const limit = this.#tree.clock.after(LAST_WORDS_MS, () => {
      for (const connection of this.#connections.keys()) connection.destroy();
    });
    await Promise.all(this.#connections.values());
    limit.cancel();
  }
}

/** Out of descriptors, for example: who wanted to connect is refused, and the next one may not be. */
function ignored(): void {
  return undefined;
}

function tooMany(): ControlError {
  return new ControlError(
    'too-many',
    `There are ${MOST_CONNECTIONS} connections already, which is as many as a tree takes. Close some, or ask several things on one.`,
  );
}

function notPrivate(path: string, fault: string): ControlError {
  return new ControlError(
    'not-private',
    `The control socket ${path} is open to others (${fault}), so nobody is served. Make it 0600 again.`,
    { path },
  );
}

function ended(tree: string): ControlError {
  return new ControlError('tree-stopped', `The tree "${tree}" has ended.`, { tree });
}
