import type { Socket } from 'node:net';
import type { Exit } from '../../core/index.js';
import type { IncarnationHost, Timer } from '../../runtime/index.js';
import { pipesOf } from './connections.js';
import { LeaderExit, type Program } from './leader-exit.js';
import { Lifeline } from './owned/lifeline.js';
import { TreeEnd } from './owned/tree-end.js';
import type { RunningProcess } from './running.js';

/** How long output may still come in after the end, in ms. Only a descendant that is left alone, or was not found, can use it up. */
const LAST_OUTPUT_MS = 100;

/** What is told of an ending. */
export interface EndingListener {
  /** The program has ended as far as it can be asked anything: what is left of it is on its way out. */
  onEnding(): void;
  /** Nobody is left, and all output is in. Called once. */
  onEnded(exit: Exit): void;
}

/**
 * How a program comes to its end: the leader exits, those whom it leaves behind end too, and the last output comes in.
 *
 * Those who outlive a leader that was asked to stop are asked as well, and have the rest of the stop time; when it ends unasked they are killed at once, and
 * the supervisor is told by `host.fault`. Those whom a leader has put in the background are followed.
 */
export class Ending {
  readonly #host: IncarnationHost;
  readonly #program: Program;
  readonly #running: RunningProcess;
  readonly #listener: EndingListener;
  readonly #looks: TreeEnd;
  readonly #lifeline: Lifeline | undefined;
  /** What becomes of those whom the leader leaves behind. */
  #rest: 'ask' | 'kill' | 'follow' = 'ask';
  #leader: LeaderExit | undefined;
  #faulted = false;
  /** Whether all of its output is in. */
  #closed: boolean;
  #lastOutput: Timer | undefined;
  #over = false;

  /** @param lifelineFd - where the pipe is by which a program in the background is followed */
  constructor(
    host: IncarnationHost,
    program: Program,
    running: RunningProcess,
    lifelineFd: number | undefined,
    listener: EndingListener,
  ) {
    this.#host = host;
    this.#program = program;
    this.#running = running;
    this.#listener = listener;
    const { spawned } = running.launched;
    this.#looks = new TreeEnd(
      running.tree,
      host.clock,
      () => this.#onLeft(),
      () => this.#awaitOutput(),
    );
    const lifeline = lifelineFd === undefined ? undefined : spawned.stdio[lifelineFd];
    // Safe: it was asked for as a pipe.
    if (lifeline) this.#lifeline = new Lifeline(lifeline as Socket, () => this.#onLifelineEnd());
    // Without a pipe its 'exit' says all there is to know.
    this.#closed = pipesOf(spawned).length === 0 && program.launch.channel === undefined;
    spawned.once('exit', (code, signal) => this.#onExit(code, signal));
    spawned.once('close', () => this.#onClose());
  }

  /** Whether the leader has ended. */
  get hasBegun(): boolean {
    return this.#leader !== undefined;
  }

  /** Whether nobody is left whom a stop or a kill is for. */
  get isAllButOver(): boolean {
    return this.#over || this.#lastOutput !== undefined;
  }

  /** It was asked to stop after its leader had ended. */
  stop(): void {
    if (this.#rest === 'follow') this.#rest = 'ask';
    this.#running.rungs.askRest();
    this.#looks.follow();
  }

  /** It was killed. The supervisor waits for the end with a timer of its own: a process that cannot die must not keep this one running. */
  kill(): void {
    this.#rest = 'kill';
    this.#looks.keepAlive = false;
    if (this.hasBegun) this.#looks.follow();
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const leader = new LeaderExit(this.#program, code, signal);
    this.#leader = leader;
    this.#running.leaderEnded(leader.leavesProgram);
    if (leader.leavesProgram) this.#goOn();
    else this.#endRest(leader);
  }

  /** The leader of a program that puts itself in the background has done so: what it leaves behind is the program. */
  #goOn(): void {
    this.#rest = 'follow';
    if (this.#lifeline?.held !== true) this.#looks.follow('idle');
  }

  #endRest(leader: LeaderExit): void {
    const { killScope } = this.#program.launch;
    this.#listener.onEnding();
    if (killScope === 'process') return this.#awaitOutput();
    if (leader.wasUnasked || killScope === 'mixed') this.#rest = 'kill';
    if (this.#looks.look(false)) return;
    if (!this.#running.tree.groupIsEmpty) this.#onLeft();
    this.#looks.follow();
  }

  /** The leader has left somebody behind. */
  #onLeft(): void {
    const { launched, rungs } = this.#running;
    const { wish } = this.#program;
    if (this.#rest === 'follow') return;
    if (this.#rest === 'kill') rungs.killRest();
    else rungs.askRest();
    if (wish.draining) this.#host.drained();
    if (wish.asked !== 'nothing' || this.#faulted || launched.endsWhole) return;
    this.#faulted = true;
    // What cannot be killed either is then named by the supervisor's stop ladder. Safe: the leader has ended.
    this.#host.fault((this.#leader as LeaderExit).exit);
  }

  /** Its last writer has closed the pipe: it has ended, or has closed what it does not know of, and is watched by its mark. */
  #onLifelineEnd(): void {
    if (this.#rest === 'follow') this.#looks.follow('idle');
  }

  #awaitOutput(): void {
    this.#program.output.readToEnd();
    if (this.#closed) this.#finish();
    else this.#lastOutput = this.#host.clock.after(LAST_OUTPUT_MS, () => this.#finish());
  }

  /** All pipes are at their end. Usually this follows 'exit' within a fraction of a millisecond. */
  #onClose(): void {
    this.#closed = true;
    if (this.#lastOutput !== undefined) this.#finish();
    else if (this.hasBegun) this.#looks.look(false);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#lastOutput?.cancel();
    this.#running.rungs.over();
    this.#looks.cancel();
    // Safe: it is awaited by nobody before the leader has ended.
    this.#listener.onEnded((this.#leader as LeaderExit).exit);
  }
}
