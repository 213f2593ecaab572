import type { Leftover } from '../../core/index.js';
import { isDead, named } from './processes.js';
import { type Segment, segments } from './system-v.js';

/** What the ledgers know of a System V segment: nothing, if it is none of ours. */
export type Listed = (segment: Segment) => boolean;

/** A segment that nobody has attached. */
export interface Unattached extends Leftover {
  readonly segment: Segment;
  /** Whether its maker is known to be dead. A pid that was given to another process counts as alive. */
  readonly makerDead: boolean;
  /** Whether `treewarden reclaim` releases it: a ledger lists it, and its owner is dead. */
  readonly reclaimable: boolean;
}

/**
 * Segments without any attachment, oldest first. That alone does not make them leftovers: a program may mean to find its segment again, as
 * `shmop` of PHP does between two requests.
 */
export function unattachedSegments(listed: Listed = () => false): readonly Unattached[] {
  return segments()
    .filter(({ attached }) => attached === 0)
    .sort((one, other) => one.changedAtS - other.changedAtS || one.id - other.id)
    .map((segment) => ({
      what: `System V segment ${segment.id}`,
      bytes: segment.bytes,
      madeBy: named(segment.cpid),
      segment,
      makerDead: isDead(segment.cpid),
      reclaimable: listed(segment),
    }));
}
