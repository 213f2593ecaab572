import { dirname, join, resolve } from 'node:path';
import { checkNames } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import { checkText, refuse } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';
import { LONGEST_SOCKET_NAME } from './socket-name.js';

/** Under which path is served. */
export interface UnixSocketOptions {
  /** Where clients find it. Its directory must exist, and be short enough for a socket's path: at most about 70 bytes. */
  readonly path: string;
}

/** The right to serve under a path. */
export interface UnixSocket extends Lease {
  readonly kind: 'unix-socket';
  /** Where to listen: `server.listen(lease.path)`. A name of its own beside {@link address}, which leads to it. */
  readonly path: string;
  /** Where clients connect: the path that was asked for. */
  readonly address: string;
}

/** What is asked for, once it is checked. */
export interface UnixSocketRequest extends ResourceRequest {
  readonly kind: 'unix-socket';
  readonly path: string;
}

export interface UnixSocketFacts {
  readonly path: string;
  readonly address: string;
}

/**
 * Reserves the path of a Unix socket, and removes it when its owner has ended, however it ended. What a dead server has left there is replaced; what a
 * living one has, or what is no socket, is refused and not touched.
 *
 * The server listens on `path`, a hidden name in the same directory that is its alone, and clients connect to `address`, a symbolic link to
 * it. So nobody's socket can be taken for ours, nor ours for somebody's. For other users to connect, change the mode of `path` once it listens.
 *
 * @example
 * ```ts
 * const socket = await ctx.resources.acquire(unixSocket({ path: '/run/shop.sock' }));
 * server.listen(socket.path);
 * ```
 * @throws InvalidSpecError if an option is wrong. To acquire it rejects with `ResourceExistsError` while another serves there.
 */
export function unixSocket(options: UnixSocketOptions): ResourceKind<UnixSocket> {
  checkNames(SUBJECT, options, ['path']);
  checkText(SUBJECT, 'path', options.path);
  const request = checkedUnixSocket({ kind: 'unix-socket', path: resolve(options.path) });
  return kindOf(request, (granted) => new UnixSocketLease(granted));
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedUnixSocket(request: UnixSocketRequest): UnixSocketRequest {
  const { path } = request;
  checkText(SUBJECT, 'path', path);
  const longest = join(dirname(path), 'x'.repeat(LONGEST_SOCKET_NAME));
  const over = Math.max(Buffer.byteLength(path), Buffer.byteLength(longest)) - LONGEST_PATH_BYTES;
  if (over > 0)
    refuse(
      SUBJECT,
      'path',
      path,
      `${over} bytes shorter: the system takes ${LONGEST_PATH_BYTES} for a socket's path`,
    );
  return request;
}

const SUBJECT = 'Unix socket';

/** @see unix(7): `sun_path`, with its final zero. */
const LONGEST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

class UnixSocketLease extends BaseLease implements UnixSocket {
  readonly kind = 'unix-socket';
  readonly path: string;
  readonly address: string;

  constructor(granted: Granted) {
    super(granted);
    // Safe: the facts come from makeUnixSocket.
    const { path, address } = granted.facts as UnixSocketFacts;
    this.path = path;
    this.address = address;
  }

  protected detach(): void {
    // Its owner removes it.
  }
}
