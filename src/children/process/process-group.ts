import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Whether processes have groups here; Windows has none, and there only the leader can be reached. */
export const HAS_GROUPS: boolean = process.platform !== 'win32';

/**
 * A process that was started as the leader of a group of its own, and everything it started that stayed in that group.
 * As long as the group has a member, the kernel gives its number to no other process, so it may be signalled
 * after the leader has ended; once it was seen empty it is never signalled again.
 */
export class ProcessGroup {
  readonly #leader: number;
  readonly #target: number;
  #empty = false;

  constructor(leader: number) {
    this.#leader = leader;
    this.#target = HAS_GROUPS ? -leader : leader;
  }

  /** Sends a signal to every member; false where there is none. */
  signal(signal: NodeJS.Signals): boolean {
    return !this.#empty && this.#reaches(signal);
  }

  /**
   * Whether the leader, known to have ended, has left nobody behind. One system call where that is so.
   * @param thoroughly - also reads /proc, to tell whether what remains are zombies that nobody has reaped
   */
  isEmpty(thoroughly: boolean): boolean {
    this.#empty ||=
      !HAS_GROUPS || !this.#reaches(0) || this.#isTaken() || (thoroughly && !hasLivingMember(this.#leader));
    return this.#empty;
  }

  /** Whether a stranger has our leader's number by now: a group of ours would have kept it from being given away. */
  #isTaken(): boolean {
    return existsSync(`/proc/${this.#leader}`) && isOwnProc();
  }

  #reaches(signal: NodeJS.Signals | 0): boolean {
    try {
      process.kill(this.#target, signal);
      return true;
    } catch (error) {
      // EPERM: there are members, but they run as somebody else.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }
}

/** Whether a process runs. One that has ended and was not reaped yet does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const stat = readStat(pid);
  return stat === undefined || !DEAD.has(stat.state) || !isOwnProc();
}

/**
 * Whether /proc shows a living member of the group whose leader has ended; true where /proc cannot tell.
 * It looks at every process of the machine, so it is asked only when the kernel's quick answer stays "not empty".
 */
function hasLivingMember(group: number): boolean {
  if (!isOwnProc()) return true;
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).some((pid) => isLivingMember(pid, group));
  } catch {
    // No /proc here: the kernel's answer to signal 0 stands.
    return true;
  }
}

/** Whether /proc numbers processes as we do. After `unshare --pid` alone it is that of another namespace, and tells of strangers. */
function isOwnProc(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

function isLivingMember(pid: number, group: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.group === group && !DEAD.has(stat.state);
}

const DEAD: ReadonlySet<string> = new Set(['Z', 'X', 'x']);

function readStat(pid: number): { state: string; group: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold spaces and parentheses of its own; the fields begin after the last one.
    const [state = '', , group = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, group: Number(group) };
  } catch {
    // It ended between the listing and the reading.
    return undefined;
  }
}
