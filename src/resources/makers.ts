import { refuse } from './checks.js';
import { makeSharedFile } from './kinds/shared-file.js';
import type { Make } from './site.js';

/**
 * The owner's half of a kind. A request may have come by message, so a kind that is not in the table is refused in plain words.
 *
 * @throws InvalidSpecError if there is no such kind
 */
export function makeOf(kind: string): Make {
  const make = Object.hasOwn(MAKERS, kind) ? MAKERS[kind as keyof typeof MAKERS] : undefined;
  if (make === undefined) {
    return refuse('a resource', 'kind', kind, `one of ${Object.keys(MAKERS).join(', ')}`);
  }
  return make as Make;
}

const MAKERS = {
  mutex: makeSharedFile,
  'rw-lock': makeSharedFile,
  semaphore: makeSharedFile,
  'snapshot-cell': makeSharedFile,
  scoreboard: makeSharedFile,
} as const satisfies Readonly<Record<string, Make<never>>>;
