import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { checkNames } from '../../core/index.js';
import type { Native } from '../backend/backend.js';
import { type BackendChoice, loadNative, nativeReport } from '../backend/choose.js';
import { checkBackend, memoryDirPath } from '../registry/options.js';
import { type ProcessCapabilityName, processCapabilities } from './process-capabilities.js';
import { orNothing } from './read.js';

/** Something that this machine, or this Node, can do for resources or cannot; by the name that a `CapabilityError` gives. */
export interface Capability {
  readonly name: CapabilityName;
  readonly there: boolean;
  /** What provides it, or what is done without it. */
  readonly detail: string;
  /** What to do so that it is there; nothing where it is, or cannot be. */
  readonly advice?: string;
}

/** What there may be, each by the name that errors and `treewarden doctor` give it. */
export type CapabilityName =
  /** Functions of libc can be called: memory is mapped, and locks cost nanoseconds. */
  | 'native'
  /** What a killed program leaves is released at once, by a process that watches it. */
  | 'guardian'
  /** That process can remove System V objects. */
  | 'ipcrm'
  /** A process is told from another one that got its pid. */
  | 'proc'
  /** Files that live in memory. */
  | 'memory-files'
  /** Memory without a name, which nobody can leave behind. */
  | 'anonymous-memory'
  /** Segments and semaphore sets of System V. */
  | 'system-v'
  /** Semaphores that other programs open by `sem_open`. */
  | 'posix-semaphores'
  /** Locks by robust mutexes of libc: the fastest, some 60 ns where nobody else wants one. */
  | 'lock:pthread'
  /** Locks by `flock`. */
  | 'lock:flock'
  /** Locks by sockets without a file, for programs without native code. */
  | 'lock:socket'
  /** A waiter sleeps in the kernel, and is woken at once, beside the event loop. */
  | 'futex'
  | ProcessCapabilityName;

/** By what means, and where, things are to be done. */
export interface CapabilityOptions {
  /** @defaultValue `'auto'` */
  readonly backend?: BackendChoice;
  /** @defaultValue where registries have it by default */
  readonly memoryDir?: string;
}

/**
 * What can be had here, and what is missing. Loads the native backend; changes nothing. Never rejects for what is missing.
 *
 * @throws InvalidSpecError if an option is wrong
 */
export async function capabilities(options: CapabilityOptions = {}): Promise<readonly Capability[]> {
  checkNames('capabilities()', options, ['backend', 'memoryDir']);
  const { backend = 'auto' } = options;
  checkBackend('capabilities()', backend);
  const native = await loadNative(backend);
  const { reasons } = await nativeReport(backend);
  const { platform } = process;
  return [
    capability('native', native !== undefined, native?.name ?? reasons.join(' '), INSTALL_KOFFI),
    guardian(),
    ipcrm(),
    capability(
      'proc',
      existsSync('/proc/self/stat'),
      existsSync('/proc/self/stat') ? '/proc' : 'a dead owner whose pid was given away counts as alive',
      platform === 'linux' ? 'Mount /proc.' : undefined,
    ),
    memoryFiles(memoryDirPath(options.memoryDir)),
    anonymousMemory(native, memoryDirPath(options.memoryDir)),
    ofNative('system-v', native, native?.systemV !== undefined, 'segments and semaphore sets'),
    ofNative('posix-semaphores', native, native?.namedSemaphores !== undefined, 'named semaphores'),
    ofNative('lock:pthread', native, native?.robustMutex !== undefined, native?.robustMutex?.layout ?? ''),
    ofNative('lock:flock', native, true, 'locks of open files'),
    capability(
      'lock:socket',
      platform === 'linux',
      platform === 'linux' ? 'abstract sockets, for programs without native code' : 'on Linux only',
    ),
    ofNative('futex', native, native?.wait !== undefined, 'waiters sleep in the kernel'),
    ...processCapabilities(),
  ];
}

const INSTALL_KOFFI = 'Install the optional package koffi.';

function capability(name: CapabilityName, there: boolean, detail: string, advice?: string): Capability {
  return { name, there, detail, ...(there || advice === undefined ? {} : { advice }) };
}

/** What only libc has: without it that is what is missing, with it the rest. */
function ofNative(
  name: CapabilityName,
  native: Native | undefined,
  has: boolean,
  detail: string,
): Capability {
  if (native === undefined) return capability(name, false, 'needs "native"', INSTALL_KOFFI);
  return capability(name, has, has ? detail : `not by ${native.name} on this system`);
}

function guardian(): Capability {
  const there = isExecutable('/bin/sh');
  return there
    ? capability('guardian', true, '/bin/sh')
    : capability(
        'guardian',
        false,
        'no /bin/sh: what a killed program leaves stays until the next start',
        'Install a POSIX shell, or run `treewarden reclaim` after a kill.',
      );
}

function ipcrm(): Capability {
  const path = pathOf('ipcrm');
  return capability(
    'ipcrm',
    path !== undefined,
    path ?? 'not in PATH: the guardian cannot remove System V objects, the next start can',
    'Install util-linux (busybox has it too).',
  );
}

function memoryFiles(dir: string): Capability {
  const there = dir === '/dev/shm' && isWritable(dir);
  const detail = there ? dir : `${dir}: shared state is in ordinary files, which a disk may slow down`;
  return capability('memory-files', there, detail, 'Mount a tmpfs on /dev/shm, or give a memoryDir on one.');
}

/** Others reach it through /proc, or inherit its descriptor. */
function anonymousMemory(native: Native | undefined, dir: string): Capability {
  if (process.platform !== 'linux') {
    return capability(
      'anonymous-memory',
      false,
      'a descriptor can be inherited, but nobody else can reach it',
    );
  }
  return capability('anonymous-memory', true, native === undefined ? `O_TMPFILE in ${dir}` : 'memfd');
}

function pathOf(program: string): string | undefined {
  // Where the guardian looks as well.
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  return orNothing(() => accessSync(path, constants.X_OK) ?? true) ?? false;
}

function isWritable(dir: string): boolean {
  return orNothing(() => accessSync(dir, constants.W_OK) ?? true) ?? false;
}
