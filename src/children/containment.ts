import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncarnationHost } from '../runtime/index.js';

/** Who answers for the errors of an async context. */
export interface Contained {
  /** An exception or a rejection in its context was caught by nobody. */
  fail(reason: unknown): void;
}

const contexts = new AsyncLocalStorage<Contained | undefined>();

/** Runs `work` so that all it leaves behind (timers, events, sockets, promises) belongs to `owner`. */
export function runContained<R>(owner: Contained, work: () => R): R {
  return contexts.run(owner, work);
}

/** Runs `work` as nobody's: what it starts does not belong to the child that happens to have called. */
export function runUncontained(work: () => void): void {
  if (contexts.getStore() === undefined) work();
  else contexts.run(undefined, work);
}

/** Sees to it that stray errors are attributed for as long as the incarnation's tree lives. */
export function holdContainment(_host: IncarnationHost): void {
  // The next commit brings it: nothing is attributed yet.
}
