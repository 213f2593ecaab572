import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { type Exit, errorFacts } from '../../core/index.js';
import type { Incarnation, IncarnationFacts, IncarnationHost, Timer } from '../../runtime/index.js';
import { awaitReadiness, needsStdout } from '../readiness.js';
import { passOn } from './output.js';
import { type Asked, explainEnd } from './process-exit.js';
import { HAS_GROUPS, ProcessGroup } from './process-group.js';
import type { ProcessOptions } from './process-options.js';
import { spawnError } from './spawn-failure.js';
import { StderrTail } from './stderr-tail.js';

/** What to run, and how it is connected to this process. */
export interface ProcessLaunch extends ProcessOptions {
  readonly file: string;
  readonly args: readonly string[];
  /** Opens a message channel to a Node program, with this serialization. */
  readonly channel?: 'advanced' | 'json';
}

/** How long output may still come in after the end, in ms. Only a descendant that left the group can use it up. */
const LAST_OUTPUT_MS = 100;
/** The longest pause between two looks at a group that is not empty yet, in ms. */
const LONGEST_LOOK_MS = 64;
/** From this pause on the look is a thorough one, in ms. */
const THOROUGH_FROM_MS = 4;

/**
 * One life of an operating-system process, and of the process group it leads. It is gone when the group is empty:
 *
 * - asked to stop, the whole group gets the stop signal, and who outlives the leader has the rest of the stop time;
 * - when the leader ends unasked, the rest is killed at once, and the supervisor is told by `host.fault`.
 *
 * A subclass opens a channel and overrides {@link drain}, {@link askToStop}, {@link onMessage} and {@link onEnd}. `begin` starts it.
 */
