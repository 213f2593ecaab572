import { connect, type Socket } from 'node:net';
import { ControlError, type ControlFailure } from '../core/index.js';
import type { Clock } from '../runtime/index.js';
import type { ServerFacts } from './client.js';
import { Lines } from './lines.js';
import { PROTOCOL, type WireError } from './protocol.js';

/** The longest line that a client reads, in bytes: a tree of a hundred thousand children has about half of it. */
const LONGEST_REPLY_BYTES = 67_108_864;

/** A connection on which the server has said hello. */
export interface Dialled {
  readonly socket: Socket;
  readonly lines: Lines;
  readonly server: ServerFacts;
}

/** How a tree is dialled. */
export interface DialOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly abortSignal?: AbortSignal | undefined;
}

/**
 * Connects, and waits for the hello.
 *
 * @throws ControlError with the operating system's `errno` among its facts, where that refuses
 */
export function dial(path: string, { clock, timeoutMs, abortSignal }: DialOptions): Promise<Dialled> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const lines = new Lines(LONGEST_REPLY_BYTES);
    const leave = (): void => {
      limit.cancel();
      abortSignal?.removeEventListener('abort', onAbort);
      for (const name of ['data', 'error', 'close']) socket.removeAllListeners(name);
    };
    const fail = (error: unknown): void => {
      leave();
      // An error may still be on its way, and is nobody's then.
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const onAbort = (): void => fail(abortSignal?.reason);
    const limit = clock.after(timeoutMs, () => fail(silent(path, timeoutMs)));
    socket.on('error', (error) => fail(unreachable(path, error)));
    socket.on('close', () =>
      fail(new ControlError('protocol', `What serves at ${path} ended the connection.`, { path })),
    );
    socket.on('data', (chunk: Buffer) => {
      lines.push(chunk);
      const line = lines.take();
      if (line === undefined) return;
      try {
        const server = helloOf(line, path);
        leave();
        socket.pause();
        resolve({ socket, lines, server });
      } catch (error) {
        fail(error);
      }
    });
    if (abortSignal?.aborted === true) onAbort();
    else abortSignal?.addEventListener('abort', onAbort);
  });
}

/** @throws ControlError that the server says instead, or unless it is a hello of this protocol */
function helloOf(line: string, path: string): ServerFacts {
  const { hello, error } = parsed(line);
  if (error !== undefined) throw new ControlError(error.code, error.message, error.facts);
  if (hello?.protocol === PROTOCOL) return hello;
  throw new ControlError(
    'protocol',
    hello === undefined
      ? `What serves at ${path} is no tree of treewarden.`
      : `The tree at ${path} speaks version ${hello.protocol} of the protocol (treewarden ${hello.version}), and this is version ${PROTOCOL}. Use the program of its version.`,
    { path, ...hello },
  );
}

function parsed(line: string): { readonly hello?: ServerFacts; readonly error?: WireError } {
  try {
    return JSON.parse(line) ?? {};
  } catch {
    // No tree says that.
    return {};
  }
}

function silent(path: string, timeoutMs: number): ControlError {
  return new ControlError(
    'timed-out',
    `The tree at ${path} did not say hello within ${timeoutMs} ms. Its program is there; its event loop may be blocked, or it may be suspended.`,
    { path, timeoutMs },
  );
}

function unreachable(path: string, error: NodeJS.ErrnoException): ControlError {
  const { code: errno = 'error' } = error;
  const [failure, why] = REFUSALS[errno] ?? ['not-reachable', `the connection failed (${errno})`];
  return new ControlError(
    failure,
    `No tree can be asked at ${path}: ${why}.`,
    { path, errno },
    { cause: error },
  );
}

const REFUSALS: Readonly<Record<string, readonly [ControlFailure, string]>> = {
  ENOENT: [
    'no-tree',
    'there is no such socket. Does the program run, and does it listen there (supervise with control)',
  ],
  ECONNREFUSED: ['no-tree', 'the program that served there has died'],
  EACCES: ['not-reachable', 'it belongs to another user'],
  EPERM: ['not-reachable', 'it belongs to another user'],
  ENOTSOCK: ['no-tree', 'it is no socket'],
};
