import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Leftover, LimitFacts } from '../../core/index.js';
import type { Recorded } from '../guard/lines.js';
import { type Unattached, unattachedSegments } from './leftovers.js';
import {
  filesOf,
  freeMemory,
  type LimitName,
  limit,
  memory,
  PAGE_BYTES,
  semaphoreLimits,
  sizeOf,
} from './limits.js';
import { orNothing } from './read.js';
import { semaphoreSets } from './system-v.js';

/** A limit that was reached, what counts against it in vain, and what to do. */
export interface Full {
  readonly limit: LimitFacts;
  readonly leftovers: readonly Leftover[];
  /** As sentences; names one command. */
  readonly advice: string;
}

/** What the ledgers of dead programs list; looked up only if it is needed. */
export type Left = () => readonly Recorded[];

/** Which limit keeps a segment from being made; nothing if none does. */
export function fullSegment(bytes = 0, errno: string, left: Left = () => []): Full | undefined {
  if (errno === 'EINVAL') return tooLargeSegment(bytes);
  const pages = limit('kernel.shmall');
  const needed = Math.ceil(bytes / PAGE_BYTES);
  const reached = reachedBy(limit('kernel.shmmni'), 1) ?? reachedBy(pages, needed);
  if (reached === undefined) return undefined;
  const keys = new Set(left().map(({ entry }) => (entry.type === 'sysv-shm' ? entry.key : 0)));
  const leftovers = unattachedSegments(({ key }) => keys.has(key));
  const noun = reached === pages ? 'pages of segments' : 'segments';
  return {
    limit: reached,
    leftovers,
    advice: `${useOf(reached, noun)} ${untended(leftovers)} ${freeing(leftovers) ?? raising(reached, needed)}`,
  };
}

/** Which limit keeps a semaphore set from being made; nothing if none does. */
export function fullSet(count = 1, errno: string, left: Left = () => []): Full | undefined {
  if (errno === 'EINVAL') return tooLargeSet(count);
  const sets = limit('kernel.sem SEMMNI');
  const reached = reachedBy(sets, 1) ?? reachedBy(limit('kernel.sem SEMMNS'), count);
  if (reached === undefined) return undefined;
  const ids = new Set(left().map(({ identity }) => (identity?.type === 'sysv-sem' ? identity.id : -1)));
  const leftovers = semaphoreSets()
    .filter(({ id }) => ids.has(id))
    .map(({ id }) => ({
      what: `System V semaphore set ${id}`,
      madeBy: 'a dead program of ours',
      reclaimable: true,
    }));
  const noun = reached === sets ? 'semaphore sets' : 'semaphores';
  return {
    limit: reached,
    leftovers,
    advice:
      leftovers.length > 0
        ? `${useOf(reached, noun)} ${byReclaim(leftovers.length)}`
        : `${useOf(reached, noun)} Nothing records who uses a set. Raise the limit: \`${semaphoreCommand(reached, count)}\`.`,
  };
}

/** Which limit keeps a file from being made or from growing. */
export function fullFile(dir: string, bytes = 0, errno: string, left: Left = () => []): Full | undefined {
  if (errno !== 'ENOSPC') return undefined;
  const space = sizeOf(dir);
  // Two: a file has two names while it is made, and each counts.
  const reached = reachedBy(filesOf(dir), 2) ?? reachedBy(space, Math.max(bytes, PAGE_BYTES));
  if (reached === undefined) return undefined;
  const leftovers = filesLeft(dir, left());
  const wanted = reached === space && bytes > 0 ? ` ${bytes} were asked for.` : '';
  const use = `${useOf(reached, reached === space ? 'bytes' : 'files')}${wanted} It is memory, and no disk is full.`;
  const advice =
    leftovers.length > 0 ? byReclaim(leftovers.length) : growing(dir, reached, reached === space, bytes);
  return { limit: reached, leftovers, advice: `${use} ${advice}` };
}

function filesLeft(dir: string, left: readonly Recorded[]): readonly Leftover[] {
  return left.flatMap(({ entry, identity }) => {
    if (entry.type !== 'file' || identity?.type !== 'file') return [];
    const path = entry.paths.find(
      (one) => dirname(one) === dir && orNothing(() => lstatSync(one).ino) === identity.ino,
    );
    if (path === undefined) return [];
    return [
      {
        what: path,
        bytes: orNothing(() => lstatSync(path).size),
        madeBy: 'a dead program of ours',
        reclaimable: true,
      },
    ];
  });
}

function growing(dir: string, { allowed, used = 0 }: LimitFacts, inSize: boolean, bytes: number): string {
  if (!inSize) return `Let it take more files: \`mount -o remount,nr_inodes=${allowed * 2} ${dir}\`.`;
  const size = roundedUp(used + bytes);
  return `Make it larger: \`mount -o remount,size=${size} ${dir}\` (a container: --shm-size).`;
}

function byReclaim(count: number): string {
  return `${count === 1 ? 'One of these was' : `${count} of these were`} left behind by a dead program of ours: run \`treewarden reclaim\`.`;
}

/** Nothing unless more was asked for than there is. */
export function fullMemory(bytes = 0): Full | undefined {
  if (bytes <= freeMemory()) return undefined;
  const reached = memory();
  const advice = `${bytes} bytes were asked for, and ${freeMemory()} are free. Ask for less, or see who has them: \`ps -eo pid,rss,args --sort=-rss\`.`;
  return { limit: reached, leftovers: [], advice };
}

