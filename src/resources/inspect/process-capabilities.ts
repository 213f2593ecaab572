import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Capability } from './capabilities.js';
import { orNothing, readText } from './read.js';

/** What processes can be owned by, by the name that `treewarden doctor` gives it. */
export type ProcessCapabilityName =
  /** Users, groups and the parent-death signal. */
  | 'process:setpriv'
  /** Limits of a process. */
  | 'process:prlimit'
  /** `exclusive`, where libc cannot be called. */
  | 'process:flock'
  /** `isolate.pid`: no descendant outlives the program, wherever it goes. */
  | 'process:pid-namespace'
  /** `isolate.ipc`: its System V objects end with it. */
  | 'process:ipc-namespace'
  /** `isolate.cgroup`: its descendants are killed at once, and cannot leave. */
  | 'process:cgroup';

/** What can be had for processes, by a try of each program. */
export function processCapabilities(): readonly Capability[] {
  return [
    byTry('process:setpriv', ['setpriv', '--version'], INSTALL),
    byTry('process:prlimit', ['prlimit', '--version'], INSTALL),
    byTry('process:flock', ['flock', '--version'], 'Install util-linux, or busybox.'),
    byTry('process:pid-namespace', ['unshare', '--pid', '--fork', 'true'], ALLOW),
    byTry('process:ipc-namespace', ['unshare', '--ipc', 'true'], ALLOW),
    cgroup(),
  ];
}

const INSTALL = 'Install util-linux.';
const ALLOW = 'Install util-linux, and run as root or with CAP_SYS_ADMIN.';

function byTry(
  name: ProcessCapabilityName,
  [file, ...args]: readonly [string, ...string[]],
  advice: string,
): Capability {
  // Under Node's permission model nothing may be started, which is thrown.
  const tried = orNothing(() => spawnSync(file, args, { encoding: 'utf8', timeout: 5_000 }));
  if (tried === undefined) return { name, there: false, detail: 'this program may start none' };
  const { error, status, stderr } = tried;
  // busybox knows no --version, and says so; that it starts is enough.
  const there = error === undefined && (status === 0 || args[0] === '--version');
  if (there) return { name, there, detail: file };
  return { name, there, detail: error?.message ?? stderr.trim().split('\n', 1)[0] ?? '', advice };
}

/** A control group of version 2 that this user may make others in. */
function cgroup(): Capability {
  const name = 'process:cgroup';
  const own = /^0::(.*)$/m.exec(readText('/proc/self/cgroup') ?? '')?.[1];
  const mounted = /^\S+ (\S+) cgroup2 /m.exec(readText('/proc/self/mounts') ?? '')?.[1];
  if (own === undefined || mounted === undefined)
    return { name, there: false, detail: 'no control groups of version 2 are mounted' };
  const dir = join(mounted, own);
  const there = orNothing(() => accessSync(dir, constants.W_OK) ?? true) ?? false;
  if (there) return { name, there, detail: dir };
  return {
    name,
    there,
    detail: `${dir} is not this user's`,
    advice: 'Have it delegated, as by Delegate=yes of systemd.',
  };
}
