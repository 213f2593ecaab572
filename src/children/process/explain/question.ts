import type { ProcessIdentity } from '../proc.js';
import type { Glance } from './facts.js';

/** How, when, and whom a program was asked to end. */
export interface Ask {
  /** A program that imports `treewarden/child` is asked by message, every other one by signal. */
  readonly by: 'signal' | 'message';
  /** The signal; with a message, the one that a program would get which does not hear it. */
  readonly signal: NodeJS.Signals;
  /** Whom the signal went to: all of the tree, the leader's group, or the leader alone. A message reaches the leader alone. */
  readonly to: 'all' | 'group' | 'leader';
  /** Monotonic time, in ms. */
  readonly atMs: number;
  /** What the leader was doing just then. */
  readonly before: Glance | undefined;
}

/** What is asked about a stop. */
export interface StopQuestion {
  readonly leader: number;
  /** The name of the file that was started as the leader. */
  readonly program: string;
  /** Who is left of the tree. */
  readonly members: readonly ProcessIdentity[];
  /** The last that was asked; undefined if nothing was, and it is to be told what would stand in the way. */
  readonly ask: Ask | undefined;
  /** The signal by which it would be asked. */
  readonly signal: NodeJS.Signals;
  /** Monotonic time, in ms. */
  readonly nowMs: number;
  /** Whether the program has said that it heard the message. */
  readonly heard?: boolean;
}
