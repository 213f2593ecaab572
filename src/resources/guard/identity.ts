import { closeSync, openSync, readlinkSync, readSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Who somebody is, beyond the reuse of pids: a thread of a process, by the time at which it started. Meaningful on one machine, between two
 * boots, within one pid namespace.
 */
export interface Who {
  readonly pid: number;
  /** The kernel's id of the thread; equal to `pid` for the main thread, and where threads cannot be told apart. */
  readonly tid: number;
  /** When that thread started, in clock ticks since boot; 0 where it cannot be known. */
  readonly startTicks: number;
}

/** Whether somebody is known to be alive or dead. `'unknown'` counts as alive wherever that is the safe side. */
export type Life = 'alive' | 'dead' | 'unknown';

/** The calling thread. */
export function whoAmI(): Who {
  const tid = ownThread();
  return { pid: process.pid, tid, startTicks: startTicks(process.pid, tid) ?? 0 };
}

/** The process as a whole, as its main thread. */
export function thisProcess(): Who {
  return { pid: process.pid, tid: process.pid, startTicks: startTicks(process.pid) ?? 0 };
}

/** A zombie is dead: it holds nothing any more, and may wait for ever for a parent that does not look. */
export function lifeOf(who: Who): Life {
  const stat = readStat(who.pid, who.tid);
  if (stat === undefined) return HAS_PROC ? 'dead' : signalled(who.pid);
  if (stat.state === 'Z' || stat.state === 'X') return 'dead';
  return who.startTicks === 0 || stat.startTicks === who.startTicks ? 'alive' : 'dead';
}

/** When a process, or one of its threads, started, in clock ticks since boot; nothing if there is none, or no /proc. */
export function startTicks(pid: number, tid: number = pid): number | undefined {
  return readStat(pid, tid)?.startTicks;
}

/** The id of this boot; the same for all processes until the machine starts again. Empty where there is none. */
export function bootId(): string {
  return readText('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
}

/** The inode of a namespace of this process, such as `pid` or `ipc`: ids of that sort mean nothing in another one. 0 where there is none. */
export function namespace(name: 'pid' | 'ipc' | 'mnt' | 'net'): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/self/ns/${name}`))?.[0] ?? 0);
  } catch {
    // No /proc: there are no namespaces to be told apart either.
    return 0;
  }
}

/** What /proc says of a process or thread. */
export interface Stat {
  readonly state: string;
  readonly pgrp: number;
  readonly startTicks: number;
}

/** @see proc(5). Nothing if there is none, or no /proc. The name in parentheses may hold anything, parentheses and spaces included. */
export function readStat(pid: number, tid: number = pid): Stat | undefined {
  const text = readText(tid === pid ? `/proc/${pid}/stat` : `/proc/${pid}/task/${tid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', pgrp: Number(fields[2]), startTicks: Number(fields[19]) };
}

/** More than any file here says, which is a line each; the kernel gives such a one in one piece. */
const LINE: Buffer = Buffer.allocUnsafeSlow(4096);

const HAS_PROC = readText('/proc/self/stat') !== undefined;

function ownThread(): number {
  if (isMainThread) return process.pid;
  try {
    // `<pid>/task/<tid>`
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    // Without /proc a thread cannot be told from its process.
    return process.pid;
  }
}

function signalled(pid: number): Life {
  try {
    process.kill(pid, 0);
    return 'unknown';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'dead' : 'unknown';
  }
}

/** Node's own `readFileSync` takes 64 KiB of new memory for a file whose size is told as 0, as that of all of /proc is. */
function readText(path: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, 'r');
    const length = readSync(fd, LINE, 0, LINE.length, 0);
    return LINE.toString('latin1', 0, length);
  } catch {
    // Gone, hidden, or not a Linux: the caller knows what that means.
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
