import type { Readable } from 'node:stream';
import type { StopObstacle } from '../../core/index.js';
import type { IncarnationFacts, IncarnationHost, Usage } from '../../runtime/index.js';
import { StopInquiry } from './explain/inquiry.js';
import type { Ask } from './explain/question.js';
import type { Patient } from './health/watch.js';
import type { Launched } from './launch/launched.js';
import { Rungs } from './owned/rungs.js';
import { type Member, ProcessTree } from './owned/tree.js';
import type { ProcessLaunch } from './process-launch.js';
import { usageOf } from './usage.js';

/** How long ago it may have been seen who is there, where it is only to be known what they use. */
const LATELY_MS = 250;

/** A program that runs, with everything that descends from it: what it can be asked and told, and what there is to see of it, until nobody is left. */
export class RunningProcess implements Patient {
  readonly tree: ProcessTree;
  readonly rungs: Rungs;
  readonly launched: Launched;
  readonly #launch: ProcessLaunch;
  readonly #inquiry: StopInquiry;
  #leader: 'here' | 'in the background' | 'ended' = 'here';
  #paused = false;

  /** @param token - is in the mark of all its processes */
  constructor(
    host: IncarnationHost,
    launch: ProcessLaunch,
    launched: Launched,
    { pid, token }: { readonly pid: number; readonly token: string | undefined },
  ) {
    this.#launch = launch;
    this.launched = launched;
    this.tree = new ProcessTree(pid, token, host.clock, launched.cgroup, launched.spawned.startTicks);
    this.rungs = new Rungs(
      launch,
      this.tree,
      (signal) => this.signal(signal),
      (signal, to) => this.asks('signal', signal, to),
    );
    this.#inquiry = new StopInquiry(host, () => launched.pid ?? pid, launch.file);
  }

  /** The program's, where it is captured. */
  get stdout(): Readable | undefined {
    return this.launched.spawned.stdout ?? undefined;
  }

  /** Calls back once it is the program, and not its launcher any more. */
  whenBegun(run: () => void): void {
    this.launched.whenBegun(run);
  }

  /**
   * The leader has ended.
   * @param leavesProgram - whether what it leaves behind is the program, which it has put in the background
   */
  leaderEnded(leavesProgram: boolean): void {
    this.#leader = leavesProgram ? 'in the background' : 'ended';
    this.tree.leaderEnded();
  }

  /**
   * Sends a signal to the leader alone: reload and log-rotation signals would end helpers that do not know them. To all of a program that has put
   * itself in the background.
   */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#leader === 'in the background') return this.tree.signal(signal);
    return this.#leader === 'here' && this.launched.signal(signal);
  }

  /** Asks it to end: ends its stdin, if that was open, and sends the stop signal to the whole group, or to the leader alone. */
  ask(): void {
    this.launched.spawned.stdin?.end();
    this.rungs.ask();
    if (this.#paused) this.wake();
  }

  /** Takes down what it is asked, just before it is. */
  asks(by: Ask['by'], signal: NodeJS.Signals, to: Ask['to']): void {
    this.#inquiry.asks(by, signal, to);
  }

  pause(on: boolean): boolean {
    if (!(on ? this.tree.suspend() : this.tree.signal('SIGCONT'))) return false;
    this.#paused = on;
    return true;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** Lets go on what is suspended, so that it hears what it is asked. */
  wake(): void {
    if (this.#paused) this.pause(false);
    else this.rungs.wake();
  }

  /** All of them, as they were a moment ago: who looks at what many children use looks once for all of them. */
  members(): readonly Member[] {
    return this.#ofProgram(this.tree.members(LATELY_MS));
  }

  /** Of the leader; once that has ended, of the first of those whom it has left behind. */
  facts(): IncarnationFacts | undefined {
    if (this.#leader === 'here') return { pid: this.launched.pid, command: commandOf(this.#launch) };
    const [left] = this.#ofProgram(this.tree.members());
    return left === undefined ? undefined : { pid: left.pid, command: left.command };
  }

  /**
   * Why its processes have not ended; before it was asked to stop, what would stand in the way.
   * @param heard - whether the program has said that it heard the message it was asked by
   */
  explain(heard: boolean): readonly StopObstacle[] {
    const members = this.#ofProgram(this.tree.members());
    return this.#inquiry.explain(members, this.#launch.stopSignal ?? 'SIGTERM', heard);
  }

  usage(): Usage | undefined {
    return usageOf(this.members());
  }

  /** Without those who only attend to it in its namespace, unless nobody else is left. */
  #ofProgram(members: readonly Member[]): readonly Member[] {
    const own = members.filter(({ pid }) => !this.launched.isAttendant(pid));
    return own.length > 0 ? own : members;
  }
}

/** The command line of a program, as it was given. */
export function commandOf({ file, args }: ProcessLaunch): string {
  return [file, ...args].join(' ');
}
