import { type Exit, errorFacts, type StopObstacle } from '../../core/index.js';
import {
  type ChildOutput,
  type Incarnation,
  type IncarnationFacts,
  type IncarnationHost,
  isThenable,
  type Usage,
} from '../../runtime/index.js';
import { closeConnections, pipesOf, unrefConnections } from './connections.js';
import { Ending } from './ending.js';
import type { Ask } from './explain/question.js';
import { hearReady } from './health/hear-ready.js';
import type { Launched } from './launch/launched.js';
import { ProcessOutput } from './output/streams.js';
import { Preparation, type Provisions } from './preparation.js';
import type { ProcessLaunch } from './process-launch.js';
import { commandOf, RunningProcess } from './running.js';
import { spawnError } from './spawn-failure.js';
import type { Spawned } from './spawned.js';
import { type Start, startProgram } from './start.js';
import { Watches } from './watches.js';
import type { Wish } from './wish.js';

export type { ProcessLaunch } from './process-launch.js';

/**
 * One life of an operating-system process, and of the tree of processes that it begins. It is prepared ({@link Preparation}) and spawned, it runs
 * ({@link RunningProcess}, watched by {@link Watches}), and comes to its end ({@link Ending}); it is gone when the tree is empty.
 *
 * A subclass opens a channel and overrides {@link drain}, {@link askToStop}, {@link onSpawned}, {@link onMessage} and {@link onEnd}. `begin` starts it.
 */
export class ProcessIncarnation implements Incarnation {
  protected readonly host: IncarnationHost;
  protected readonly launch: ProcessLaunch;
  readonly #output: ProcessOutput;
  readonly #preparation: Preparation;
  readonly #watches: Watches;
  readonly #wish: Wish = { asked: 'nothing', draining: false };
  #launched: Launched | undefined;
  /** Once it is started, or could not be. */
  #child: Spawned | undefined;
  #running: RunningProcess | undefined;
  #ending: Ending | undefined;
  /** Until when it was asked to end, before it was there. */
  #stopByMs = 0;
  #gone = false;

