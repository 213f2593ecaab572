import { fstatSync, openSync, readlinkSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import type { FlockHow, Native } from './backend.js';
import type { Ffi } from './ffi.js';
import { openFutex } from './futex.js';
import { openMemory } from './memory.js';
import { openNamedSemaphores } from './named-semaphores.js';
import { openRobustMutexes } from './robust-mutexes.js';
import { ifThere, systemCallError, throwing, throwingResult, tried } from './system-call.js';
import { openSystemV } from './system-v.js';

/** Binds libc. What this platform's has not is undefined in the result. @throws where not even memory can be mapped */
export function openLibc(ffi: Ffi): Native {
  const threadId = openThreadId(ffi);
  const memfd = openMemfd(ffi);
  const memory = openMemory(ffi, threadId, memfd);
  return {
    name: ffi.name,
    map: memory.map,
    allocate: openAllocate(ffi),
    memfd,
    seal: openSeal(ffi),
    flock: openFlock(ffi),
    reap: ifThere(() => openReap(ffi)),
    robustMutex: ifThere(() => openRobustMutexes(ffi)),
    systemV: ifThere(() => openSystemV(ffi, memory)),
    namedSemaphores: ifThere(() => openNamedSemaphores(ffi)),
    threadId,
    sweepThreads: memory.sweepThreads,
    ...ifThere(() => openFutex(ffi)),
  };
}

/** macOS has no `posix_fallocate`; zeros that are written are reserved as well. */
function openAllocate(ffi: Ffi): Native['allocate'] {
  const fallocate = ifThere(() =>
    throwingResult('posix_fallocate', ffi.declare('posix_fallocate', ['int', 'long', 'long'], 'int')),
  );
  if (fallocate === undefined) return writeZeros;
  return (fd, bytes) => {
    fallocate(fd, 0, bytes);
  };
}

function writeZeros(fd: number, bytes: number): void {
  const zeros = Buffer.alloc(65_536);
  for (let at = fstatSync(fd).size; at < bytes; )
    at += writeSync(fd, zeros, 0, Math.min(zeros.length, bytes - at), at);
}

const MFD_CLOEXEC = 1;
const MFD_ALLOW_SEALING = 2;

function openMemfd(ffi: Ffi): Native['memfd'] {
  const create = ifThere(() =>
    throwing(ffi, 'memfd_create', ffi.declare('memfd_create', ['text', 'uint'], 'int')),
  );
  const close = ffi.declare('close', ['int'], 'int');
  return (name) => {
    if (create === undefined) throw systemCallError('memfd_create', constants.errno.ENOSYS);
    const fd = create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    const known = ifThere(() => openSync(`/proc/self/fd/${fd}`, 'r+'));
    if (known === undefined) return fd;
    // In a thread Node warns of a descriptor that it is to close and has not opened.
    close(fd);
    return known;
  };
}

const F_ADD_SEALS = 1033;
/** No other seals, no shrinking, no growing. */
const SEALS = 1 | 2 | 4;

function openSeal(ffi: Ffi): Native['seal'] {
  if (process.platform !== 'linux') return () => false;
  const fcntl = ifThere(() => ffi.declareVariadic('fcntl', ['int', 'int'], ['int'], 'int'));
  return (fd) => fcntl?.(fd, F_ADD_SEALS, SEALS) === 0;
}

const LOCK: Readonly<Record<FlockHow, number>> = { shared: 1, exclusive: 2, unlock: 8 };
const LOCK_NB = 4;

function openFlock(ffi: Ffi): Native['flock'] {
  const flock = throwing(ffi, 'flock', ffi.declare('flock', ['int', 'int'], 'int'));
  return (fd, how) => tried(() => flock(fd, LOCK[how] | LOCK_NB));
}

const WNOHANG = 1;

function openReap(ffi: Ffi): NonNullable<Native['reap']> {
  const waitpid = ffi.declare('waitpid', ['int', 'memory', 'int'], 'int');
  return (pid) => waitpid(pid, new Int32Array(1), WNOHANG) === pid;
}

/** A thread's id never changes, so it is asked for once. */
function openThreadId(ffi: Ffi): Native['threadId'] {
  const id = isMainThread ? process.pid : (ownThread(ffi) ?? process.pid);
  return () => id;
}

function ownThread(ffi: Ffi): number | undefined {
  // A function of that name is something else on macOS.
  if (process.platform !== 'linux') return undefined;
  // glibc has it since 2.30.
  const gettid = ifThere(() => ffi.declare('gettid', [], 'int'));
  if (gettid !== undefined) return gettid();
  return ifThere(() => Number(readlinkSync('/proc/thread-self').split('/').at(-1)));
}
