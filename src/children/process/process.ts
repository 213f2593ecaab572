import type { Socket } from 'node:net';
import { type Exit, errorFacts, type StopObstacle } from '../../core/index.js';
import {
  type ChildOutput,
  type Incarnation,
  type IncarnationFacts,
  type IncarnationHost,
  isThenable,
  type Timer,
  type Usage,
} from '../../runtime/index.js';
import { awaitReadiness, needsStdout } from '../readiness.js';
import { StopInquiry } from './explain/inquiry.js';
import type { Ask } from './explain/question.js';
import { hearReady } from './health/hear-ready.js';
import { watchHealth } from './health/watch.js';
import { Launched } from './launch/launched.js';
import { planSpawn } from './launch/plan.js';
import { ProcessOutput } from './output/streams.js';
import { Lifeline } from './owned/lifeline.js';
import { Rungs } from './owned/rungs.js';
import { ProcessTree } from './owned/tree.js';
import { TreeEnd } from './owned/tree-end.js';
import { Preparation, type Provisions } from './preparation.js';
import { type Asked, explainEnd } from './process-exit.js';
import type { ProcessOptions } from './process-options.js';
import { spawnError } from './spawn-failure.js';
import { ownSpawner, SPAWNER, type Spawned, type Spawner } from './spawned.js';
import { usageOf } from './usage.js';

/** What to run, and how it is connected to this process. */
export interface ProcessLaunch extends ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Opens a message channel to a Node program, with this serialization. */
  readonly channel?: 'advanced' | 'json';
  /** What it has at descriptors of certain numbers, from 3 on: descriptors of this process, and pipes. Not together with a channel. */
  readonly descriptors?: Readonly<Record<number, number | 'pipe'>>;
}

/** How long output may still come in after the end, in ms. Only a descendant that is left alone, or was not found, can use it up. */
const LAST_OUTPUT_MS = 100;

/**
 * One life of an operating-system process, and of the tree of processes that it begins. It is prepared, spawned, and runs; it is gone when the tree
 * is empty:
 *
 * - asked to stop, the processes that `killScope` names get the stop signal, and who outlives the leader has the rest of the stop time;
 * - when the leader ends unasked, the rest is killed at once, and the supervisor is told by `host.fault`.
 *
 * A subclass opens a channel and overrides {@link drain}, {@link askToStop}, {@link onSpawned}, {@link onMessage} and {@link onEnd}. `begin` starts it.
 */
export class ProcessIncarnation implements Incarnation {
  protected readonly host: IncarnationHost;
  protected readonly launch: ProcessLaunch;
  readonly #output: ProcessOutput;
  readonly #preparation: Preparation;
  #child: Spawned | undefined;
  #launched: Launched | undefined;
  #tree: ProcessTree | undefined;
  #rungs: Rungs | undefined;
  #end: TreeEnd | undefined;
  #inquiry: StopInquiry | undefined;
  #lifeline: Lifeline | undefined;
  #asked: Asked = 'nothing';
  /** What becomes of those whom the leader leaves behind. */
  #rest: 'ask' | 'kill' | 'follow' = 'ask';
  #draining = false;
  #paused = false;
  #faulted = false;
  /** How the leader ended, as it counted then; set once. */
  #leaderExit: (() => Exit) | undefined;
  /** Whether all of its output is in. */
  #closed = false;
  #gone = false;
  #timer: Timer | undefined;
  #stopWaiting: (() => void) | undefined;
  #unwatch: (() => void) | undefined;

