import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Launched } from './paths.js';

/** Cgroups of our own, where this machine lets us make some. */
export interface Cgroups {
  /** Why there are none. */
  readonly missing: string | undefined;
  make(name: string, limits?: { readonly limitBytes?: number }): Launched;
  /** Kills everything in it at once. */
  kill(name: string): void;
}

/** @param use - limiting memory, or killing as a whole; the two may be different hierarchies on one machine */
export function cgroupFor(use: 'memory' | 'kill'): Cgroups {
  const root = ROOTS[use].find((it) => usable(it, use));
  const folder = (name: string): string => `${root}/${name}`;
  return {
    missing: root === undefined ? `no cgroup may be made here that ${MEANING[use]}` : undefined,
    make(name, { limitBytes } = {}) {
      mkdirSync(folder(name));
      if (limitBytes !== undefined) limitMemory(folder(name), limitBytes);
      return { cgroup: folder(name), undo: () => removeWhenEmpty(folder(name)) };
    },
    kill: (name) => writeFileSync(`${folder(name)}/cgroup.kill`, '1'),
  };
}

const ROOTS = {
  memory: ['/sys/fs/cgroup', '/sys/fs/cgroup/memory'],
  kill: ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'],
} as const;

const MEANING = { memory: 'limits memory', kill: 'can be killed as a whole' } as const;

/** The files that give it away, version 2 first. */
const FILES = {
  memory: ['memory.max', 'memory.limit_in_bytes'],
  kill: ['cgroup.kill'],
} as const;

function usable(root: string, use: 'memory' | 'kill'): boolean {
  const probe = `${root}/leakcheck-probe-${process.pid}`;
  try {
    mkdirSync(probe);
  } catch {
    // Not ours to make, or no cgroups at all.
    return false;
  }
  const there = FILES[use].some((file) => existsSync(`${probe}/${file}`));
  rmdirSync(probe);
  return there;
}

function limitMemory(folder: string, bytes: number): void {
  const file = FILES.memory.map((name) => `${folder}/${name}`).find((path) => existsSync(path));
  if (file !== undefined) writeFileSync(file, String(bytes));
}

/** A cgroup is busy until the last of its dead has been seen off. */
function removeWhenEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY') throw error;
    setTimeout(removeWhenEmpty, 20, folder);
  }
}
