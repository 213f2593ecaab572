import { existsSync } from 'node:fs';
import { isDead, isOwnProc, listPids, readStat } from '../proc.js';

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
  readonly #startTicks: number | undefined;
  #leaderEnded = false;
  #empty = false;

  /** @param startTicks - of a leader that is not ours to reap, so that we hear of its end only after its number may have been given away */
  constructor(leader: number, startTicks?: number) {
    this.#leader = leader;
    this.#startTicks = startTicks;
    this.#target = HAS_GROUPS ? -leader : leader;
  }

  /** The leader has been reaped: from here on its number may be given away, once the group is empty. */
  leaderEnded(): void {
    this.#leaderEnded = true;
  }

  /** Sends a signal to every member; false where there is none. */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#leaderEnded) this.#empty ||= !HAS_GROUPS || this.isTaken;
    else if (this.#startTicks !== undefined) this.#empty ||= this.#isReplaced(this.#startTicks);
    return !this.#empty && this.#reaches(signal);
  }

  /**
   * Whether the leader, known to have ended, has left nobody behind. One system call where that is so.
   * @param thoroughly - also reads /proc, to tell whether what remains are zombies that nobody has reaped
   */
  isEmpty(thoroughly: boolean): boolean {
    this.#empty ||=
      !HAS_GROUPS || !this.#reaches(0) || this.isTaken || (thoroughly && !hasLivingMember(this.#leader));
    return this.#empty;
  }

  /** Whether a stranger has our leader's number, now that it has ended: a group of ours would have kept it from being given away. */
  get isTaken(): boolean {
    return existsSync(`/proc/${this.#leader}`) && isOwnProc();
  }

  #isReplaced(startTicks: number): boolean {
    const stat = readStat(this.#leader);
    return stat !== undefined && stat.startTicks !== startTicks;
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

/**
 * Whether /proc shows a living member of the group whose leader has ended; true where /proc cannot tell.
 * It looks at every process of the machine, so it is asked only when the kernel's quick answer stays "not empty".
 */
function hasLivingMember(group: number): boolean {
  if (!isOwnProc()) return true;
  return listPids().some((pid) => isLivingMember(pid, group));
}

function isLivingMember(pid: number, group: number): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.group === group && !isDead(stat);
}
