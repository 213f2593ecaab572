import { constants, endianness } from 'node:os';
import type { MapAccess, SystemV } from './backend.js';
import type { Ffi } from './ffi.js';
import { CAN_DETACH, type Memory } from './memory.js';
import { systemCallError, throwing, tried } from './system-call.js';

/** System V shared memory and semaphores, of Linux and macOS. @throws where libc, or this backend, cannot */
export function openSystemV(ffi: Ffi, memory: Memory): SystemV {
  return { ...openSegments(ffi, memory), ...openSets(ffi) };
}

type Segments = Pick<SystemV, 'createSegment' | 'openSegment' | 'attach' | 'removeSegment'>;
type Sets = Omit<SystemV, keyof Segments>;

const DARWIN = process.platform === 'darwin';
// Linux and macOS agree on these.
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
const IPC_NOWAIT = 0o4000;
const IPC_RMID = 0;
const IPC_STAT = 2;
const SHM_RDONLY = 0o10000;
const SEM_UNDO = 0x1000;
// On these they do not.
const GETVAL = DARWIN ? 5 : 12;
const SETALL = DARWIN ? 9 : 17;

function openSegments(ffi: Ffi, memory: Memory): Segments {
  // Zeros put over an attachment end it on Linux; macOS would go on counting it.
  if (DARWIN && !CAN_DETACH) throw new Error('Segments cannot be detached safely before Node 22 on macOS.');
  const shmget = throwing(ffi, 'shmget', ffi.declare('shmget', ['int', 'size', 'int'], 'int'));
  const shmat = throwing(ffi, 'shmat', ffi.declare('shmat', ['int', 'address', 'int'], 'address'));
  const shmdt = throwing(ffi, 'shmdt', ffi.declare('shmdt', ['address'], 'int'));
  const shmctl = throwing(ffi, 'shmctl', ffi.declare('shmctl', ['int', 'int', 'memory'], 'int'));
  const size = (id: number): number => {
    const status = Buffer.alloc(256);
    shmctl(id, IPC_STAT, status);
    return segmentSize(status);
  };
  return {
    createSegment: (key, bytes, mode) => shmget(key, bytes, mode | IPC_CREAT | IPC_EXCL),
    openSegment: (key) => shmget(key, 0, 0),
    attach: (id, bytes, access) => {
      const span = size(id);
      if (bytes > span) throw systemCallError('shmat', constants.errno.EOVERFLOW);
      const address = shmat(id, 0, ATTACH[access]);
      return memory.adopt(`the System V segment ${id}`, address, bytes, span, detacher(shmdt, address));
    },
    removeSegment: (id) => {
      shmctl(id, IPC_RMID, Buffer.alloc(256));
    },
  };
}

const ATTACH: Readonly<Record<MapAccess, number>> = {
  read: SHM_RDONLY,
  write: 0,
  'copy-on-write': SHM_RDONLY,
};

/** Made out here, so that it keeps nothing else alive: it waits for the end of the buffer. */
function detacher(shmdt: (address: number) => number, address: number): () => void {
  return () => void shmdt(address);
}

/** `shm_segsz` of `struct shmid_ds`, behind the permissions: 24 bytes of them on macOS, 48 on Linux. */
function segmentSize(status: Buffer): number {
  const offset = DARWIN ? 24 : 48;
  return Number(endianness() === 'LE' ? status.readBigUInt64LE(offset) : status.readBigUInt64BE(offset));
}

function openSets(ffi: Ffi): Sets {
  const semget = throwing(ffi, 'semget', ffi.declare('semget', ['int', 'int', 'int'], 'int'));
  const semop = throwing(ffi, 'semop', ffi.declare('semop', ['int', 'memory', 'size'], 'int'));
  const fixed = ['int', 'int', 'int'] as const;
  const control = throwing(ffi, 'semctl', ffi.declareVariadic('semctl', fixed, ['size'], 'int'));
  const controlAll = throwing(ffi, 'semctl', ffi.declareVariadic('semctl', fixed, ['memory'], 'int'));
  return {
    createSemaphores: (key, count, mode) => semget(key, count, mode | IPC_CREAT | IPC_EXCL),
    openSemaphores: (key) => semget(key, 0, 0),
    setValues: (id, values) => {
      controlAll(id, 0, SETALL, Uint16Array.from(values));
    },
    value: (id, index) => control(id, index, GETVAL, 0),
    // `struct sembuf`: number, operation and flags, 16 bits each.
    add: (id, index, delta, undo) =>
      tried(() => semop(id, Int16Array.of(index, delta, IPC_NOWAIT | (undo ? SEM_UNDO : 0)), 1)),
    removeSemaphores: (id) => {
      control(id, 0, IPC_RMID, 0);
    },
  };
}
