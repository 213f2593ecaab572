import { SupervisionError } from './errors.js';

/**
 * Why a tree could not be reached, or did not do what it was asked to. The words are part of the protocol and stay what they are:
 *
 * - `'no-tree'`: nobody serves there, or what served has died
 * - `'ambiguous'`: several trees run, and it was not said which
 * - `'in-use'`: another program serves at this path
 * - `'not-private'`: the socket's directory, or the socket, is not this user's alone
 * - `'not-reachable'`: the operating system refuses the connection or the socket, or the path is too long for one
 * - `'protocol'`: what serves there speaks another protocol, or another version of it
 * - `'too-many'`: there are as many connections, or streams, as the server takes
 * - `'connection-lost'`: the connection was cut before the answer came; whether the thing was done is not known
 * - `'bad-request'`: the line is no request, or an argument is wrong
 * - `'unknown-operation'`: this version has no operation of that name
 * - `'unknown-child'`: there is no child at that path
 * - `'not-supported'`: a child of this kind, or with these settings, cannot do that
 * - `'wrong-state'`: not in the state that the child, or the tree, is in
 * - `'start-failed'`: it was started, and has failed before it was ready
 * - `'survivor'`: it has outlived its kill
 * - `'timed-out'`: it did not come about in the time that was given
 * - `'cancelled'`: who asked no longer waits for it
 * - `'tree-stopped'`: the tree has ended meanwhile
 * - `'failed'`: anything else; the message says what
 */
export type ControlFailure =
  | 'no-tree'
  | 'ambiguous'
  | 'in-use'
  | 'not-private'
  | 'not-reachable'
  | 'protocol'
  | 'too-many'
  | 'connection-lost'
  | 'bad-request'
  | 'unknown-operation'
  | 'unknown-child'
  | 'not-supported'
  | 'wrong-state'
  | 'start-failed'
  | 'survivor'
  | 'timed-out'
  | 'cancelled'
  | 'tree-stopped'
  | 'failed';

/** A tree could not be asked from another process, could not be made to listen, or has answered that it did not do it. */
export class ControlError extends SupervisionError {
  readonly code = 'CONTROL_FAILED';

  constructor(
    readonly failure: ControlFailure,
    /** What has happened, to whom, and what to do. */
    message: string,
    /** The particulars as plain data, such as the ids there are, the exit of a start that failed, or what survived. */
    readonly facts: Readonly<Record<string, unknown>> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
