import type { Mapping, SystemV } from '../backend/backend.js';
import type { Written } from '../guard/entry.js';
import { type Attempt, attempted, existsFailure, keyText, resourceFailure } from '../inspect/failure.js';
import { usersOfSegment } from '../inspect/holders.js';
import { type Segment, segments } from '../inspect/system-v.js';
import type { Site } from '../site.js';
import type { MadeMemory } from './make-memory.js';
import type { SharedMemoryRequest } from './shared-memory.js';
import { randomKey, removeIfThere, requireMemory } from './system-v.js';

/** A segment of a key that others know: stays until it is removed, so the ledger knows it for as long as it is there. */
export function makeKeyed(
  request: SharedMemoryRequest,
  key: number,
  site: Site,
  systemV: SystemV,
): MadeMemory {
  const { id, cpid, written } = create(request, key | 0, site, systemV);
  const release = (): void => {
    remove(systemV, { id, key: key | 0, cpid });
    written.drop();
  };
  return {
    place: { backing: 'system-v', key, id },
    name: keyText(key),
    release,
    users: () => usersOfSegment(id),
  };
}

/**
 * A segment that the kernel frees with its last user: attached here, and marked for removal at once. Users attach it by its id, which on Linux
 * they may for as long as somebody has it attached; elsewhere it is kept as one with a key.
 */
export function makePrivate(request: SharedMemoryRequest, site: Site, systemV: SystemV): MadeMemory {
  const key = randomKey();
  if (process.platform !== 'linux') return makeKeyed(request, key, site, systemV);
  const { id, written } = create(request, key, site, systemV);
  const mapping = keep(id, request, systemV, written);
  return {
    place: { backing: 'system-v', id },
    name: `segment-${id}`,
    release: () => mapping.close(),
    users: () => usersOfSegment(id),
  };
}

interface CreatedSegment {
  readonly id: number;
  readonly cpid: number;
  readonly written: Written;
}

function create(request: SharedMemoryRequest, key: number, site: Site, systemV: SystemV): CreatedSegment {
  const { bytes = 0, mode } = request;
  const attempt = attemptOf(request, key);
  // Before it is wanted: what is there then is not taken for ours, whenever we die.
  if (segments().some((one) => one.key === key)) throw existsFailure(attempt);
  const written = site.ledger.want({ type: 'sysv-shm', key, bytes });
  try {
    requireMemory(bytes);
    const id = systemV.createSegment(key, bytes, mode);
    // As the kernel lists it: that is what everybody compares it with later.
    const cpid = segments().find((one) => one.id === id)?.cpid ?? process.pid;
    written.have({ type: 'sysv-shm', id, cpid });
    return { id, cpid, written };
  } catch (error) {
    written.drop();
    throw resourceFailure(error, attempt, site.stateDir);
  }
}

/** From here on the kernel owns it, and nobody else has to know of it. */
function keep(id: number, request: SharedMemoryRequest, systemV: SystemV, written: Written): Mapping {
  try {
    return attempted(attemptOf(request), () => systemV.attach(id, request.bytes ?? 0, 'write'));
  } finally {
    systemV.removeSegment(id);
    written.drop();
  }
}

function attemptOf({ name, bytes }: SharedMemoryRequest, key?: number): Attempt {
  const subject = `shared memory "${name ?? (key === undefined ? 'without a name' : keyText(key))}"`;
  return { subject, operation: 'create', target: { type: 'segment', key, bytes } };
}

/** Only if it is still ours: somebody may have removed it, and its id been given to another. */
function remove(systemV: SystemV, { id, key, cpid }: Pick<Segment, 'id' | 'key' | 'cpid'>): void {
  const found = segments();
  // Nothing is listed where there is no /proc; ids come round late there as well.
  if (found.length > 0 && !found.some((one) => one.id === id && one.key === key && one.cpid === cpid)) return;
  removeIfThere(() => systemV.removeSegment(id));
}
