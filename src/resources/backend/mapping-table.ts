import { closeSync, existsSync, ftruncateSync, readFileSync } from 'node:fs';
import type { Ffi } from './ffi.js';
import type { SystemCall } from './system-call.js';

/**
 * Who has mapped what in this process. A thread that is terminated runs nothing more, and what it had mapped would stay until the process ends:
 * segments that are marked to be removed stay in `ipcs`, and removed files keep their memory. So it is written down where other threads find it.
 */
export interface MappingTable {
  /** Before it is unmapped, the answer must be called: an address is soon somebody else's. */
  note(address: number, bytes: number): () => void;
  /** Unmaps what belonged to threads that are gone. @returns how many stretches that were */
  sweep(): number;
}

/** What the table is made with. */
export interface TableCalls {
  readonly mmap: SystemCall;
  readonly munmap: SystemCall;
  readonly memfd: (name: string) => number;
  readonly threadId: () => number;
}

/** Where no thread can be told from another, as outside of Linux, nothing is written down. */
export const NO_TABLE: MappingTable = { note: () => () => undefined, sweep: () => 0 };

/**
 * Opens this process's table, made by whichever thread comes first. @throws where there is no memory file, or no /proc that knows the calling
 * thread: in that of another namespace everybody here would look dead
 */
export function openMappingTable(ffi: Ffi, calls: TableCalls): MappingTable {
  if (isGone(calls.threadId())) throw new Error('There is no /proc of this process.');
  const [own, ...others] = findTables(ffi);
  const table = own ?? makeTable(ffi, calls);
  sweep(table, calls.munmap);
  return {
    note: (address, bytes) => note(table, calls.threadId(), address, bytes),
    sweep: () => [table, ...others].reduce((swept, each) => swept + sweep(each, calls.munmap), 0),
  };
}

/** In the name is the version of the layout: two copies of this library may live in one process. */
const NAME = 'treewarden-mappings-1';
const BYTES = 1 << 16;
/** One row: the thread's id (0: free, -1: being swept), then address and length as doubles. */
const ROW_BYTES = 32;
const ROWS = BYTES / ROW_BYTES;
const OWNER = ROW_BYTES / 4;
const PLACE = ROW_BYTES / 8;
const SWEEPING = -1;

interface Table {
  readonly owners: Int32Array;
  readonly places: Float64Array;
}

/** Two threads that begin at once may make one each, so all are looked through. They are never unmapped: another thread may be reading. */
function findTables(ffi: Ffi): Table[] {
  const maps = readFileSync('/proc/self/maps', 'latin1');
  const lines = maps.matchAll(new RegExp(`^([0-9a-f]+)-\\S+ rw-s .*/memfd:${NAME} `, 'gm'));
  return [...lines].map(([, address = '']) => tableAt(ffi, Number.parseInt(address, 16)));
}

function makeTable(ffi: Ffi, { memfd, mmap }: TableCalls): Table {
  const fd = memfd(NAME);
  try {
    ftruncateSync(fd, BYTES);
    return tableAt(ffi, mmap(0, BYTES, PROT_READ_WRITE, MAP_SHARED, fd, 0));
  } finally {
    closeSync(fd);
  }
}

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;

function tableAt(ffi: Ffi, address: number): Table {
  const buffer = ffi.view(address, BYTES);
  return { owners: new Int32Array(buffer), places: new Float64Array(buffer) };
}

function note({ owners, places }: Table, thread: number, address: number, bytes: number): () => void {
  for (let row = 0; row < ROWS; row++) {
    if (Atomics.compareExchange(owners, row * OWNER, 0, thread) !== 0) continue;
    places[row * PLACE + 2] = bytes;
    // Last, because this thread may be terminated at any step: without an address there is nothing to sweep.
    places[row * PLACE + 1] = address;
    return () => {
      places[row * PLACE + 1] = 0;
      Atomics.store(owners, row * OWNER, 0);
    };
  }
  // Full: it is unmapped all the same, unless its thread is terminated.
  return () => undefined;
}

function sweep({ owners, places }: Table, munmap: SystemCall): number {
  let swept = 0;
  for (let row = 0; row < ROWS; row++) {
    const owner = Atomics.load(owners, row * OWNER);
    // Asked after the row was read: a thread that began since then is not taken for a dead one.
    if (owner === 0 || owner === SWEEPING || !isGone(owner)) continue;
    if (Atomics.compareExchange(owners, row * OWNER, owner, SWEEPING) !== owner) continue;
    const address = places[row * PLACE + 1] ?? 0;
    places[row * PLACE + 1] = 0;
    if (address !== 0) {
      munmap(address, places[row * PLACE + 2] ?? 0);
      swept += 1;
    }
    Atomics.store(owners, row * OWNER, 0);
  }
  return swept;
}

function isGone(thread: number): boolean {
  return !existsSync(`/proc/self/task/${thread}`);
}
