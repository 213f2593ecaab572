import type { OperationName, Operations, StreamName } from '../operations.js';

/** What carries out an operation may use: what it installs is taken off again however the request ends, answered, cancelled or overtaken by the tree's end. */
export interface Call {
  /** Adds what is to be undone at the end of the request; at once if that is over. */
  defer(undo: () => void): void;
}

/** A request whose answer is more than one thing. */
export interface StreamCall<Item> extends Call {
  /** Tells one item, as soon as the reader has room for it. */
  tell(item: Item): void;
}

type CallOf<Name extends OperationName> = Name extends StreamName
  ? StreamCall<Operations[Name]['item']>
  : Call;

/** Carries out an operation. What it throws becomes the answer. */
export type Perform<Name extends OperationName> = (
  args: Operations[Name]['args'],
  call: CallOf<Name>,
) => Operations[Name]['answer'] | Promise<Operations[Name]['answer']>;

/** One for each operation. */
export type Performers = { readonly [Name in OperationName]: Perform<Name> };

/** One of them, before it is known which. */
export type AnyPerform = (args: never, call: never) => unknown;
