import type { SystemV } from '../backend/backend.js';
import { type Attempt, existsFailure, keyText, resourceFailure } from '../inspect/failure.js';
import { type SemaphoreSetStatus, semaphoreSets } from '../inspect/system-v.js';
import type { Claim, Make, Site } from '../site.js';
import { checkedSet, type SemaphoreSetFacts, type SemaphoreSetRequest, setSubject } from './semaphore-set.js';
import { randomKey, removeIfThere, requireSystemV } from './system-v.js';

/** The owner's half of a semaphore set: makes it after the ledger has been told, and removes it. */
export const makeSemaphoreSet: Make<SemaphoreSetRequest> = async (asked, site) => {
  const request = checkedSet(asked);
  const native = await site.native(setSubject(request));
  const key = (request.key ?? randomKey()) | 0;
  const made = request.attach
    ? BORROWED
    : make(request, key, site, requireSystemV(native, setSubject(request)));
  const facts: SemaphoreSetFacts = { key, id: made.id, undo: request.undo, native: native.name };
  return {
    name: request.name ?? keyText(key),
    facts,
    release: made.release,
    releaseSync: made.release,
  } satisfies Claim;
};

interface MadeSet {
  readonly id?: number;
  readonly release: () => void;
}

const BORROWED: MadeSet = { release: () => undefined };

function make(request: SemaphoreSetRequest, key: number, site: Site, systemV: SystemV): MadeSet {
  const { permits = [], mode } = request;
  const target = { type: 'semaphore-set', key, count: permits.length } as const;
  const attempt: Attempt = { subject: setSubject(request), operation: 'create', target };
  // Before it is wanted: what is there then is not taken for ours, whenever we die.
  if (semaphoreSets().some((one) => one.key === key)) throw existsFailure(attempt);
  const written = site.ledger.want({ type: 'sysv-sem', key, count: permits.length });
  let id: number | undefined;
  try {
    id = systemV.createSemaphores(key, permits.length, mode);
    // Sets the time of change as well, by which it is known: nothing of ours changes it from here on.
    systemV.setValues(id, permits);
    const made = { id, key, count: permits.length };
    const changedAtS = semaphoreSets().find((set) => isSame(set, made))?.changedAtS ?? 0;
    written.have({ type: 'sysv-sem', id, changedAtS });
    const release = (): void => {
      remove(systemV, made);
      written.drop();
    };
    return { id, release };
  } catch (error) {
    if (id !== undefined) systemV.removeSemaphores(id);
    written.drop();
    throw resourceFailure(error, attempt, site.stateDir);
  }
}

type Known = Pick<SemaphoreSetStatus, 'id' | 'key' | 'count'>;

/** Only the one that was made: its id may have been given to another, if somebody removed it. A program that sets values changes its time. */
function remove(systemV: SystemV, made: Known): void {
  const listed = semaphoreSets();
  // Nothing is listed where there is no /proc; ids come round late there as well.
  if (listed.length > 0 && !listed.some((set) => isSame(set, made))) return;
  removeIfThere(() => systemV.removeSemaphores(made.id));
}

function isSame(one: Known, other: Known): boolean {
  return one.id === other.id && one.key === other.key && one.count === other.count;
}
