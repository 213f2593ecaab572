import { lifeOf } from '../guard/identity.js';
import { readNames, readTarget, readText } from './read.js';

/** A process that has to do with a resource. */
export interface ProcessStatus {
  readonly pid: number;
  /** What it runs, its arguments included, cut to 80 characters; undefined if it is dead, or hidden from us. */
  readonly command: string | undefined;
}

/** The pids of all processes that can be seen from here. */
export function visiblePids(): readonly number[] {
  return readNames('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** What a process is, for people. */
export function processStatus(pid: number): ProcessStatus {
  return { pid, command: commandOf(pid) };
}

/** As it stands in messages: `pid 12 (node server.js)`, `pid 12 (dead)`. */
export function named(pid: number): string {
  if (pid === 0) return 'a process of another pid namespace';
  if (isDead(pid)) return `pid ${pid} (dead)`;
  const command = commandOf(pid);
  return command === undefined ? `pid ${pid}` : `pid ${pid} (${command})`;
}

/** Whether no process has this pid. One that has it may still be another than the one that is meant. */
export function isDead(pid: number): boolean {
  return pid > 0 && lifeOf({ pid, tid: pid, startTicks: 0 }) === 'dead';
}

/** Whether a process has the same System V objects as we have: in another namespace the same id means another object. */
export function sharesIpc(pid: number): boolean {
  const theirs = readTarget(`/proc/${pid}/ns/ipc`);
  return theirs !== undefined && theirs === readTarget('/proc/self/ns/ipc');
}

const LONGEST_COMMAND = 80;

function commandOf(pid: number): string | undefined {
  const line = readText(`/proc/${pid}/cmdline`)?.replaceAll('\0', ' ').trim();
  // A kernel thread and a zombie have no command line, but a name.
  const command = line === undefined || line === '' ? readText(`/proc/${pid}/comm`)?.trim() : line;
  if (command === undefined || command.length <= LONGEST_COMMAND) return command;
  return `${command.slice(0, LONGEST_COMMAND - 1)}…`;
}
