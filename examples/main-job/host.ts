// Which program works on a spool: the file `host` in it, with the process id and the moment that process began.
// The moment is needed because process ids are used again.

import { readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MainJobError } from './errors.js';

/** Another program that is alive works on the spool. */
export class SpoolInUseError extends MainJobError {
  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(
      `The spool ${folder} is in use by process ${pid}. Wait until that has ended, or name another folder.`,
    );
  }
}

/** @throws SpoolInUseError unless the folder is free, or its last host is dead. */
export function occupy(folder: string): void {
  const file = join(folder, 'host');
  const last = read(file);
  if (last !== undefined) {
    const pid = Number.parseInt(last, 10);
    if (describe(pid) === last && pid !== process.pid) throw new SpoolInUseError(folder, pid);
    unlinkSync(file);
  }
  // Fails if another program was faster.
  writeFileSync(file, describe(process.pid) ?? String(process.pid), { flag: 'wx' });
}

export function vacate(folder: string): void {
  rmSync(join(folder, 'host'), { force: true });
}

/** A process as `pid begin`; nothing if there is none. Where /proc is missing, the id alone has to do. */
function describe(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat !== undefined) {
    // Field 22 is the start time. The name, field 2, may contain spaces and parentheses, so count from behind it.
    return `${pid} ${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  }
  return isAlive(pid) ? String(pid) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Absent, or not ours to read: both mean that it tells us nothing.
    return undefined;
  }
}
