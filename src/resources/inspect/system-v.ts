import { readText } from './read.js';

/** A System V shared memory segment, as the kernel lists it. Its ids and pids are those of this process's namespaces. */
export interface Segment {
  readonly id: number;
  /** 0 for one without a key, and for one that is removed as soon as nobody is attached. */
  readonly key: number;
  readonly bytes: number;
  readonly mode: number;
  /** Its maker; 0 if that is in another pid namespace. */
  readonly cpid: number;
  /** Who attached or detached last. */
  readonly lpid: number;
  /** How many attachments there are, in all processes. */
  readonly attached: number;
  readonly uid: number;
  /** When it was made or its owner or mode was changed, in seconds since 1970. */
  readonly changedAtS: number;
  /** Whether it is gone with its last attachment. */
  readonly marked: boolean;
}

/** A System V semaphore set. Who uses it is not recorded anywhere. */
export interface SemaphoreSetStatus {
  readonly id: number;
  readonly key: number;
  readonly count: number;
  readonly mode: number;
  readonly uid: number;
  /** When it was last taken from or given to, in seconds since 1970; 0 if never. */
  readonly usedAtS: number;
  /** When it was made, or its values were set. */
  readonly changedAtS: number;
}

/** All segments of this ipc namespace; none where the system has no System V or no /proc. */
export function segments(): readonly Segment[] {
  return parseSegments(readText('/proc/sysvipc/shm') ?? '');
}

/** All semaphore sets of this ipc namespace. */
export function semaphoreSets(): readonly SemaphoreSetStatus[] {
  return parseSemaphoreSets(readText('/proc/sysvipc/sem') ?? '');
}

/** Reads the text of /proc/sysvipc/shm. */
export function parseSegments(text: string): readonly Segment[] {
  return rows(text).map((row) => ({
    id: row('shmid'),
    key: row('key'),
    bytes: row('size'),
    mode: row('perms', 8) & 0o777,
    cpid: row('cpid'),
    lpid: row('lpid'),
    attached: row('nattch'),
    uid: row('uid'),
    changedAtS: row('ctime'),
    marked: (row('perms', 8) & SHM_DEST) !== 0,
  }));
}

/** Reads the text of /proc/sysvipc/sem. */
export function parseSemaphoreSets(text: string): readonly SemaphoreSetStatus[] {
  return rows(text).map((row) => ({
    id: row('semid'),
    key: row('key'),
    count: row('nsems'),
    mode: row('perms', 8) & 0o777,
    uid: row('uid'),
    usedAtS: row('otime'),
    changedAtS: row('ctime'),
  }));
}

/** The bit of a segment's mode which says that it is removed with its last attachment. @see shmctl(2) */
const SHM_DEST = 0o1000;

type Row = (column: string, base?: number) => number;

/** By the names in the first line: kernels have added columns, and may again. */
function rows(text: string): readonly Row[] {
  const [head = '', ...lines] = text.split('\n');
  const columns = words(head);
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const values = words(line);
      return (column, base = 10) => Number.parseInt(values[columns.indexOf(column)] ?? '0', base);
    });
}

function words(line: string): readonly string[] {
  return line.trim().split(/\s+/);
}
