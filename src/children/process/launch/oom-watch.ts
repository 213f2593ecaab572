import { existsSync, readFileSync } from 'node:fs';
import type { Clock } from '../../../runtime/index.js';
import { readUnsized } from '../proc.js';
import type { ControlGroup } from './cgroup.js';

/** Sees whether the kernel ended somebody for want of memory since it was made: by the counter of a control group. */
export class OomWatch {
  readonly #cgroup: ControlGroup | undefined;
  readonly #clock: Clock;
  readonly #before: number | undefined;

  /** @param cgroup - the program's own, if it has one; else that of this process, which the program shares, is looked at */
  constructor(cgroup: ControlGroup | undefined, clock: Clock) {
    this.#cgroup = cgroup;
    this.#clock = clock;
    this.#before = cgroup?.oomKills ?? ownCount(clock, FRESH_MS);
  }

  /** What has been counted since, in words; undefined where nothing has, or nothing is counted here. */
  risen(): string | undefined {
    const now = this.#cgroup?.oomKills ?? ownCount(this.#clock, 0);
    if (now === undefined || this.#before === undefined || now <= this.#before) return undefined;
    return `the kernel ended it for want of memory (oom_kill of its control group: ${now}, before: ${this.#before})`;
  }
}

/** How long ago it may have been counted before a start, in ms: a program that is killed over and over, or many that start together, take one look. */
const FRESH_MS = 1000;

let latest: { readonly clock: Clock; readonly atMs: number; readonly count: number | undefined } | undefined;

function ownCount(clock: Clock, freshMs: number): number | undefined {
  const now = clock.now();
  if (freshMs === 0 || latest?.clock !== clock || now - latest.atMs > freshMs)
    latest = { clock, atMs: now, count: countIn(ownCounter()) };
  return latest.count;
}

function countIn(path: string | undefined): number | undefined {
  // Removed, or closed to us: nothing is known then.
  const count = path === undefined ? undefined : /^oom_kill (\d+)$/m.exec(readUnsized(path) ?? '')?.[1];
  return count === undefined ? undefined : Number(count);
}

let counter: { readonly path: string | undefined } | undefined;

/** Looked for once: a process that is moved to another group keeps the counter of its first one, which then says nothing. */
function ownCounter(): string | undefined {
  counter ??= { path: findCounter() };
  return counter.path;
}

/** The group's path seen from inside of a container is often that of the host: there the root of the mount is the group. */
function findCounter(): string | undefined {
  let groups: string;
  try {
    groups = readFileSync('/proc/self/cgroup', 'latin1');
  } catch {
    // No control groups, or no Linux.
    return undefined;
  }
  const first = /^\d+:(?:\S+,)?memory(?:,\S+)?:(.*)$/m.exec(groups)?.[1];
  const second = /^0::(.*)$/m.exec(groups)?.[1];
  return [
    ...(second === undefined
      ? []
      : [`/sys/fs/cgroup${second}/memory.events`, '/sys/fs/cgroup/memory.events']),
    ...(first === undefined
      ? []
      : [`/sys/fs/cgroup/memory${first}/memory.oom_control`, '/sys/fs/cgroup/memory/memory.oom_control']),
  ].find((path) => existsSync(path));
}
