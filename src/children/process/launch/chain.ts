import { readFileSync } from 'node:fs';
import type { ProcessLaunch } from '../process-launch.js';
import { type Credentials, credentialsOf } from './identity.js';
import { limitSteps } from './limits.js';
import { lastScript, namespaceScript, PLACE_SCRIPT } from './scripts.js';
import { needWrapper } from './wrappers.js';

/** What a chain of commands must know of the place it runs in. */
export interface Surroundings {
  /** Whose program it is, for errors. */
  readonly child: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The descriptor on which it is said how far the launch has come. */
  readonly statusFd: number;
  readonly cgroup: string | undefined;
}

/** Commands of which each sets something and becomes the next, and what Node is left to set. */
export interface Chain {
  readonly command: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** Whether the options want more than Node's own `spawn` can do. */
export function needsChain(launch: ProcessLaunch): boolean {
  const { umask, nice = 0, limits = {}, groups, parentDeathSignal, isolate = {} } = launch;
  return (
    umask !== undefined ||
    nice !== 0 ||
    Object.keys(limits).length > 0 ||
    groups !== undefined ||
    parentDeathSignal !== undefined ||
    Object.values(isolate).includes(true)
  );
}

/** The user and group, where Node's `spawn` sets them: it takes all supplementary groups away. */
export function plainIds(launch: ProcessLaunch): Pick<Chain, 'uid' | 'gid'> {
  const { uid, gid } = credentialsOf(launch) ?? {};
  return { ...(uid === undefined ? {} : { uid }), ...(gid === undefined ? {} : { gid }) };
}

/**
 * What needs the rights of this process comes first: the control group, niceness, limits, namespaces. Then the user is changed, and with it, as a change of user
 * takes it back, the parent-death signal is set. A shell is the last: it says that all went well, and becomes the program.
 *
 * @throws CapabilityError for a wrapper that is missing, Error for a user or group that is not known
 */
export function chainOf(launch: ProcessLaunch, around: Surroundings): Chain {
  const { nice = 0, limits = {}, isolate = {}, umask } = launch;
  const wish = (option: string): string => `The ${option} of "${around.child}"`;
  const shell = needWrapper('sh', wish('options'));
  const limiting = limitSteps(limits, wish('limits'));
  const before = [
    ...(around.cgroup === undefined ? [] : [shell, '-c', PLACE_SCRIPT, 'treewarden', around.cgroup]),
    ...(nice === 0 ? [] : [needWrapper('nice', wish('nice')), '-n', String(nice)]),
    ...limiting.wrapper,
    ...namespaces(launch, around, shell),
  ];
  const { ids, wrapper } = userSteps(launch, before.length > 0, wish);
  const script = lastScript({
    statusFd: around.statusFd,
    lines: [...limiting.script, ...(umask === undefined ? [] : [`umask ${umask.toString(8)}`])],
    // Beyond a namespace the parent cannot be seen, and there it is not needed: the namespace ends with this process.
    parent: launch.parentDeathSignal === undefined || isolate.pid ? undefined : process.pid,
    looks: isolate.pid === true,
    unset: ADDED_BY_SHELLS.filter((name) => around.env[name] === undefined),
  });
  const last = [...wrapper, shell, '-c', script, 'treewarden', ...oddVariables(around, wish)];
  return { command: [...before, ...last, launch.file, ...launch.args], ...ids };
}

/** A shell tells its programs of these; those that nobody else has told of them shall not be. */
const ADDED_BY_SHELLS = ['PWD', 'OLDPWD', 'SHLVL'];

/** Shells hand on no variable with a name that is none to them. */
function oddVariables({ env }: Surroundings, wish: (option: string) => string): readonly string[] {
  const odd = Object.entries(env).filter(
    ([name, value]) => value !== undefined && !/^[A-Za-z_]\w*$/.test(name),
  );
  return odd.length === 0
    ? []
    : [needWrapper('env', wish('env')), ...odd.map(([name, value]) => `${name}=${value}`)];
}

/** What changes the user, and sets the parent-death signal: Node where it can and nothing before needs more rights, else `setpriv`. */
function userSteps(
  launch: ProcessLaunch,
  rightsNeeded: boolean,
  wish: (option: string) => string,
): { readonly ids: Pick<Chain, 'uid' | 'gid'>; readonly wrapper: readonly string[] } {
  const { parentDeathSignal, isolate = {} } = launch;
  const credentials = credentialsOf(launch);
  const byNode = credentials?.groups.length === 0 && !rightsNeeded;
  const flags = [
    ...(credentials === undefined || byNode ? [] : credentialFlags(credentials)),
    ...(parentDeathSignal === undefined || isolate.pid
      ? []
      : ['--pdeathsig', parentDeathSignal.replace(/^SIG/, '')]),
    ...(isolate.pid && !isPrivileged() ? ['--ambient-caps', '-all', '--inh-caps', '-all'] : []),
  ];
  return {
    ids: byNode ? plainIds(launch) : {},
    wrapper:
      flags.length === 0
        ? []
        : [
            needWrapper('setpriv', wish(credentials ? 'uid, gid and groups' : 'parentDeathSignal')),
            ...flags,
            '--',
          ],
  };
}

function credentialFlags({ uid, gid, groups }: Credentials): readonly string[] {
  return [
    '--reuid',
    String(uid ?? process.getuid?.()),
    '--regid',
    String(gid ?? process.getgid?.()),
    ...groupFlags(groups),
  ];
}

function groupFlags(groups: Credentials['groups']): readonly string[] {
  if (groups === 'init') return ['--init-groups'];
  return groups.length === 0 ? ['--clear-groups'] : ['--groups', groups.join()];
}

/** Signals that `unshare` lets pass while it waits for the program; any other would end it, and with it the namespace. */
const BLOCKED_BY_UNSHARE: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT'];

function namespaces(
  launch: ProcessLaunch,
  { child, statusFd }: Surroundings,
  shell: string,
): readonly string[] {
  const { isolate = {}, stopSignal = 'SIGTERM' } = launch;
  if (!isolate.pid && !isolate.ipc) return [];
  const wish = (what: string): string => `The isolate of "${child}"${what}`;
  const unshare = needWrapper('unshare', wish(''));
  // Whoever may not make namespaces may make some in a namespace of users.
  const user = isPrivileged()
    ? []
    : ['--user', '--map-current-user', ...(isolate.pid ? ['--keep-caps'] : [])];
  const ipc = isolate.ipc ? ['--ipc'] : [];
  if (!isolate.pid) return [unshare, ...user, ...ipc, '--'];
  const ignored = BLOCKED_BY_UNSHARE.includes(stopSignal) ? undefined : stopSignal.replace(/^SIG/, '');
  return [
    unshare,
    ...user,
    ...ipc,
    '--pid',
    '--',
    shell,
    '-c',
    namespaceScript(statusFd, ignored),
    'treewarden',
    unshare,
    '--fork',
    '--mount-proc',
    '--',
    ...(ignored === undefined
      ? []
      : [needWrapper('env', wish(' and its stopSignal')), `--default-signal=${ignored}`]),
  ];
}

const CAP_SYS_ADMIN = 1n << 21n;

/** Whether this process may make namespaces. */
function isPrivileged(): boolean {
  try {
    const mask = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    return mask !== undefined && (BigInt(`0x${mask}`) & CAP_SYS_ADMIN) !== 0n;
  } catch {
    // No /proc: the kernel itself will say.
    return process.geteuid?.() === 0;
  }
}
