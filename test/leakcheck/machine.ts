import { spawnSync } from 'node:child_process';
import { type Dirent, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Something that may be left behind, by a name that is the same at every look. */
export interface Trace {
  /** Under which column of the table it counts. */
  readonly kind: TraceKind;
  /** Its number, path or pid. */
  readonly id: string;
}

export type TraceKind =
  | 'sysv-shm'
  | 'sysv-sem'
  | 'posix-shm'
  | 'posix-sem'
  | 'shared-state'
  | 'lock'
  | 'socket'
  | 'file'
  | 'ledger'
  | 'process';

/** Where a run may leave something. */
export interface Places {
  /** Where POSIX shared memory and semaphores live as files. */
  readonly memoryDir: string;
  /** The registry's own. */
  readonly stateDir: string;
  /** Temporary files, sockets and pid files of the hosts. */
  readonly workDir: string;
  /** What the environment, or the command line, of every process of the run contains. */
  readonly mark: string;
}

/** Everything there is now. What it lists is compared, so that what was there before does not count. */
export function look(places: Places): readonly Trace[] {
  const pids = processesOf(places.mark);
  return [
    ...lookQuickly(places),
    ...pids.map((id) => ({ kind: 'process', id }) as const),
    ...locksBy(pids).map((id) => ({ kind: 'lock', id }) as const),
  ];
}

/** The same without the processes and what they alone hold: to find those takes as long as a release. */
export function lookQuickly(places: Places): readonly Trace[] {
  return [
    ...systemV('shm').map((id) => ({ kind: 'sysv-shm', id }) as const),
    ...systemV('sem').map((id) => ({ kind: 'sysv-sem', id }) as const),
    ...filesBelow(places.memoryDir).map((id) => ({ kind: memoryKind(id), id })),
    // Its folders stay, for whoever comes next.
    ...filesBelow(places.stateDir, { folders: false }).map((id) => ({ kind: 'ledger', id }) as const),
    ...filesBelow(places.workDir).map((id) => ({ kind: 'file', id }) as const),
    ...abstractSockets(places.mark).map((id) => ({ kind: 'socket', id }) as const),
  ];
}

/** What is in `now` and was not in `before`. */
export function added(before: readonly Trace[], now: readonly Trace[]): readonly Trace[] {
  const known = new Set(before.map(nameOf));
  return now.filter((trace) => !known.has(nameOf(trace)));
}

export function nameOf({ kind, id }: Trace): string {
  return `${kind} ${id}`;
}

/** The ids of the System V objects of this IPC namespace. */
export function systemV(what: 'shm' | 'sem'): readonly string[] {
  return lines(`/proc/sysvipc/${what}`)
    .slice(1)
    .map((line) => line.trim().split(/\s+/)[1] ?? '');
}

/** The processes that carry the mark, dead ones whose parent has not looked excepted: they have nothing any more. */
export function processesOf(mark: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && isMarked(pid, mark));
}

/** What a process runs, its arguments parted by spaces. */
export function commandOf(pid: string): string {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

/** Whether the process has ended: gone, or a zombie. */
export function isDead(pid: number): boolean {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' || /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function isMarked(pid: string, mark: string): boolean {
  if (Number(pid) === process.pid) return false;
  return [`/proc/${pid}/environ`, `/proc/${pid}/cmdline`].some((file) => read(file).includes(mark));
}

function memoryKind(path: string): TraceKind {
  if (/\/sem\./.test(path)) return 'posix-sem';
  return /\/treewarden-\d+\./.test(path) ? 'shared-state' : 'posix-shm';
}

/** Whoever holds a file lock, as `pid inode`. */
function locksBy(pids: readonly string[]): readonly string[] {
  return lines('/proc/locks')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => pids.includes(fields[4] ?? ''))
    .map((fields) => `${fields[4]} ${fields[5]}`);
}

function abstractSockets(mark: string): readonly string[] {
  return lines('/proc/net/unix')
    .map((line) => line.trim().split(/\s+/)[7] ?? '')
    .filter((name) => name.startsWith('@') && name.includes(mark));
}

function filesBelow(folder: string, { folders = true } = {}): readonly string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return [...(folders ? [path] : []), ...filesBelow(path, { folders })];
  });
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    // Not made yet, or gone since it was listed.
    return [];
  }
}

function lines(file: string): readonly string[] {
  return read(file).trimEnd().split('\n');
}

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // A process that has ended between two looks.
    return '';
  }
}

/** Whether something that was said to be held is really there. */
export function isThere({ kind, id }: Trace, places: Places): boolean {
  if (kind === 'process') return !isDead(Number(id));
  if (kind === 'lock') return lines('/proc/locks').some((line) => line.includes(`:${id} `));
  return lookQuickly(places).some((trace) => trace.kind === kind && trace.id === id);
}

/** Removes what was leaked, so that the next run begins as this one did. */
export function removeTrace({ kind, id }: Trace): void {
  if (kind === 'sysv-shm') spawnSync('ipcrm', ['-m', id]);
  else if (kind === 'sysv-sem') spawnSync('ipcrm', ['-s', id]);
  else if (id.startsWith('/')) rmSync(id, { recursive: true, force: true });
}
