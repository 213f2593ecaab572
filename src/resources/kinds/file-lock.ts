import { resolve } from 'node:path';
import { checkNames, LONGEST_TIMER_MS } from '../../core/index.js';
import type { Granted, Lease, ResourceKind, ResourceRequest } from '../../runtime/index.js';
import { checkText, checkWhole, endlessMs, refuse } from '../checks.js';
import { BaseLease, kindOf } from '../kind.js';

/** Which file is locked, and how long that may take. */
export interface FileLockOptions {
  /** The file; made where it is missing. */
  readonly path: string;
  /** How long to wait for another holder, in ms; `Infinity` for as long as it takes. @defaultValue 0 */
  readonly timeoutMs?: number;
}

/** Which file tells of which process. */
export interface PidFileOptions {
  /** The file; its directory must exist. */
  readonly path: string;
  /** Whose pid is written. @defaultValue this process's */
  readonly pid?: number;
}

/** A lock on a file, held by the process that owns the registry on behalf of who acquired it. */
export interface FileLock extends Lease {
  readonly kind: 'file-lock';
  /** Absolute. */
  readonly path: string;
}

/** A file that names a running process. */
export interface PidFile extends Lease {
  readonly kind: 'pid-file';
  /** Absolute. */
  readonly path: string;
  readonly pid: number;
}

/** What is asked for, once it is checked. */
export interface FileLockRequest extends ResourceRequest {
  readonly kind: 'file-lock';
  readonly path: string;
  readonly pid: number;
  /** At most what a timer takes, which stands for endless. */
  readonly timeoutMs: number;
}

export interface PidFileRequest extends ResourceRequest {
  readonly kind: 'pid-file';
  readonly path: string;
  readonly pid: number;
}

/** What both halves of a file lock and of a pid file know. */
export interface LockedFileFacts {
  readonly path: string;
  readonly pid: number;
}

/**
 * Holds a file for one at a time: the kernel's `flock`, given up by the kernel itself when the process that owns the registry ends, however
 * it ends. It keeps out everybody who takes the `flock` of that file, in any language and by the program `flock`.
 *
 * The holder's pid is in the file, unless it had content of its own, which is left alone. A file that was made for the lock is removed with it.
 * Processes started meanwhile do not inherit the lock: its descriptor is closed in them.
 *
 * Needs the optional package koffi, or the program `flock`; not for network file systems.
 *
 * @throws InvalidSpecError if an option is wrong. To acquire it rejects with `AlreadyLockedError` while another holds it for longer than
 *   `timeoutMs`, and with `CapabilityError` where there is no `flock`.
 */
export function fileLock(options: FileLockOptions): ResourceKind<FileLock> {
  checkNames(LOCK, options, ['path', 'timeoutMs']);
  const { path, timeoutMs = 0 } = options;
  const request = checkedFileLock({
    kind: 'file-lock',
    path: absolute(path),
    pid: process.pid,
    timeoutMs: endlessMs(LOCK, 'timeoutMs', timeoutMs),
  });
  return kindOf(request, (granted) => new LockedFileLease('file-lock', granted));
}

/**
 * A file with the pid of a running process in it, as init scripts and monitors read it; removed when its owner has ended, however it ended.
 *
 * There are never two owners: the file is kept by `flock`. One that a dead process has left is taken over, also where its pid belongs to a
 * later process by now; one that another program has written and that still runs is refused.
 *
 * Needs the optional package koffi, or the program `flock`.
 *
 * @throws InvalidSpecError if an option is wrong. To acquire it rejects with `AlreadyLockedError` or `ResourceExistsError` while another runs that
 *   has it, and with `CapabilityError` where there is no `flock`.
 */
export function pidFile(options: PidFileOptions): ResourceKind<PidFile> {
  checkNames(PID_FILE, options, ['path', 'pid']);
  const { path, pid = process.pid } = options;
  const request = checkedPidFile({ kind: 'pid-file', path: absolute(path), pid });
  return kindOf(request, (granted) => new LockedFileLease('pid-file', granted));
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedFileLock(request: FileLockRequest): FileLockRequest {
  checkText(LOCK, 'path', request.path);
  checkWhole(LOCK, 'pid', request.pid, 1);
  if (
    typeof request.timeoutMs !== 'number' ||
    !(request.timeoutMs >= 0 && request.timeoutMs <= LONGEST_TIMER_MS)
  ) {
    refuse(LOCK, 'timeoutMs', request.timeoutMs, `a number of ms from 0 to ${LONGEST_TIMER_MS}`);
  }
  return request;
}

/** Checks a request, whether it was made here or came by message. @throws InvalidSpecError */
export function checkedPidFile(request: PidFileRequest): PidFileRequest {
  checkText(PID_FILE, 'path', request.path);
  checkWhole(PID_FILE, 'pid', request.pid, 1);
  return request;
}

/** Who owns the registry may stand in another directory. */
function absolute(path: string): string {
  return typeof path === 'string' && path !== '' ? resolve(path) : path;
}

const LOCK = 'file lock';
const PID_FILE = 'pid file';

class LockedFileLease<Kind extends 'file-lock' | 'pid-file'> extends BaseLease {
  readonly kind: Kind;
  readonly path: string;
  readonly pid: number;

  constructor(kind: Kind, granted: Granted) {
    super(granted);
    this.kind = kind;
    // Safe: the facts come from makeFileLock and makePidFile.
    const { path, pid } = granted.facts as LockedFileFacts;
    this.path = path;
    this.pid = pid;
  }

  protected detach(): void {
    // Its owner gives it up.
  }
}
