import { readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { basename } from 'node:path';
import { type ProcessIdentity, readCommand, readProc, splitStat } from '../proc.js';

/** What `/proc` shows of a process that matters to whether a signal ends it. */
export interface ProcessFacts extends ProcessIdentity {
  readonly parent: number;
  readonly group: number;
  /** R, S, D, T, t, Z, X, I. */
  readonly state: string;
  /** The command line; the kernel's name for it in brackets where that is empty, as for a zombie. */
  readonly command: string;
  /** The name of the file that it runs: `node`, `dash`. */
  readonly program: string;
  /** The user it runs as. */
  readonly uid: number;
  /** Who traces it; 0 for nobody. */
  readonly tracer: number;
  readonly threads: number;
  /** Its numbers in the namespaces that it is in, ours first. */
  readonly pids: readonly number[];
  /** Of the signal in question. */
  readonly blocked: boolean;
  readonly ignored: boolean;
  readonly caught: boolean;
  readonly pending: boolean;
}

/** Reads the facts of a process about one signal; undefined if it has ended, or there is no `/proc`. */
export function readFacts(pid: number, signal: NodeJS.Signals): ProcessFacts | undefined {
  const status = readProc(`${pid}/status`);
  const stat = readProc(`${pid}/stat`);
  return status && stat
    ? parseFacts({ pid, status, stat, command: readCommand(pid) ?? '' }, signal)
    : undefined;
}

/** What the files of one process hold, word for word. */
export interface ProcText {
  readonly pid: number;
  readonly status: string;
  readonly stat: string;
  readonly command: string;
}

/** The facts in what was read. */
export function parseFacts({ pid, status, stat, command }: ProcText, signal: NodeJS.Signals): ProcessFacts {
  const line = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const has = (name: string): boolean => hasSignal(line(name), signal);
  const { name, fields } = splitStat(stat);
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startTicks: Number(fields[19]),
    state: fields[0] ?? '',
    command,
    program: programOf(pid, command) ?? name,
    uid: Number(line('Uid').split(/\s/)[0]),
    tracer: Number(line('TracerPid')),
    threads: Number(line('Threads')),
    pids: line('NSpid').split(/\s/).map(Number),
    blocked: has('SigBlk'),
    ignored: has('SigIgn'),
    caught: has('SigCgt'),
    pending: has('SigPnd') || has('ShdPnd'),
  };
}

/** Masks are written in hexadecimal, signal 1 lowest. */
function hasSignal(mask: string, signal: NodeJS.Signals): boolean {
  const bit = constants.signals[signal] - 1;
  return ((Number.parseInt(mask.at(-1 - (bit >> 2)) ?? '0', 16) >> (bit & 3)) & 1) === 1;
}

/** The link tells more than the command line, which a program may change; but it may be closed to us. */
function programOf(pid: number, command: string): string | undefined {
  const file = link(`/proc/${pid}/exe`)?.replace(/ \(deleted\)$/, '');
  // One file in many roles: which one it plays is in its first argument.
  if (file !== undefined && !file.endsWith('/busybox')) return basename(file);
  return basename(command.split(' ')[0] ?? '').replace(/^-/, '') || undefined;
}

/** Where in the kernel its main thread waits, as `do_epoll_wait`; undefined where it does not, or that is not shown. */
export function waitsIn(pid: number): string | undefined {
  const name = readProc(`${pid}/wchan`);
  return name === undefined || name === '' || name === '0' ? undefined : name;
}

/** One look at the main thread of a process. */
export interface Glance {
  readonly suspended: boolean;
  /** How long it has run on processors, in clock ticks. */
  readonly ticks: number;
}

/** Looks at the main thread of a process; undefined once it has ended. Reads one small file. */
export function glanceAt(pid: number): Glance | undefined {
  const stat = readProc(`${pid}/task/${pid}/stat`);
  if (stat === undefined) return undefined;
  const { fields } = splitStat(stat);
  return { suspended: fields[0] === 'T', ticks: Number(fields[11]) + Number(fields[12]) };
}

/** How long the machine has run, in ms, by the clock that processes' beginnings are told in; undefined where that is not shown. */
export function machineUpMs(): number | undefined {
  const seconds = readProc('uptime')?.split(' ')[0];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

/** The system calls by which an event loop waits for events, by their numbers on x64 and arm64. */
const EPOLL_CALLS: ReadonlySet<string> = new Set(['232', '281', '441', '22']);

/**
 * What a Node program's main thread waits for: `'events'` of its event loop, `'events of another loop'`, as within `execSync`, or `'something else'`,
 * as within `Atomics.wait`; undefined if it runs, or that is not shown.
 *
 * Node opens an epoll descriptor for its platform's two loops and then that of the main thread, on all of its versions from 20 to 26; `execSync` turns a loop
 * of its own, whose descriptor is opened later.
 */
export function nodeWaitsFor(
  pid: number,
): 'events' | 'events of another loop' | 'something else' | undefined {
  const [call = '', descriptor] = readProc(`${pid}/syscall`)?.trim().split(' ') ?? [];
  if (!/^\d+$/.test(call)) return undefined;
  if (!EPOLL_CALLS.has(call)) return 'something else';
  const place = epollDescriptors(pid).indexOf(Number(descriptor));
  return place > 2 ? 'events of another loop' : 'events';
}

function epollDescriptors(pid: number): readonly number[] {
  const directory = `/proc/${pid}/fd`;
  try {
    const all = readdirSync(directory).filter(
      (fd) => link(`${directory}/${fd}`) === 'anon_inode:[eventpoll]',
    );
    return all.map(Number).sort((one, other) => one - other);
  } catch {
    // It has ended, or may not be looked into.
    return [];
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
