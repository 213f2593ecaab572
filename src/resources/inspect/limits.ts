import { readdirSync, statfsSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import type { LimitFacts } from '../../core/index.js';
import { orNothing, readNumber, readText } from './read.js';
import { segments, semaphoreSets } from './system-v.js';

/** A limit of this machine, of its ipc namespace, or of this process, that shared memory and semaphores meet. */
export type LimitName =
  | 'kernel.shmmni'
  | 'kernel.shmall'
  | 'kernel.shmmax'
  | 'kernel.sem SEMMSL'
  | 'kernel.sem SEMMNS'
  | 'kernel.sem SEMMNI'
  | 'RLIMIT_NOFILE'
  | 'fs.file-max'
  | 'vm.max_map_count'
  | 'RLIMIT_AS'
  | 'RLIMIT_MEMLOCK';

/** What a limit is and how much of it is used; nothing where this system does not tell. */
export function limit(name: LimitName): LimitFacts | undefined {
  const allowed = LIMITS[name].allowed();
  if (allowed === undefined || Number.isNaN(allowed)) return undefined;
  return { limit: name, allowed, used: LIMITS[name].used?.() };
}

/** All of them that this system tells of. */
export function limits(): readonly LimitFacts[] {
  return (Object.keys(LIMITS) as LimitName[]).flatMap((name) => limit(name) ?? []);
}

/** The size and use of a memory file system, in bytes. */
export function sizeOf(dir: string): LimitFacts | undefined {
  const stat = orNothing(() => statfsSync(dir));
  if (stat === undefined) return undefined;
  // `bavail`, not `bfree`: what only root could take is of no use to us.
  const free = stat.bavail * stat.bsize;
  return { limit: dir, allowed: stat.blocks * stat.bsize, used: stat.blocks * stat.bsize - free };
}

/** How many files a memory file system takes, and has; nothing where it sets no limit. */
export function filesOf(dir: string): LimitFacts | undefined {
  const stat = orNothing(() => statfsSync(dir));
  if (stat === undefined || stat.files === 0) return undefined;
  return { limit: `${dir} (files)`, allowed: stat.files, used: stat.files - stat.ffree };
}

/**
 * How many bytes of memory could be taken at most. What a container's files have in the cache counts as free, though its control group counts
 * it as used: the kernel drops it when memory is asked for.
 */
export function freeMemory(): number {
  return Math.min(allowedMemory(), freemem());
}

/** The memory of this process's container, or else of the machine. */
export function memory(): LimitFacts {
  const allowed = allowedMemory();
  return { limit: 'memory', allowed, used: allowed < totalmem() ? undefined : allowed - freeMemory() };
}

/** No limit is told as 0, or as more than there is. */
function allowedMemory(): number {
  return Math.min(process.constrainedMemory?.() || totalmem(), totalmem());
}

/** The memory that one page takes; a segment takes whole ones. */
export const PAGE_BYTES = 4096;

interface LimitSource {
  readonly allowed: () => number | undefined;
  readonly used?: () => number | undefined;
}

const LIMITS: Readonly<Record<LimitName, LimitSource>> = {
  /** Segments in the ipc namespace. */
  'kernel.shmmni': {
    allowed: () => readNumber('/proc/sys/kernel/shmmni'),
    used: () => segments().length,
  },
  /** Pages of all segments together. */
  'kernel.shmall': {
    allowed: () => readNumber('/proc/sys/kernel/shmall'),
    used: () => segments().reduce((sum, { bytes }) => sum + Math.ceil(bytes / PAGE_BYTES), 0),
  },
  /** Bytes of one segment. */
  'kernel.shmmax': { allowed: () => readNumber('/proc/sys/kernel/shmmax') },
  /** Semaphores in one set. */
  'kernel.sem SEMMSL': { allowed: () => semaphoreLimits()?.[0] },
  /** Semaphores of all sets together. */
  'kernel.sem SEMMNS': {
    allowed: () => semaphoreLimits()?.[1],
    used: () => semaphoreSets().reduce((sum, { count }) => sum + count, 0),
  },
  /** Semaphore sets in the ipc namespace. */
  'kernel.sem SEMMNI': {
    allowed: () => semaphoreLimits()?.[3],
    used: () => semaphoreSets().length,
  },
  /** Open files of this process. */
  RLIMIT_NOFILE: {
    allowed: () => processLimit('Max open files') ?? reportedLimit('open_files'),
    // To look takes a descriptor: if there is none to be had, all are used.
    used: () => orNothing(() => readdirSync('/proc/self/fd').length) ?? reportedLimit('open_files'),
  },
  /** Open files of the whole machine. */
  'fs.file-max': {
    allowed: () => readNumber('/proc/sys/fs/file-max'),
    used: () => readNumber('/proc/sys/fs/file-nr'),
  },
  /** Mappings of this process. */
  'vm.max_map_count': {
    allowed: () => readNumber('/proc/sys/vm/max_map_count'),
    used: () => readText('/proc/self/maps')?.trimEnd().split('\n').length,
  },
  /** Address space of this process, in bytes. */
  RLIMIT_AS: {
    allowed: () => processLimit('Max address space'),
    used: () => statusBytes('VmSize'),
  },
  /** Memory of this process that is kept from being swapped out, in bytes. */
  RLIMIT_MEMLOCK: {
    allowed: () => processLimit('Max locked memory'),
    used: () => statusBytes('VmLck'),
  },
};

/** SEMMSL, SEMMNS, SEMOPM, SEMMNI. @see proc(5), /proc/sys/kernel/sem */
export function semaphoreLimits(): readonly number[] | undefined {
  return readText('/proc/sys/kernel/sem')?.trim().split(/\s+/).map(Number);
}

/** The soft one, which is what is enforced. */
function processLimit(title: string): number | undefined {
  const line = readText('/proc/self/limits')
    ?.split('\n')
    .find((text) => text.startsWith(title));
  const soft = line?.slice(title.length).trim().split(/\s+/)[0];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : soft === undefined ? undefined : Number(soft);
}

/** The same from Node, for when no file can be opened any more; takes some ms. */
function reportedLimit(name: string): number | undefined {
  const report = process.report?.getReport() as
    | { userLimits?: Record<string, { soft: unknown }> }
    | undefined;
  const soft = report?.userLimits?.[name]?.soft;
  return typeof soft === 'number' ? soft : undefined;
}

function statusBytes(field: string): number | undefined {
  const kilobytes = new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(readText('/proc/self/status') ?? '')?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
