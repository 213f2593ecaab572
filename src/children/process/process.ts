import type { Socket } from 'node:net';
import { type Exit, errorFacts } from '../../core/index.js';
import {
  type Incarnation,
  type IncarnationFacts,
  type IncarnationHost,
  isThenable,
  type Timer,
} from '../../runtime/index.js';
import { awaitReadiness } from '../readiness.js';
import { planSpawn } from './launch/plan.js';
import { ProcessOutput } from './output/streams.js';
import { ProcessTree } from './owned/tree.js';
import { TreeEnd } from './owned/tree-end.js';
import { Preparation, type Provisions } from './preparation.js';
import { type Asked, explainEnd } from './process-exit.js';
import type { ProcessOptions } from './process-options.js';
import { spawnError } from './spawn-failure.js';
import { ownSpawner, SPAWNER, type Spawned, type Spawner } from './spawned.js';

/** What to run, and how it is connected to this process. */
export interface ProcessLaunch extends ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Opens a message channel to a Node program, with this serialization. */
  readonly channel?: 'advanced' | 'json';
}

/** How long output may still come in after the end, in ms. Only a descendant that is left alone, or was not found, can use it up. */
const LAST_OUTPUT_MS = 100;
/** How long another final signal than SIGKILL has, in ms. */
const FINAL_MS = 1000;

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
  #tree: ProcessTree | undefined;
  #end: TreeEnd | undefined;
  #asked: Asked = 'nothing';
  /** Whether the leader's group, and those who have left it, have been sent the stop signal. */
  #groupAsked = false;
  #escapedAsked = false;
  /** What becomes of those whom the leader leaves behind. */
  #rest: 'ask' | 'kill' = 'ask';
  #draining = false;
  #faulted = false;
  /** How the leader ended, as it counted then; set once. */
  #leaderExit: (() => Exit) | undefined;
  /** Whether all of its output is in. */
  #closed = false;
  #gone = false;
  #timer: Timer | undefined;
  #finalTimer: Timer | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(host: IncarnationHost, launch: ProcessLaunch) {
    this.host = host;
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
    this.signal(drainSignal);
    this.wake();
  }

  stop(withinMs: number): void {
    this.markAsked();
    this.#draining = false;
    this.#stopWaiting?.();
    if (this.#child === undefined) this.#preparation.cancel();
    else if (this.ended) this.#askRest();
    else this.askToStop(withinMs);
  }

  kill(): void {
    const { finalSignal = 'SIGKILL' } = this.launch;
    this.#asked = 'kill';
    this.#rest = 'kill';
    this.#stopWaiting?.();
    if (this.#child === undefined) return this.#preparation.cancel();
    this.#signalScope(finalSignal);
    if (finalSignal !== 'SIGKILL')
      this.#finalTimer = this.host.clock.after(FINAL_MS, () => this.#signalScope('SIGKILL'), false);
    this.#unref();
  }

  facts(): IncarnationFacts {
    return { pid: this.#child?.pid, command: [this.launch.file, ...this.launch.args].join(' ') };
  }

  /** Sends a signal to the leader alone: reload and log-rotation signals would end helpers that do not know them. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#leaderExit === undefined && (this.#child?.kill(signal) ?? false);
  }

  reload(): boolean {
    const { reloadSignal } = this.launch;
    return reloadSignal !== undefined && this.signal(reloadSignal);
  }

  pause(on: boolean): boolean {
    return !this.#gone && (this.#tree?.signal(on ? 'SIGSTOP' : 'SIGCONT') ?? false);
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

  /** It was asked to end, by a drain: from here on its end is the one that was asked for. */
  protected markAsked(): void {
    if (this.#asked === 'nothing') this.#asked = 'stop';
  }

  /** Ends its stdin, if that was open, and sends the stop signal to the whole group, or to the leader alone. */
  protected askToStop(_withinMs: number): void {
    this.#child?.stdin?.end();
    if (this.#stopsGroup) {
      this.#groupAsked = true;
      this.#tree?.signalGroup(this.#stopSignal);
    } else {
      this.signal(this.#stopSignal);
    }
    this.wake();
  }

  /** A suspended process would keep what it is asked for later; signal first is systemd's order too. A running one takes no notice. */
  protected wake(): void {
    this.#tree?.signalGroup('SIGCONT');
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
      output: this.#output.stdio(),
      inherited: lockFd === undefined ? [] : [lockFd],
      env: marking?.env ?? {},
    });
    const spawner = this.host.services.get<Spawner>(SPAWNER) ?? ownSpawner;
    try {
      this.#child = spawner.spawn(plan);
    } catch (error) {
      // Node throws some refusals of the operating system, such as E2BIG, and reports others by 'error'.
      return this.#fail(spawnError(this.host.path, this.launch, error));
    }
    this.#listen(this.#child);
    this.onSpawned(this.#child);
    if (this.#child.pid !== undefined) this.#run(this.#child, this.#child.pid);
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

  #run(child: Spawned, pid: number): void {
    const tree = new ProcessTree(pid);
    this.#tree = tree;
    this.#end = new TreeEnd(
      tree,
      this.host.clock,
      () => this.#onLeft(),
      () => this.#awaitOutput(),
    );
    // Without a pipe its 'exit' says all there is to know.
    this.#closed = streamsOf(child).length === 0 && this.launch.channel === undefined;
    this.#stopWaiting = awaitReadiness(this.host, child.stdout ?? undefined);
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
    this.#leaderExit = () => this.#explain(code, signal, asked);
    this.#tree?.leaderEnded();
    this.#stopWaiting?.();
    if (this.launch.killScope === 'process') return this.#awaitOutput();
    if (asked === 'nothing' || this.launch.killScope === 'mixed') this.#rest = 'kill';
    if (this.#end?.look(false)) return;
    if (this.#tree?.groupIsEmpty === false) this.#onLeft();
    this.#end?.follow();
  }

  /** The leader has left somebody behind. */
  #onLeft(): void {
    if (this.#rest === 'kill') this.#tree?.signal('SIGKILL');
    else this.#askRest();
    if (this.#draining) this.host.drained();
    if (this.asked || this.#faulted) return;
    this.#faulted = true;
    // What cannot be killed either is then named by the supervisor's stop ladder. Safe: the leader has ended.
    this.host.fault(this.#leaderExit?.() as Exit);
  }

  /** Sends the stop signal to those who live on without the leader; once to each of them. */
  #askRest(): void {
    if (!this.#groupAsked) this.#tree?.signalGroup(this.#stopSignal);
    if (!this.#escapedAsked) this.#tree?.signalEscaped(this.#stopSignal);
    if (!this.#groupAsked || !this.#escapedAsked) this.#tree?.signal('SIGCONT');
    this.#groupAsked = true;
    this.#escapedAsked = true;
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
    this.#finalTimer?.cancel();
    this.#end?.cancel();
    this.#stopWaiting?.();
    this.#letGo();
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

  #explain(code: number | null, signal: NodeJS.Signals | null, asked: Asked): Exit {
    // Somebody had to be killed, be it only what the leader left behind.
    if (this.#asked === 'kill' && asked !== 'kill') return { type: 'killed' };
    const { outOfMemory } = this.#output;
    const exit = explainEnd({ code, signal, asked, stopSignal: this.#stopSignal, outOfMemory });
    return exit.type === 'code' ? this.explainCode(exit.code) : exit;
  }

  /** Sends a signal to all whom a kill is for. */
  #signalScope(signal: NodeJS.Signals): void {
    if (this.launch.killScope === 'process') this.signal(signal);
    else this.#tree?.signal(signal);
  }

  get #stopsGroup(): boolean {
    return (this.launch.killScope ?? 'tree') === 'tree';
  }

  get #stopSignal(): NodeJS.Signals {
    return this.launch.stopSignal ?? 'SIGTERM';
  }
}

function streamsOf(child: Spawned): readonly NonNullable<Spawned['stdio'][number]>[] {
  return child.stdio.filter((stream) => stream != null);
}
