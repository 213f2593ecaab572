import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { CapabilityError } from '../../../core/index.js';
import { readStat } from '../proc.js';

/** A control group (version 2) of one incarnation, below that of this process: ended as one, and known to be empty. */
export class ControlGroup {
  readonly path: string;

  /** @throws CapabilityError where none may be made */
  constructor(wish: string) {
    const below = ownGroup();
    if (below === undefined)
      throw new CapabilityError('cgroup', wish, 'there is no control group of version 2 here. Mount one.');
    removeLeftovers(below);
    this.path = `${below}/${nameOf(process.pid)}${++made}`;
    try {
      mkdirSync(this.path);
    } catch (error) {
      const { message } = error as Error;
      throw new CapabilityError(
        'cgroup',
        wish,
        `no group may be made below that of this process (${message}). Have it delegated, as by Delegate=yes of systemd, or leave isolate.cgroup out.`,
      );
    }
  }

  /** Ends everybody in it, whatever they do meanwhile. */
  kill(): void {
    try {
      writeFileSync(`${this.path}/cgroup.kill`, '1');
    } catch {
      // Kernels before 5.14 have no such file; the tree is then ended by its group and its mark alone.
    }
  }

  /** Whether nobody lives in it; zombies are nobody. */
  get isEmpty(): boolean {
    return /^populated 0$/m.test(readText(`${this.path}/cgroup.events`) ?? 'populated 0');
  }

  /** How often the kernel has ended somebody in it for want of memory; undefined where memory is not accounted here. */
  get oomKills(): number | undefined {
    const count = /^oom_kill (\d+)$/m.exec(readText(`${this.path}/memory.events`) ?? '')?.[1];
    return count === undefined ? undefined : Number(count);
  }

  /** Removes it; false while somebody lives in it. */
  remove(): boolean {
    return removed(this.path);
  }
}

let made = 0;

/** The name says whose it is, so that the next one finds what a killed program has left. */
const nameOf = (pid: number): string => `treewarden-${pid}-${readStat(pid)?.startTicks ?? 0}-`;

function removeLeftovers(below: string): void {
  for (const name of readdirSync(below)) {
    const [whole, pid] = /^(?:treewarden-(\d+)-\d+-)\d+$/.exec(name) ?? [];
    // One without anybody in it may be another's who is just about to fill it, unless that one has ended.
    if (whole !== undefined && !whole.startsWith(nameOf(Number(pid)))) removed(`${below}/${name}`);
  }
}

function removed(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Where the group of this process is. */
function ownGroup(): string | undefined {
  const own = /^0::(.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1];
  const mount = /^\d+ \d+ \S+ (\S+) (\S+) .* - cgroup2 /m.exec(readText('/proc/self/mountinfo') ?? '');
  if (own === undefined || mount === null) return undefined;
  const [, root = '/', place = ''] = mount;
  const inside = root !== '/' && own.startsWith(root) ? own.slice(root.length) : own;
  return `${place}${inside === '/' ? '' : inside}`;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not mounted, or removed meanwhile.
    return undefined;
  }
}
