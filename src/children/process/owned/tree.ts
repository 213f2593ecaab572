import { readCommand, readStat } from '../proc.js';
import { ProcessGroup } from './process-group.js';

/** One living process of a tree, told from a later one of the same pid by when it started. */
export interface Member {
  readonly pid: number;
  /** In clock ticks since boot; 0 where it cannot be known. */
  readonly startTicks: number;
  readonly command: string;
}

/** A process that we have started, and everything that descends from it. */
export class ProcessTree {
  readonly #leader: number;
  readonly #group: ProcessGroup;

  /** @param leader - the leader of a group of its own, just started */
  constructor(leader: number) {
    this.#leader = leader;
    this.#group = new ProcessGroup(leader);
  }

  /** The leader has been reaped. */
  leaderEnded(): void {
    this.#group.leaderEnded();
  }

  /** Sends a signal to everybody in the leader's group; false where there is nobody. */
  signalGroup(signal: NodeJS.Signals): boolean {
    return this.#group.signal(signal);
  }

  /** Sends a signal to those who have left the group; false where there is nobody. */
  signalEscaped(_signal: NodeJS.Signals): boolean {
    return false;
  }

  /** Sends a signal to everybody; false where there is nobody. */
  signal(signal: NodeJS.Signals): boolean {
    const reached = this.signalGroup(signal);
    return this.signalEscaped(signal) || reached;
  }

  /** Whether the leader's group, known to have lost its leader, has nobody left, at the kernel's word. */
  get groupIsEmpty(): boolean {
    return this.#group.isEmpty(false);
  }

  /**
   * Whether the leader, known to have ended, has left nobody behind.
   * @param thoroughly - also looks at every process; otherwise "no" may mean that it takes a look to know
   */
  isEmpty(thoroughly: boolean): boolean {
    return this.#group.isEmpty(thoroughly);
  }

  /** Everybody who lives, the leader first. */
  members(): readonly Member[] {
    const startTicks = readStat(this.#leader)?.startTicks;
    if (startTicks === undefined) return [];
    return [{ pid: this.#leader, startTicks, command: readCommand(this.#leader) ?? '' }];
  }
}
