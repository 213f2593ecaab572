import { isAbsolute } from 'node:path';
import { checkFields, type Field, type Fields, field, TEXT, within } from '../core/index.js';

/** Where a tree listens to those who steer it: a socket of this user's alone, never a network port. */
export interface ControlOptions {
  /** The socket itself, as an absolute path, in a directory that only this user may write to. Instead of `directory` and `name`. */
  readonly path?: string | undefined;
  /** The directory of the socket, as an absolute path; it is made where it is missing. @defaultValue that of `controlDirectory()` */
  readonly directory?: string | undefined;
  /** By what the tree is found there. Two trees of one name cannot listen in one directory. @defaultValue the id of the root */
  readonly name?: string | undefined;
}

/** Whom to connect to. */
export interface ConnectOptions {
  /** The socket itself; instead of `tree` and `directory`. */
  readonly path?: string | undefined;
  /** The name of the tree, which is the id of its root. @defaultValue the only one that runs */
  readonly tree?: string | undefined;
  /** Where to look for it. @defaultValue that of `controlDirectory()` */
  readonly directory?: string | undefined;
  /**
   * How long a tree that does not listen yet is waited for, in ms. One that listens has five seconds to say hello in any case.
   * @defaultValue `0`
   */
  readonly timeoutMs?: number | undefined;
  /** Ends the attempt with its reason. */
  readonly abortSignal?: AbortSignal | undefined;
}

const ABSOLUTE: Field = field(
  'an absolute path without null characters',
  (value) => typeof value === 'string' && isAbsolute(value) && !value.includes('\0'),
);

const FIELDS: Fields<ControlOptions> = { path: ABSOLUTE, directory: ABSOLUTE, name: TEXT };

/** @throws InvalidSpecError for the first option that is wrong */
export function checkControlOptions({ path, directory, name }: ControlOptions): void {
  checkFields('control', { path, directory, name }, FIELDS);
}

const CONNECT_FIELDS: Fields<Omit<ConnectOptions, 'abortSignal'>> = {
  path: ABSOLUTE,
  directory: ABSOLUTE,
  tree: TEXT,
  timeoutMs: within(0, 2_147_483_647),
};

/** @throws InvalidSpecError for the first option that is wrong */
export function checkConnectOptions(options: ConnectOptions): void {
  checkFields('connect()', options, CONNECT_FIELDS);
}
