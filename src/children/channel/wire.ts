import { errorFacts } from '../../core/index.js';
import type { Grant, ResourceRequest } from '../../runtime/index.js';

/**
 * What travels between a supervisor and a program that imports `treewarden/child`. A thread has a port of its own for it, which its hello
 * brings; a forked program shares the IPC channel, where {@link wrap} tells our messages from the program's.
 */
export type ToChild =
  | { readonly type: 'drain'; readonly withinMs: number }
  | { readonly type: 'stop'; readonly withinMs: number }
  | { readonly type: 'call'; readonly id: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly type: 'cast'; readonly method: string; readonly args: readonly unknown[] }
  | { readonly type: 'abort'; readonly id: number }
  | ResourceAnswer;

/** What becomes of a request for a resource, or of one that is given back. */
export type ResourceAnswer =
  | { readonly type: 'granted'; readonly id: number; readonly grant: Grant }
  /** `facts` are what the error says beside its message. */
  | { readonly type: 'not-granted'; readonly id: number; readonly error: WireError; readonly facts: object }
  | { readonly type: 'given-back'; readonly id: number; readonly error?: WireError };

export type FromChild =
  /** The first message: from here on it hears what it is told. */
  | { readonly type: 'hello' }
  | { readonly type: 'ready' }
  | { readonly type: 'heartbeat' }
  /** Its event loop has come to the last drain or stop. */
  | { readonly type: 'heard' }
  | { readonly type: 'extend'; readonly ms: number }
  | { readonly type: 'drained' }
  /** It has released what it held and nothing of ours keeps it alive. If it is still there: end it. */
  | { readonly type: 'released' }
  /** `ctx.fail`. */
  | { readonly type: 'failed'; readonly error: WireError }
  /** An uncaught error is ending the program; its exit follows. */
  | { readonly type: 'crashed'; readonly error: WireError }
  | { readonly type: 'noted'; readonly note: string; readonly error: WireError }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly facts: object;
      readonly message?: string | undefined;
    }
  | { readonly type: 'exposes'; readonly methods: readonly string[] }
  /** Wants a resource of its own; `id` is the request's. */
  | { readonly type: 'acquire'; readonly id: number; readonly request: ResourceRequest }
  /** Has let go of what it was granted by `number`. */
  | { readonly type: 'give-back'; readonly id: number; readonly number: number }
  | Answer;

/** How a call ended, in the child. */
export type Answer =
  | { readonly type: 'returned'; readonly id: number; readonly value: unknown }
  | { readonly type: 'threw'; readonly id: number; readonly error: WireError }
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly why: 'draining' | 'not-sendable';
      readonly detail: string;
    };

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Who a supervised program is; told when it is started. */
export interface Identity {
  readonly wire: typeof WIRE;
  readonly id: string;
  readonly path: string;
  readonly incarnation: number;
  /** Its `stallAfterMs`; null for never. */
  readonly stallAfterMs: number | null;
  /** How long it may go on after its supervisor has died, in ms; null without a limit. */
  readonly orphanMs: number | null;
  /** The supervisor's process, so that a grandchild that inherits the environment does not take itself for the child. */
  readonly parent: number;
}

/** The version of these messages. A program of another version counts as one that knows nothing of treewarden. */
export const WIRE = 1;

/** Where a program finds its {@link Identity}: an environment variable in a process, an environment datum in a thread. */
export const IDENTITY_KEY = 'TREEWARDEN_CHILD';

/** A message of ours on a channel that the program uses too. */
export interface Wrapped<Message> {
  readonly treewarden: Message;
}

export function wrap<Message>(message: Message): Wrapped<Message> {
  return { treewarden: message };
}

/** Whether a message is ours; every other one is the program's own. */
export function isWrapped<Message extends FromChild | ToChild>(
  message: unknown,
): message is Wrapped<Message> {
  return typeof unwrapped(unwrapped(message, 'treewarden'), 'type') === 'string';
}

/** What a message holds under a name; nothing where it is no object. */
export function unwrapped(message: unknown, name: string): unknown {
  return typeof message === 'object' && message !== null
    ? (message as Record<string, unknown>)[name]
    : undefined;
}

/** Something thrown, as it travels: structured clone keeps neither an error's code nor a name of its own. */
export type WireError =
  | {
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly code: string | undefined;
      readonly cause?: WireError;
    }
  | { readonly value: Plain };

type Plain = string | number | bigint | boolean | null | undefined;

function isPlain(thrown: unknown): thrown is Plain {
  return thrown === null || !['object', 'function', 'symbol'].includes(typeof thrown);
}

const CAUSES_KEPT = 5;

export function packError(thrown: unknown, depth = 0): WireError {
  if (isPlain(thrown)) return { value: thrown };
  const { name, message, stack, code } = errorFacts(thrown);
  const packed = { name, message, stack, code };
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause === undefined || depth === CAUSES_KEPT
    ? packed
    : { ...packed, cause: packError(cause, depth + 1) };
}

/** The same on the other side: an Error with name, message, stack, code and cause, or the plain value that was thrown. */
export function unpackError(packed: WireError): unknown {
  if ('value' in packed) return packed.value;
  const { message, cause, ...rest } = packed;
  const error = new Error(message, cause === undefined ? undefined : { cause: unpackError(cause) });
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) Object.defineProperty(error, key, { value, configurable: true, writable: true });
  }
  return error;
}
