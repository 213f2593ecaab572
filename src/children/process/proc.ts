import { closeSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';

/** A process that is not mistaken for another one that has its number by now. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in clock ticks since boot. */
  readonly startTicks: number;
}

/** The unit of times in /proc (`USER_HZ`): the same on every machine that Node runs on. */
export const TICKS_PER_SECOND = 100;

/** What /proc/<pid>/stat says of a process. */
export interface Stat {
  /** One letter, such as `R`, `S`, `D`, `T` or `Z`. */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Whether it is a thread of the kernel's own. */
  readonly isKernel: boolean;
  /** When it started, in clock ticks since boot. */
  readonly startTicks: number;
}

/** @see proc(5). Nothing if there is no such process, or no /proc. */
export function readStat(pid: number): Stat | undefined {
  const stat = readProc(`${pid}/stat`);
  if (stat === undefined) return undefined;
  const { fields } = splitStat(stat);
  return {
    state: fields[0] ?? '',
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    // PF_KTHREAD. Not by its parent: the number 2, by which it could be told, may be anybody's in a pid namespace.
    isKernel: (Number(fields[6]) & 0x0020_0000) !== 0,
    startTicks: Number(fields[19]),
  };
}

/** The name in /proc/<pid>/stat, and the fields from the state on. The name, in parentheses, may hold spaces and parentheses of its own. */
export function splitStat(stat: string): { readonly name: string; readonly fields: readonly string[] } {
  const end = stat.lastIndexOf(')');
  return { name: stat.slice(stat.indexOf('(') + 1, end), fields: stat.slice(end + 2).split(' ') };
}

/** Whether a process has ended: one that nobody has reaped yet is still listed. */
export function isDead({ state }: Stat): boolean {
  return state === 'Z' || state === 'X' || state === 'x';
}

/** The command line of a process; its name in brackets where it has none. Nothing if there is no such process. */
export function readCommand(pid: number): string | undefined {
  const line = readProc(`${pid}/cmdline`, 'utf8')?.replace(/\0+$/, '').replaceAll('\0', ' ');
  if (line !== '') return line;
  const name = readProc(`${pid}/comm`)?.trimEnd();
  return name === undefined ? undefined : `[${name}]`;
}

/** All processes that are shown to us; none where there is no /proc. */
export function listPids(): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Whether /proc numbers processes as we do. After `unshare --pid` alone it is that of another namespace, and tells of strangers. */
export function isOwnProc(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

/** A file below /proc; nothing where it is gone, hidden, or not ours to read. */
export function readProc(path: string, encoding: 'latin1' | 'utf8' = 'latin1'): string | undefined {
  return readUnsized(`/proc/${path}`, encoding);
}

/**
 * A file whose size is told as 0, as the kernel tells it of all that it makes up; nothing where it cannot be read. Node's own `readFileSync` takes 64 KiB
 * of new memory for each of them, which is most of what such a look costs.
 */
export function readUnsized(path: string, encoding: 'latin1' | 'utf8' = 'latin1'): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    return readToEnd(fd, encoding);
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Kept, as hundreds of them are read in a row. */
let scratch: Buffer | undefined;

function readToEnd(fd: number, encoding: 'latin1' | 'utf8'): string {
  let buffer = scratch ?? Buffer.allocUnsafeSlow(16_384);
  for (let length = 0; ; ) {
    const read = readSync(fd, buffer, length, buffer.length - length, null);
    length += read;
    if (length === buffer.length) buffer = Buffer.concat([buffer], 2 * length);
    scratch = buffer;
    if (read === 0) return buffer.toString(encoding, 0, length);
  }
}

/** Whether a process runs. One that has ended and was not reaped yet does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = readStat(pid);
  return stat === undefined || !isDead(stat) || !isOwnProc();
}