  constructor(host: IncarnationHost, launch: ProcessLaunch) {
    this.host = launch.health === undefined ? host : hearReady(host, () => this.#watchHealth());
    this.launch = launch;
    this.#output = new ProcessOutput(host, launch);
    this.#preparation = new Preparation(host, launch, this.#output);
  }

  /** Starts the process. To be called once, by the driver. */
  begin(): this {
    try {
      const provisions = this.#preparation.run();
      if (isThenable(provisions)) void this.#spawnLater(provisions);
      else this.#spawn(provisions);
    } catch (error) {
      this.#fail(error);
    }
    return this;
  }

  /** A program without a channel is told to finish its work by its `drainSignal`; without one its drain is over at once. */
  drain(_withinMs: number): void {
    const { drainSignal } = this.launch;
    if (this.#gone) return;
    if (drainSignal === undefined || this.#child === undefined) return this.host.drained();
    this.markAsked();
    this.#draining = true;
    this.#rungs?.drain(drainSignal);
  }

  stop(withinMs: number): void {
    if (this.#isDone) return;
    this.markAsked();
    this.#draining = false;
    this.#stopWaiting?.();
    if (this.#child === undefined) this.#preparation.cancel();
    else if (this.ended) this.#stopRest();
    else this.askToStop(withinMs);
  }

  kill(): void {
    if (this.#isDone) return;
    this.#asked = 'kill';
    this.#rest = 'kill';
    this.#unwatch?.();
    this.#stopWaiting?.();
    if (this.#child === undefined) return this.#preparation.cancel();
    this.#rungs?.kill(this.host.clock);
    this.#unref();
    if (this.ended) this.#end?.follow();
  }

  /** Of the leader; once that has ended, of the first of those whom it has left behind. */
  facts(): IncarnationFacts {
    const left = this.ended && !this.#gone ? this.#tree?.members()[0] : undefined;
    if (left !== undefined) return { pid: left.pid, command: left.command };
    return { pid: this.#launched?.pid, command: [this.launch.file, ...this.launch.args].join(' ') };
  }

  /**
   * Sends a signal to the leader alone: reload and log-rotation signals would end helpers that do not know them. To all of a program that has put
   * itself in the background.
   */
  signal(signal: NodeJS.Signals): boolean {
    if (this.#rest === 'follow' && !this.#gone) return this.#tree?.signal(signal) ?? false;
    return this.#leaderExit === undefined && (this.#launched?.signal(signal) ?? false);
  }

  reload(): boolean {
    const { reloadSignal } = this.launch;
    return reloadSignal !== undefined && this.signal(reloadSignal);
  }

  pause(on: boolean): boolean {
    if (this.#gone || this.#tree === undefined) return false;
    if (!(on ? this.#tree.suspend() : this.#tree.signal('SIGCONT'))) return false;
    this.#paused = on;
    return true;
  }

  /** Why its processes have not ended; before it was asked to stop, what would stand in the way. */
  explain(heard = false): readonly StopObstacle[] {
    if (this.#gone || this.#tree === undefined) return [];
    return this.#inquiry?.explain(this.#tree.members(), this.#stopSignal, heard) ?? [];
  }

  output(): ChildOutput | undefined {
    return this.#output.isKept ? this.#output : undefined;
  }

  usage(): Usage | undefined {
    return this.#gone || this.#tree === undefined ? undefined : usageOf(this.#tree.members());
  }

  /** The process, for its channel; undefined where it could not be started. */
  protected get child(): Spawned | undefined {
    return this.#child;
  }

  /** Whether it was asked to stop, or killed. */
  protected get asked(): boolean {
    return this.#asked !== 'nothing';
  }

  /** Whether the leader has ended; from then on nothing can be sent to it. */
  protected get ended(): boolean {
    return this.#leaderExit !== undefined || this.#gone;
  }

  /** Whether nobody is left whom a stop or a kill is for: its last output alone is waited for. */
  get #isDone(): boolean {
    return this.#gone || (this.ended && this.launch.killScope === 'process');
  }

  /** It was asked to end, by a drain: from here on its end is the one that was asked for. */
  protected markAsked(): void {
    this.#unwatch?.();
    if (this.#asked === 'nothing') this.#asked = 'stop';
  }

  /** Ends its stdin, if that was open, and sends the stop signal to the whole group, or to the leader alone. */
  protected askToStop(_withinMs: number): void {
    this.#child?.stdin?.end();
    this.#rungs?.ask();
    if (this.#paused) this.wake();
  }

  /** Takes down what it is asked, just before it is. */
  protected asks(by: Ask['by'], signal: NodeJS.Signals, to: Ask['to']): void {
    this.#inquiry?.asks(by, signal, to);
  }

  /** Lets go on what is suspended, so that it hears what it is asked. */
  protected wake(): void {
    if (this.#paused) this.pause(false);
    else this.#rungs?.wake();
  }

  /** It is being started: its pid is known, unless it could not be. */
  protected onSpawned(_child: Spawned): void {
    // A program without a channel has nothing more to be listened to.
  }

  /** A message came in by the channel. */
  protected onMessage(_message: unknown): void {
    // A program without a channel sends none.
  }

  /** The incarnation is gone and about to be reported so, once this resolves: settle what waits for it, release what it held. Called once. */
  protected onEnd(_exit: Exit): Promise<void> | undefined {
    // Nothing waits for a program without a channel, and it holds nothing of ours.
    return undefined;
  }

  /** What a status other than 0 stands for. */
  protected explainCode(code: number): Exit {
    return { type: 'code', code };
  }

  async #spawnLater(provisions: Promise<Provisions>): Promise<void> {
    try {
      const ready = await provisions;
      if (this.asked) this.#endUnborn();
      else this.#spawn(ready);
    } catch (error) {
      if (this.asked) this.#endUnborn();
      else this.#fail(error);
    }
  }

  /** It was asked to end before it was spawned. */
  #endUnborn(): void {
    this.#leaderExit = () => ({ type: this.#asked === 'kill' ? 'killed' : 'shutdown' });
    this.#finish();
  }

  #spawn({ marking, lockFd }: Provisions): void {
    const plan = planSpawn(this.launch, {
      child: this.host.path,
      output: this.#output.stdio(),
      inherited: [
        ...placedDescriptors(this.launch),
        ...(lockFd === undefined ? [] : [lockFd]),
        ...(this.launch.background ? ['pipe' as const] : []),
      ],
      env: marking?.env ?? {},
    });
    const spawner = this.host.services.get<Spawner>(SPAWNER) ?? ownSpawner;
    try {
      this.#launched = new Launched(spawner, plan, this.launch);
      this.#child = this.#launched.spawned;
    } catch (error) {
      // Node throws some refusals of the operating system, such as E2BIG, and reports others by 'error'.
      return this.#fail(spawnError(this.host.path, this.launch, error));
    }
    this.#listen(this.#child);
    this.onSpawned(this.#child);
    if (this.#child.pid !== undefined) {
      this.#preparation.spawned(this.#child.pid);
      this.#run(this.#child, this.#child.pid, marking?.token);
    }
    const lifeline = this.#child.stdio[lifelineFd(this.launch, lockFd)];
    if (this.launch.background && lifeline)
      // Safe: it was asked for as a pipe, which can be read and written.
      this.#lifeline = new Lifeline(lifeline as Socket, () => this.#onLifelineEnd());
  }

  #listen(child: Spawned): void {
    child.on('error', (error) => this.#onError(error));
    child.once('exit', (code, signal) => this.#onExit(code, signal));
    child.once('close', () => this.#onClose());
    if (this.launch.channel !== undefined) child.on('message', (message) => this.#onMessage(message));
    // A broken pipe is an event of the stream, not of the process, and would end this one.
    for (const stream of streamsOf(child)) stream.on('error', () => undefined);
    this.#output.attach(child);
  }

  #run(child: Spawned, pid: number, token: string | undefined): void {
    const tree = new ProcessTree(pid, token, this.host.clock, this.#launched?.cgroup);
    this.#tree = tree;
    this.#rungs = new Rungs(
      this.launch,
      tree,
      (signal) => this.signal(signal),
      (signal, to) => this.asks('signal', signal, to),
    );
    this.#inquiry = new StopInquiry(this.host, pid, this.launch.file);
    this.#end = new TreeEnd(
      tree,
      this.host.clock,
      () => this.#onLeft(),
      () => this.#awaitOutput(),
    );
    // Without a pipe its 'exit' says all there is to know.
    this.#closed = streamsOf(child).length === 0 && this.launch.channel === undefined;
    this.#awaitReadiness(child);
  }

  /** A launcher is not the program, but writes nothing either: a line is the program's, and may come in before it is known to have begun. */
  #awaitReadiness(child: Spawned): void {
    const wait = (): void => {
      if (!this.asked && !this.ended)
        this.#stopWaiting = awaitReadiness(this.host, child.stdout ?? undefined);
    };
    if (needsStdout(this.host.settings.ready)) wait();
    else this.#launched?.whenBegun(wait);
  }

  /** It is ready: from here on its health counts. */
  #watchHealth(): void {
    const { health } = this.launch;
    if (health === undefined || this.#unwatch !== undefined || this.asked || this.ended) return;
    this.#unwatch = watchHealth(this.host, health, {
      members: () => this.#tree?.members() ?? [],
      isPaused: () => this.#paused,
    });
  }

  #onMessage(message: unknown): void {
    if (!this.#gone) this.onMessage(message);
  }

  #onError(error: Error): void {
    // Without a pid it could not be started, and no 'exit' will come.
    if (this.#child?.pid === undefined) this.#fail(spawnError(this.host.path, this.launch, error));
    else this.host.note(`its process reported an error: ${error.message}`, errorFacts(error));
  }

  #fail(error: unknown): void {
    this.#leaderExit = () => ({ type: 'not-started', error: errorFacts(error) });
    this.#finish();
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const asked = this.#asked;
    const follows = this.launch.background === true && code === 0 && asked === 'nothing';
    // A program in the background ends later, by the time of which it may have been asked to.
    const mayStarve = asked !== 'kill' && (signal === 'SIGKILL' || this.#launched?.endsWhole);
    const starved = mayStarve ? this.#launched?.outOfMemory : undefined;
    this.#leaderExit = () =>
      follows && this.#asked === 'stop' ? { type: 'shutdown' } : this.#explain(code, signal, asked, starved);
    this.#tree?.leaderEnded();
    if (follows) return this.#goOn();
    this.#unwatch?.();
    this.#stopWaiting?.();
    if (this.launch.killScope === 'process') return this.#awaitOutput();
    if (asked === 'nothing' || this.launch.killScope === 'mixed') this.#rest = 'kill';
    if (this.#end?.look(false)) return;
    if (this.#tree?.groupIsEmpty === false) this.#onLeft();
    this.#end?.follow();
  }

  /** The leader has left somebody behind. */
  #onLeft(): void {
    if (this.#rest === 'follow') return;
    if (this.#rest === 'kill') this.#rungs?.killRest();
    else this.#rungs?.askRest();
    if (this.#draining) this.host.drained();
    if (this.asked || this.#faulted || this.#launched?.endsWhole) return;
    this.#faulted = true;
    // What cannot be killed either is then named by the supervisor's stop ladder. Safe: the leader has ended.
    this.host.fault(this.#leaderExit?.() as Exit);
  }

  /** Asked to stop after the leader has ended. */
  #stopRest(): void {
    if (this.#rest === 'follow') this.#rest = 'ask';
    this.#rungs?.askRest();
    this.#end?.follow();
  }

  /** The leader of a program that puts itself in the background has done so: what it leaves behind is the program. */
  #goOn(): void {
    this.#rest = 'follow';
    if (this.#lifeline?.held !== true) this.#end?.follow('idle');
  }

  /** Its last writer has closed the pipe: it has ended, or has closed what it does not know of, and is watched by its mark. */
  #onLifelineEnd(): void {
    if (this.#rest === 'follow') this.#end?.follow('idle');
  }

  /** The supervisor waits for the end with a timer of its own; a process that cannot die must not keep this one running. */
  #unref(): void {
    const child = this.#child;
    if (child === undefined) return;
    if (this.#end !== undefined) this.#end.keepAlive = false;
    child.unref();
    child.channel?.unref();
    // Safe: the pipes of a child process are sockets.
    for (const stream of streamsOf(child)) (stream as Socket).unref();
  }

  #awaitOutput(): void {
    this.#output.readToEnd();
    if (this.#closed) this.#finish();
    else this.#timer = this.host.clock.after(LAST_OUTPUT_MS, () => this.#finish());
  }

  /** All pipes are at their end. Usually this follows 'exit' within a fraction of a millisecond. */
  #onClose(): void {
    this.#closed = true;
    if (this.#timer !== undefined) this.#finish();
    else if (this.ended) this.#end?.look(false);
  }

  #finish(): void {
    if (this.#gone || this.#leaderExit === undefined) return;
    this.#gone = true;
    this.#timer?.cancel();
    this.#rungs?.over();
    this.#end?.cancel();
    this.#stopWaiting?.();
    this.#letGo();
    this.#launched?.cgroup?.remove();
    const exit = this.#leaderExit();
    const settling = [this.onEnd(exit), this.#output.finish(), this.#preparation.release()];
    if (!settling.some(isThenable)) this.#tell(exit);
    else void Promise.allSettled(settling).then(() => this.#tell(exit));
  }

  #tell(exit: Exit): void {
    const lines = this.#output.lastLines;
    this.host.exited(exit, lines.length === 0 ? undefined : lines);
  }

  /** Closes our ends of what a descendant that was left alone, or not found, may still hold open. */
  #letGo(): void {
    const child = this.#child;
    if (child === undefined) return;
    for (const stream of streamsOf(child)) stream.destroy();
    if (child.connected) child.disconnect();
  }

  /** @param starved - what shows that the kernel has ended it for want of memory */
  #explain(
    code: number | null,
    signal: NodeJS.Signals | null,
    asked: Asked,
    starved: string | undefined,
  ): Exit {
    const failure = this.#launched?.failure(this.host.path, code, this.#output.lastLines);
    if (failure !== undefined) return { type: 'not-started', error: errorFacts(failure) };
    // Somebody had to be killed, be it only what the leader left behind.
    if (this.#asked === 'kill' && asked !== 'kill') return { type: 'killed' };
    const outOfMemory = starved ?? this.#output.outOfMemory;
    const ended = this.#launched?.trueSignal(code, signal) ?? signal;
    const exit = explainEnd({ code, signal: ended, asked, signals: this.launch, outOfMemory });
    return exit.type === 'code' ? this.explainCode(exit.code) : exit;
  }

  get #stopSignal(): NodeJS.Signals {
    return this.launch.stopSignal ?? 'SIGTERM';
  }
}

function streamsOf(child: Spawned): readonly NonNullable<Spawned['stdio'][number]>[] {
  return child.stdio.filter((stream) => stream != null);
}

/** Where the pipe by which a program in the background is followed is put: behind its channel, its own descriptors and its lock. */
function lifelineFd(launch: ProcessLaunch, lockFd: number | undefined): number {
  const before = Number(launch.channel !== undefined) + Number(lockFd !== undefined);
  return 3 + before + placedDescriptors(launch).length;
}

/** Its own descriptors, in their places; between them there is nothing to be had. */
function placedDescriptors({ descriptors = {} }: ProcessLaunch): readonly (number | 'pipe' | 'ignore')[] {
  const last = Math.max(2, ...Object.keys(descriptors).map(Number));
  return Array.from({ length: last - 2 }, (_, index) => descriptors[index + 3] ?? 'ignore');
}
