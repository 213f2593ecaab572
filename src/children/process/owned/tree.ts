import type { Clock } from '../../../runtime/index.js';
import { isDead, listPids, readCommand, readStat } from '../proc.js';
import { type Census, censusSince, lastPid, type Resident, readResident, recentCensus } from './census.js';
import { isGone, isKnown, isOutside, roundMs } from './outsiders.js';
import { ProcessGroup } from './process-group.js';

/** One living process of a tree, told from a later one of the same pid by when it started. */
export interface Member {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTicks: number;
  readonly command: string;
}

/** What holds a whole tree: a control group. */
export interface Enclosure {
  readonly isEmpty: boolean;
  kill(): void;
}

/**
 * A process that we have started, and everything that descends from it: the leader's group and, where it was given a mark, every process that
 * carries it, is in the leader's session, or keeps its environment from us and was started by one of these.
 */
export class ProcessTree {
  readonly #leader: number;
  readonly #token: string | undefined;
  readonly #clock: Clock;
  readonly #cgroup: Enclosure | undefined;
  readonly #group: ProcessGroup;
  readonly #isChild: boolean;
  readonly #startedAtMs: number;
  #ended = false;
  #lookFromMs = 0;
  #doubtfulLooks = 0;
  #empty = false;

  /**
   * @param leader - the leader of a group and session of its own, just started
   * @param token - is in {@link MARK_VARIABLE} of its environment, and of nobody else's
   * @param cgroup - what nobody of the tree can leave, if it has that
   * @param startTicks - of a leader that another process waits for
   */
  constructor(
    leader: number,
    token: string | undefined,
    clock: Clock,
    cgroup?: Enclosure,
    startTicks?: number,
  ) {
    this.#leader = leader;
    this.#token = token;
    this.#clock = clock;
    this.#cgroup = cgroup;
    this.#group = new ProcessGroup(leader, startTicks);
    this.#isChild = startTicks === undefined;
    this.#startedAtMs = clock.now();
    LEADERS.add(leader);
  }