/** A limit of this process or of the machine, if it is nearly reached. */
export function fullProcess(name: LimitName): Full | undefined {
  const reached = reachedBy(limit(name), MARGIN);
  if (reached === undefined) return undefined;
  return {
    limit: reached,
    leftovers: [],
    advice: `${useOf(reached, NOUNS[name])} ${COMMANDS[name](reached)}`,
  };
}

/** Something may have been freed between the refusal and our look. */
const MARGIN = 16;

const NOUNS: Readonly<Partial<Record<LimitName, string>>> = {
  RLIMIT_NOFILE: 'descriptors',
  'fs.file-max': 'open files',
  'vm.max_map_count': 'mappings',
};

const raise = (facts: LimitFacts): string => `Raise it: \`sysctl ${facts.limit}=${facts.allowed * 2}\`.`;
const byShell = (flag: string, unit: number) => (facts: LimitFacts) =>
  `Raise it in the shell that starts this program: \`ulimit -${flag} ${Math.ceil((facts.allowed * 2) / unit)}\`.`;

const COMMANDS: Readonly<Record<LimitName, (facts: LimitFacts) => string>> = {
  'kernel.shmmni': raise,
  'kernel.shmall': raise,
  'kernel.shmmax': raise,
  'kernel.sem SEMMSL': (facts) => `Raise it: \`${semaphoreCommand(facts, 0)}\`.`,
  'kernel.sem SEMMNS': (facts) => `Raise it: \`${semaphoreCommand(facts, 0)}\`.`,
  'kernel.sem SEMMNI': (facts) => `Raise it: \`${semaphoreCommand(facts, 0)}\`.`,
  RLIMIT_NOFILE: byShell('n', 1),
  'fs.file-max': raise,
  'vm.max_map_count': raise,
  RLIMIT_AS: byShell('v', 1024),
  RLIMIT_MEMLOCK: byShell('l', 1024),
};

function tooLargeSegment(bytes: number): Full | undefined {
  const most = limit('kernel.shmmax');
  if (most === undefined || bytes <= most.allowed) return undefined;
  const advice = `one segment may have ${most.allowed} bytes, and ${bytes} were asked for. Raise it: \`sysctl kernel.shmmax=${bytes}\`.`;
  return { limit: most, leftovers: [], advice };
}

function tooLargeSet(count: number): Full | undefined {
  const most = limit('kernel.sem SEMMSL');
  if (most === undefined || count <= most.allowed) return undefined;
  const advice =
    `one set may have ${most.allowed} semaphores, and ${count} were asked for. ` +
    `Raise it: \`${semaphoreCommand(most, count)}\`.`;
  return { limit: most, leftovers: [], advice };
}

function reachedBy(facts: LimitFacts | undefined, more: number): LimitFacts | undefined {
  return facts?.used !== undefined && facts.used + more > facts.allowed ? facts : undefined;
}

function useOf({ limit: name, allowed, used }: LimitFacts, noun = 'bytes'): string {
  return `${used ?? 'all'} of the ${allowed} ${noun} that ${name} allows are in use.`;
}

function untended(leftovers: readonly Unattached[]): string {
  if (leftovers.length === 0) return 'Every segment has a process attached.';
  const shown = leftovers
    .slice(0, SHOWN)
    .map(({ what, bytes, madeBy }) => `${what} (${bytes} bytes, made by ${madeBy})`);
  const rest = leftovers.length > SHOWN ? ` and ${leftovers.length - SHOWN} more` : '';
  return `${leftovers.length} of them ${leftovers.length === 1 ? 'has' : 'have'} no process attached: ${shown.join(', ')}${rest}.`;
}

const SHOWN = 5;

/** The command that frees some, where one is safe: nothing that a living program made, or has attached, is ever named. */
function freeing(leftovers: readonly Unattached[]): string | undefined {
  const ours = leftovers.filter(({ reclaimable }) => reclaimable);
  if (ours.length > 0)
    return `${ours.length} of these a dead program of ours left behind: run \`treewarden reclaim\`.`;
  const orphans = leftovers.filter(({ makerDead }) => makerDead).slice(0, SHOWN);
  if (orphans.length === 0) return undefined;
  const command = orphans.map(({ segment }) => `-m ${segment.id}`).join(' ');
  return `If no program means to find them again, run \`ipcrm ${command}\`.`;
}

function raising(reached: LimitFacts, needed: number): string {
  const value = Math.max(reached.allowed * 2, (reached.used ?? 0) + needed);
  return `Release some, or raise the limit: \`sysctl ${reached.limit}=${value}\`.`;
}

/** The four values of kernel.sem are set together. */
function semaphoreCommand({ limit: name, allowed }: LimitFacts, count: number): string {
  const values = [...(semaphoreLimits() ?? [])];
  const index = SEMAPHORE_LIMITS.indexOf(name.slice('kernel.sem '.length));
  values[index] = Math.max(allowed * 2, count);
  return `sysctl kernel.sem="${values.join(' ')}"`;
}

const SEMAPHORE_LIMITS: readonly string[] = ['SEMMSL', 'SEMMNS', 'SEMOPM', 'SEMMNI'];

function roundedUp(bytes: number): string {
  return `${Math.max(64, 2 ** Math.ceil(Math.log2((bytes * 1.25) / MEGABYTE)))}M`;
}

const MEGABYTE = 1024 * 1024;
