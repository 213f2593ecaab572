import type { ControlFailure } from '../core/index.js';
import type { ServerFacts } from './client.js';

/** The version of the protocol: raised when what an older side understands would change its meaning. New operations and new fields do not raise it. */
export const PROTOCOL = 1;

/** The longest line that a server reads, in bytes; a request has a few hundred. */
export const LONGEST_REQUEST_BYTES = 65_536;

/** The first line of a connection, which the server says unasked. */
export interface Hello {
  readonly hello: ServerFacts;
}

/** What a client writes: an operation with its arguments beside it, under an id of its own choice. */
export interface Request {
  readonly id: RequestId;
  readonly op: string;
  readonly [argument: string]: unknown;
}

/** By what an answer is told from others: unique among the requests of a connection that are not answered yet. */
export type RequestId = number | string;

/** The two lines of a client that are no requests, as they are about one, and have no answer of their own. */
export type Aside =
  /** The answer of that request is no longer waited for; a stream ends. It is still answered. */
  | { readonly cancel: RequestId }
  /** That stream, which was opened with a `window`, may tell so many items more. */
  | { readonly grant: RequestId; readonly items: number };

/** What a server writes after its hello. */
export type Reply =
  | { readonly id: RequestId; readonly item: unknown; readonly missed?: number }
  | { readonly id: RequestId; readonly answer: unknown }
  /** Without an id where the line had none that could be read. */
  | { readonly id: RequestId | null; readonly error: WireError };

/** An error as plain data. */
export interface WireError {
  readonly code: ControlFailure;
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}
