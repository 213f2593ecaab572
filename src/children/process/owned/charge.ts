import type { IncarnationHost } from '../../../runtime/index.js';

/** By what the processes of a host are known, also once it is dead: a mark in their environment that is on the record of its resources. */
export interface Charge {
  /** What the processes of one incarnation are given, and how each of them is told. */
  next(): Marking;
}

/** The mark of one incarnation. */
export interface Marking {
  /** Occurs in the mark of each of its processes, and of no other. */
  readonly token: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The charge that a host's processes are in; nothing where they are not to be marked. Never rejects. */
export function chargeOf(_host: IncarnationHost): Charge | undefined | Promise<Charge | undefined> {
  return undefined;
}
