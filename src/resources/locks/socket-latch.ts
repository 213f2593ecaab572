import { createServer, type Server } from 'node:net';
import type { Latch } from './latch.js';

/**
 * A name in Linux's abstract socket namespace: only one socket can have it, and the kernel frees it with the thread or process. Node binds
 * and listens within the call, so that the answer is there at once.
 */
export class SocketLatch implements Latch {
  readonly spins = 1;
  readonly #path: string;
  #server: Server | undefined;
  #fault: NodeJS.ErrnoException | undefined;

  /** @param name - what both sides know, and no stranger can guess */
  constructor(name: string) {
    this.#path = `\0${name}`;
  }

  tryClose(): boolean {
    this.#raiseFault();
    // A stranger who finds the name is turned away.
    const server = createServer((stranger) => stranger.destroy());
    // The error comes in a later turn, when the answer has long been given.
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') this.#fault = error;
    });
    // Exclusive: or a worker of node:cluster would ask its primary, and two of them would share the name.
    server.listen({ path: this.#path, exclusive: true });
    if (!server.listening) return false;
    server.unref();
    this.#server = server;
    return true;
  }

  open(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** What else than its being taken stood in the way of the last try, such as too many open files. */
  #raiseFault(): void {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault;
  }
}
