import { existsSync, readFileSync } from 'node:fs';
import { readUnsized } from '../proc.js';
import type { ControlGroup } from './cgroup.js';

/** Sees whether the kernel ended somebody for want of memory since it was made: by the counter of a control group. */
export class OomWatch {
  readonly #cgroup: ControlGroup | undefined;
  readonly #before: number | undefined;

  /** @param cgroup - the program's own, if it has one; else that of this process, which the program shares, is looked at */
  constructor(cgroup: ControlGroup | undefined) {
    this.#cgroup = cgroup;
    this.#before = this.#count();
  }

  /** What has been counted since, in words; undefined where nothing has, or nothing is counted here. */
  risen(): string | undefined {
    const now = this.#count();
    if (now === undefined || this.#before === undefined || now <= this.#before) return undefined;
    return `the kernel ended it for want of memory (oom_kill of its control group: ${now}, before: ${this.#before})`;
  }

  #count(): number | undefined {
    return this.#cgroup?.oomKills ?? countIn(ownCounter());
  }
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