export class ProcessIncarnation implements Incarnation {
  protected readonly host: IncarnationHost;
  protected readonly launch: ProcessLaunch;
  readonly #tail = new StderrTail();
  #child: ChildProcess | undefined;
  #group: ProcessGroup | undefined;
  #asked: Asked = 'nothing';
  /** How the leader ended, as it counted then; set once. */
  #leaderExit: (() => Exit) | undefined;
  /** Whether all of its output is in. */
  #closed = false;
  #gone = false;
  #timer: Timer | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(host: IncarnationHost, launch: ProcessLaunch) {
    this.host = host;
    this.launch = launch;
  }

  /** Starts the process. To be called once, by the driver. */
  begin(): this {
    try {
      this.#child = spawn(this.launch.file, this.launch.args, this.#spawnOptions());
    } catch (error) {
      // Node throws some refusals of the operating system, such as E2BIG, and reports others by 'error'.
      this.#fail(error);
      return this;
    }
    this.#listen(this.#child);
    if (this.#child.pid === undefined) return this;
    this.#group = new ProcessGroup(this.#child.pid);
    // Without a pipe its 'exit' says all there is to know.
    this.#closed = streamsOf(this.#child).length === 0 && this.launch.channel === undefined;
    this.#stopWaiting = awaitReadiness(this.host, this.#child.stdout ?? undefined);
    return this;
  }

  /** A program without a channel cannot be told to finish its work other than by its stop signal, so its drain is over at once. */
  drain(_withinMs: number): void {
    if (!this.#gone) this.host.drained();
  }

  stop(withinMs: number): void {
    this.markAsked();
    this.#stopWaiting?.();
    this.askToStop(withinMs);
  }

  kill(): void {
    this.#asked = 'kill';
    this.#stopWaiting?.();
    this.#group?.signal('SIGKILL');
    this.#unref();
  }

  facts(): IncarnationFacts {
    return { pid: this.#child?.pid, command: [this.launch.file, ...this.launch.args].join(' ') };
  }

  /** Sends a signal to the leader alone: reload and log-rotation signals would end helpers that do not know them. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#leaderExit === undefined && (this.#child?.kill(signal) ?? false);
  }

  /** The process, for its channel; undefined where it could not be started. */
  protected get child(): ChildProcess | undefined {
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

  /** Ends its stdin, if that was open, and sends the stop signal to the whole group. */
  protected askToStop(_withinMs: number): void {
    this.#child?.stdin?.end();
    this.#group?.signal(this.#stopSignal);
    this.wake();
  }

  /** A suspended process would keep what it is asked for later; signal first is systemd's order too. A running one takes no notice. */
  protected wake(): void {
    if (HAS_GROUPS) this.#group?.signal('SIGCONT');
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

  #spawnOptions(): SpawnOptions {
    const { cwd, env, stdin = 'ignore', stdout = 'inherit', stderr = 'tee', channel } = this.launch;
    return {
      ...(cwd === undefined ? {} : { cwd }),
      env: env === undefined ? process.env : { ...process.env, ...env },
      stdio: [
        stdin === 'ignore' || stdin === 'inherit' ? stdin : 'pipe',
        needsStdout(this.host.settings.ready) || (stdout !== 'inherit' && stdout !== 'ignore')
          ? 'pipe'
          : stdout,
        stderr === 'inherit' || stderr === 'ignore' ? stderr : 'pipe',
        ...(channel === undefined ? [] : (['ipc'] as const)),
      ],
      ...(channel === undefined ? {} : { serialization: channel }),
      // A session and group of its own: a Ctrl-C in the terminal does not reach it past us, and the whole group can be signalled.
      detached: HAS_GROUPS,
      windowsHide: true,
    };
  }

  #listen(child: ChildProcess): void {
    child.on('error', (error) => this.#onError(error));
    child.once('exit', (code, signal) => this.#onExit(code, signal));
    child.once('close', () => this.#onClose());
    if (this.launch.channel !== undefined) child.on('message', (message) => this.#onMessage(message));
    // A broken pipe is an event of the stream, not of the process, and would end this one.
    for (const stream of streamsOf(child)) stream.on('error', () => undefined);
    if (child.stdout && this.launch.stdout !== 'ignore') passOn(child.stdout, process.stdout);
    if (child.stderr && this.launch.stderr !== 'capture') passOn(child.stderr, process.stderr);
    child.stderr?.on('data', (chunk: Buffer) => this.#tail.add(chunk));
  }

  #onMessage(message: unknown): void {
    if (!this.#gone) this.onMessage(message);
  }

  #onError(error: Error): void {
    if (this.#child?.pid === undefined) this.#fail(error);
    else this.host.note(`its process reported an error: ${error.message}`, errorFacts(error));
  }

  /** It could not be started: 'error' came, and no 'exit' will. */
  #fail(cause: unknown): void {
    this.#leaderExit = () => ({
      type: 'not-started',
      error: errorFacts(spawnError(this.host.path, this.launch, cause)),
    });
    this.#closed = true;
    this.#finish();
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    const asked = this.#asked;
    this.#leaderExit = () => this.#explain(code, signal, asked);
    this.#stopWaiting?.();
    if (this.#group?.isEmpty(false)) return this.#awaitOutput();
    if (asked !== 'nothing') return this.#awaitGroup(1);
    this.#group?.signal('SIGKILL');
    this.#awaitGroup(1);
    // What cannot be killed either is then named by the supervisor's stop ladder.
    this.host.fault(this.#leaderExit());
  }

  /** Looks again, less and less often, until nobody is left in the group. */
  #awaitGroup(pauseMs: number): void {
    this.#timer = this.host.clock.after(
      pauseMs,
      () => {
        if (this.#group?.isEmpty(pauseMs >= THOROUGH_FROM_MS)) this.#awaitOutput();
        else this.#awaitGroup(Math.min(pauseMs * 2, LONGEST_LOOK_MS));
      },
      this.#asked !== 'kill',
    );
  }

  /** The supervisor waits for the end with a timer of its own; a process that cannot die must not keep this one running. */
  #unref(): void {
    const child = this.#child;
    if (child === undefined) return;
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
    if (this.#leaderExit !== undefined && (this.#group?.isEmpty(false) ?? true)) this.#finish();
  }

  #finish(): void {
    if (this.#gone || this.#leaderExit === undefined) return;
    this.#gone = true;
    this.#timer?.cancel();
    this.#stopWaiting?.();
    this.#letGo();
    const exit = this.#leaderExit();
    const { lines } = this.#tail;
    const tell = (): void => this.host.exited(exit, lines.length === 0 ? undefined : lines);
    const releasing = this.onEnd(exit);
    if (releasing === undefined) tell();
    else void releasing.then(tell);
  }

  /** Closes our ends of what a descendant outside the group may still hold open. */
  #letGo(): void {
    const child = this.#child;
    if (child === undefined) return;
    for (const stream of streamsOf(child)) stream.destroy();
    if (child.connected) child.disconnect();
  }

  #explain(code: number | null, signal: NodeJS.Signals | null, asked: Asked): Exit {
    // Somebody had to be killed, be it only what the leader left behind.
    if (this.#asked === 'kill' && asked !== 'kill') return { type: 'killed' };
    const { outOfMemory } = this.#tail;
    const exit = explainEnd({ code, signal, asked, stopSignal: this.#stopSignal, outOfMemory });
    return exit.type === 'code' ? this.explainCode(exit.code) : exit;
  }

  get #stopSignal(): NodeJS.Signals {
    return this.launch.stopSignal ?? 'SIGTERM';
  }
}

function streamsOf(child: ChildProcess): readonly (Readable | Writable)[] {
  return [child.stdin, child.stdout, child.stderr].filter((stream) => stream != null);
}