  constructor(host: IncarnationHost, launch: ProcessLaunch) {
    this.host = launch.health === undefined ? host : hearReady(host, () => this.#watchHealth());
    this.launch = launch;
    this.#output = new ProcessOutput(host, launch);
    this.#preparation = new Preparation(host, launch, this.#output);
    this.#watches = new Watches(this.host);
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
    this.#wish.draining = true;
    this.#running?.rungs.drain(drainSignal);
  }

  stop(withinMs: number): void {
    if (this.#ending?.isAllButOver) return;
    this.markAsked();
    this.#wish.draining = false;
    this.#watches.end();
    if (this.#child === undefined) this.#stopUnborn(withinMs);
    else if (this.ended) this.#ending?.stop();
    else this.askToStop(withinMs);
  }

  kill(): void {
    this.#output.hurry();
    if (this.#ending?.isAllButOver) return;
    this.#wish.asked = 'kill';
    this.#watches.end();
    if (this.#child === undefined) return this.#preparation.cancel();
    this.#running?.rungs.kill(this.host.clock);
    unrefConnections(this.#child);
    this.#ending?.kill();
  }

  facts(): IncarnationFacts {
    const now = this.#gone ? undefined : this.#running?.facts();
    return now ?? { pid: this.#launched?.pid, command: commandOf(this.launch) };
  }

  signal(signal: NodeJS.Signals): boolean {
    return !this.#gone && (this.#running?.signal(signal) ?? false);
  }

  reload(): boolean {
    const { reloadSignal } = this.launch;
    return reloadSignal !== undefined && this.signal(reloadSignal);
  }

  pause(on: boolean): boolean {
    return !this.#gone && (this.#running?.pause(on) ?? false);
  }

  explain(heard = false): readonly StopObstacle[] {
    return this.#gone ? this.#output.explain() : (this.#running?.explain(heard) ?? []);
  }

  output(): ChildOutput | undefined {
    return this.#output.isKept ? this.#output : undefined;
  }

  usage(): Usage | undefined {
    return this.#gone ? undefined : this.#running?.usage();
  }

  /** The process, for its channel; undefined where it could not be started. */
  protected get child(): Spawned | undefined {
    return this.#child;
  }

  /** Whether the leader has ended; from then on nothing can be sent to it. */
  protected get ended(): boolean {
    return this.#gone || this.#ending?.hasBegun === true;
  }

  /** It was asked to end, by a drain: from here on its end is the one that was asked for. */
  protected markAsked(): void {
    this.#watches.asked();
    if (this.#wish.asked === 'nothing') this.#wish.asked = 'stop';
  }

  /** Asks it to end, by the ways that any program knows. */
  protected askToStop(_withinMs: number): void {
    this.#running?.ask();
  }

  /** Takes down what it is asked, just before it is. */
  protected asks(by: Ask['by'], signal: NodeJS.Signals, to: Ask['to']): void {
    this.#running?.asks(by, signal, to);
  }

  /** Lets go on what is suspended, so that it hears what it is asked. */
  protected wake(): void {
    this.#running?.wake();
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
      if (this.#wish.asked === 'nothing') this.#spawn(ready);
      else this.#endUnborn();
    } catch (error) {
      if (this.#wish.asked === 'nothing') this.#fail(error);
      else this.#endUnborn();
    }
  }

  #stopUnborn(withinMs: number): void {
    this.#stopByMs = this.host.clock.now() + withinMs;
    this.#preparation.cancel();
  }

  /** It was asked to end before it was spawned. */
  #endUnborn(): void {
    this.#finish({ type: this.#wish.asked === 'kill' ? 'killed' : 'shutdown' });
  }

  #fail(error: unknown): void {
    this.#finish({ type: 'not-started', error: errorFacts(error) });
  }

  #spawn(provisions: Provisions): void {
    const start = startProgram(this.host, this.launch, this.#output, provisions);
    const { spawned } = start.launched;
    this.#launched = start.launched;
    spawned.on('error', (error) => this.#onError(error));
    if (spawned.startsLater) spawned.once('spawn', () => this.#comeLate(start));
    else this.#come(start);
  }

  #come(start: Start): void {
    const child = start.launched.spawned;
    this.#child = child;
    this.#listen(child);
    this.onSpawned(child);
    if (child.pid !== undefined) this.#run(start, child.pid);
  }

  /** It was started elsewhere, and may have been asked to end meanwhile. */
  #comeLate(start: Start): void {
    this.#come(start);
    if (this.#wish.asked === 'kill') this.kill();
    else if (this.#wish.asked === 'stop') this.stop(Math.max(0, this.#stopByMs - this.host.clock.now()));
  }

  #listen(child: Spawned): void {
    if (this.launch.channel !== undefined) child.on('message', (message) => this.#onMessage(message));
    // A broken pipe is an event of the stream, not of the process, and would end this one.
    for (const pipe of pipesOf(child)) pipe.on('error', () => undefined);
    this.#output.attach(child);
  }

  #run({ launched, token, lifelineFd }: Start, pid: number): void {
    const { host, launch } = this;
    this.#preparation.spawned(pid);
    this.#running = new RunningProcess(host, launch, launched, { pid, token });
    const program = {
      path: host.path,
      launch,
      launched,
      output: this.#output,
      wish: this.#wish,
      explainCode: (code: number) => this.explainCode(code),
    };
    this.#ending = new Ending(host, program, this.#running, lifelineFd, {
      onEnding: () => this.#watches.end(),
      onEnded: (exit) => this.#finish(exit),
    });
    this.#watches.awaitReadiness(this.#running);
  }

  #onMessage(message: unknown): void {
    if (!this.#gone) this.onMessage(message);
  }

  #onError(error: Error): void {
    if (this.#running !== undefined)
      this.host.note(`its process reported an error: ${error.message}`, errorFacts(error));
    // It could not be started, and no 'exit' will come.
    else if (this.#child === undefined && this.#wish.asked !== 'nothing') this.#endUnborn();
    else this.#fail(spawnError(this.host.path, this.launch, error));
  }

  #watchHealth(): void {
    const { health } = this.launch;
    if (health !== undefined && this.#running !== undefined) this.#watches.watchHealth(health, this.#running);
  }

  #finish(exit: Exit): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#watches.end();
    if (this.#child !== undefined) closeConnections(this.#child);
    this.#launched?.cgroup?.remove();
    const settling = [this.onEnd(exit), this.#output.finish(), this.#preparation.release()];
    if (!settling.some(isThenable)) this.#tell(exit);
    else void Promise.allSettled(settling).then(() => this.#tell(exit));
  }

  #tell(exit: Exit): void {
    const lines = this.#output.lastLines;
    this.host.exited(exit, lines.length === 0 ? undefined : lines);
  }
}