  /** The leader has been reaped. */
  leaderEnded(): void {
    this.#ended = true;
    this.#lookFromMs = this.#clock.now();
    LEADERS.delete(this.#leader);
    isGone(this.#leader, this.#clock);
    this.#group.leaderEnded();
  }

  /** Sends a signal to everybody in the leader's group; false where there is nobody. */
  signalGroup(signal: NodeJS.Signals): boolean {
    return this.#group.signal(signal);
  }

  /** Sends a signal to those who have left the group; false where there is nobody. */
  signalEscaped(signal: NodeJS.Signals): boolean {
    return this.#escaped(FRESH_MS).filter((one) => signalResident(one, signal)).length > 0;
  }

  /** Sends a signal to everybody; false where there is nobody. */
  signal(signal: NodeJS.Signals): boolean {
    if (signal === 'SIGKILL') this.#cgroup?.kill();
    const reached = this.signalGroup(signal);
    return this.signalEscaped(signal) || reached;
  }

  /** Suspends everybody: looks until nobody is found who was not stopped yet. */
  suspend(): boolean {
    let reached = this.signal('SIGSTOP');
    for (let look = 0; look < SUSPEND_LOOKS; look++) {
      const moving = this.#escaped(0).filter(({ state }) => state !== 'T');
      if (moving.length === 0) break;
      for (const one of moving) reached = signalResident(one, 'SIGSTOP') || reached;
    }
    return reached;
  }

  /** Whether the leader's group, known to have lost its leader, has nobody left, at the kernel's word. */
  get groupIsEmpty(): boolean {
    return this.#group.isEmpty(false);
  }

  /**
   * Whether the leader, known to have ended, has left nobody behind; zombies are nobody.
   * @param thoroughly - also looks at every process; otherwise "no" may mean that it takes a look to know
   */
  isEmpty(thoroughly: boolean): boolean {
    if (this.#cgroup !== undefined) this.#empty ||= this.#cgroup.isEmpty;
    else
      this.#empty ||=
        this.#token === undefined ? this.#group.isEmpty(thoroughly) : this.#isDeserted(thoroughly);
    return this.#empty;
  }

  /**
   * Everybody who lives, the leader first.
   * @param whileMs - how long ago they may have been looked for; who was born since is not among them
   */
  members(whileMs: number = FRESH_MS): readonly Member[] {
    if (this.#empty) return [];
    const residents =
      this.#token === undefined ? this.#inGroup() : this.#lookAt(this.#recentCensus(whileMs)).ours;
    return residents
      .map(({ pid, startTicks }) => ({
        pid,
        startTicks,
        // Few who ask for the members want it.
        get command() {
          return readCommand(pid) ?? '';
        },
      }))
      .toSorted((a, b) => Number(b.pid === this.#leader) - Number(a.pid === this.#leader));
  }

  #isDeserted(thoroughly: boolean): boolean {
    if (this.#group.isEmpty(false) && !this.#mayHaveEscaped()) return true;
    if (!thoroughly) return false;
    // Nobody is born to a tree without anybody: a look that was taken for another tree since the leader's end is good enough, but not twice.
    const { ours, doubtful, takenAtMs } = this.#lookAt(censusSince(this.#clock, this.#lookFromMs));
    this.#lookFromMs = takenAtMs + 0.01;
    if (ours.length > 0) this.#doubtfulLooks = 0;
    else if (!doubtful || ++this.#doubtfulLooks === DOUBTFUL_LOOKS) return true;
    return false;
  }

  /**
   * Whether anybody was born since the leader was who could be ours. Certain only as long as the kernel cannot have given out all numbers meanwhile
   * and come round; after that it takes a look at everybody.
   */
  #mayHaveEscaped(): boolean {
    if (this.#token === undefined) return false;
    const last = lastPid();
    if (last === undefined || last < this.#leader || last - this.#leader > NEAR) return true;
    if (this.#clock.now() - this.#startedAtMs > roundMs()) return true;
    let looks = 0;
    for (let pid = this.#leader + 1; pid <= last; pid++) {
      if (!isKnown(pid, this.#clock) && ++looks > MOST_LOOKS) return true;
      if (this.#isSuspect(pid)) return true;
    }
    return false;
  }

  #isSuspect(pid: number): boolean {
    // The leaders of other trees are ours to know, and not in this one.
    if (LEADERS.has(pid) || isOutside(this.#leader, pid, this.#clock, this.#isChild)) return false;
    const one = readResident(pid);
    return one !== undefined && (one.environment !== 'read' || this.#isOurs(one));
  }

  #escaped(whileMs: number): readonly Resident[] {
    if (this.#empty || !this.#mayHaveEscaped()) return [];
    const census = whileMs === 0 ? censusSince(this.#clock, this.#clock.now()) : this.#recentCensus(whileMs);
    return this.#lookAt(census).ours.filter(({ group }) => group !== this.#leader);
  }

  /** Not from before there was a leader, who would be missing from it. */
  #recentCensus(whileMs: number): Census {
    const census = recentCensus(this.#clock, whileMs);
    return census.takenAtMs < this.#startedAtMs ? censusSince(this.#clock, this.#startedAtMs) : census;
  }

  #lookAt(census: Census): Look {
    const { unread, takenAtMs } = census;
    // Safe: only trees with a token look at residents.
    const near = [...census.carriers(this.#token as string), ...census.around(this.#leader)];
    const ours = new Map(near.filter((one) => this.#isOurs(one)).map((one) => [one.pid, one]));
    for (let before = -1; before < ours.size; ) {
      before = ours.size;
      for (const one of unread) if (ours.has(one.parent)) ours.set(one.pid, one);
    }
    const doubtful = unread.some(({ pid, environment }) => environment === 'empty' && !ours.has(pid));
    return { ours: [...ours.values()], doubtful, takenAtMs };
  }

  #isOurs({ pid, marks, group, session }: Resident): boolean {
    // Safe: only trees with a token look at residents.
    if (marks.includes(this.#token as string)) return true;
    if (pid === this.#leader) return !this.#ended;
    if (group !== this.#leader && session !== this.#leader) return false;
    // Once the leader has ended, whoever has its number shows that nobody of ours was left.
    return !this.#ended || !this.#group.isTaken;
  }

  #inGroup(): readonly { readonly pid: number; readonly startTicks: number }[] {
    if (this.#ended && this.#group.isTaken) return [];
    return listPids().flatMap((pid) => {
      const stat = readStat(pid);
      return stat?.group === this.#leader && !isDead(stat) ? [{ pid, startTicks: stat.startTicks }] : [];
    });
  }
}

/** Who of a tree was there at one moment. */
interface Look {
  readonly ours: readonly Resident[];
  /** Whether somebody's environment was empty, as it is for a moment while a process becomes another program. */
  readonly doubtful: boolean;
  readonly takenAtMs: number;
}

/** The living leaders of this thread's trees. */
const LEADERS = new Set<number>();

/** How old a look may be that a signal goes by: who was born since is found by the next. */
const FRESH_MS = 10;
/** How many numbers beyond the leader's are gone through one by one, and how many of them are looked at: of most it is known from another look. */
const NEAR = 1024;
const MOST_LOOKS = 256;
/** What becomes another program has no environment for a moment: after so many looks, it was given none. */
const DOUBTFUL_LOOKS = 3;
const SUSPEND_LOOKS = 8;

/**
 * Sends a signal to that very process: not to another that has got its number, be it in the same clock tick, unless that one is in the same tree.
 */
function signalResident({ pid, startTicks, session, marks }: Resident, signal: NodeJS.Signals): boolean {
  const now = readResident(pid);
  if (now?.startTicks !== startTicks || now.session !== session) return false;
  // Without any it may have become another program, or written over them, since they were read.
  if (now.marks !== marks && now.marks !== '') return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    // EPERM: it is there, but runs as somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
