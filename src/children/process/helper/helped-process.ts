import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { readStat } from '../proc.js';
import type { Spawned } from '../spawned.js';
import type { CarriedStream } from './carry.js';

/** Who is told of what a process of the helper's needs. */
export interface HelpedHost {
  /** Whether this process has to stay for it may have changed. */
  onRef(): void;
  /** Its start is answered. */
  onAnswered(): void;
}

const NO_STREAMS = 'Its streams could not be opened here: there are no descriptors left for them.';

/**
 * A process that the helper starts for us: what Node's `ChildProcess` is to those who start a process themselves, but that it is known only later.
 * `spawn` is emitted when it runs and its streams are here, or else `error`; everything after that.
 */
export class HelpedProcess extends EventEmitter implements Spawned {
  readonly startsLater = true;
  readonly connected = false;
  readonly channel: null = null;
  readonly stdio: [Socket | null, Socket | null, Socket | null, undefined, undefined] = [
    null,
    null,
    null,
    undefined,
    undefined,
  ];
  readonly #host: HelpedHost;
  readonly #awaited: Set<number>;
  #pid: number | undefined;
  #startTicks: number | undefined;
  #phase: 'asked' | 'running' | 'ended' = 'asked';
  #end: (() => void) | undefined;
  #isRefed = true;
  #isAbandoned = false;
  #closed = false;

  constructor(streams: readonly CarriedStream[], host: HelpedHost) {
    super();
    this.#host = host;
    this.#awaited = new Set(streams.flatMap((stream, fd) => (stream === 'pipe' ? [fd] : [])));
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  /** By which it is told from whoever has its number later: the helper, and not this process, keeps that from being given away. */
  get startTicks(): number | undefined {
    return this.#startTicks;
  }

  get stdin(): Socket | null {
    return this.stdio[0];
  }

  get stdout(): Socket | null {
    return this.stdio[1];
  }

  get stderr(): Socket | null {
    return this.stdio[2];
  }

  /** Whether it keeps this process running. */
  get isRefed(): boolean {
    return this.#isRefed && this.#phase !== 'ended';
  }

  kill(signal: NodeJS.Signals | number = 'SIGTERM'): boolean {
    return this.#pid !== undefined && this.#phase === 'running' && this.#signal(this.#pid, signal);
  }

  unref(): void {
    this.#isRefed = false;
    this.#host.onRef();
  }

  disconnect(): void {
    // It never has a channel.
  }

  /** A stream has come; the program has its other end. */
  streamed(fd: 0 | 1 | 2, stream: Socket): void {
    if (!this.#awaited.delete(fd)) return void stream.destroy();
    this.stdio[fd] = stream;
    stream.once('close', () => this.#closeIfOver());
    // Only so can it be seen that the program has closed it.
    if (fd === 0) stream.resume();
    this.#beginIfWhole();
  }

  started(pid: number, startTicks: number | undefined): void {
    this.#pid = pid;
    this.#startTicks = startTicks;
    this.#beginIfWhole();
  }

  failed(error: Error): void {
    if (this.#phase !== 'asked') return;
    this.#pid = undefined;
    this.#phase = 'ended';
    this.#host.onAnswered();
    for (const stream of this.stdio) stream?.destroy();
    this.emit('error', error);
    this.#host.onRef();
  }

  /** It runs without streams of ours, and cannot be used so: it is ended, and was not started then. */
  abandon(): void {
    if (this.#phase !== 'asked' || this.#pid === undefined) return;
    const fail = (): void => this.failed(Object.assign(new Error(NO_STREAMS), { code: 'EMFILE' }));
    if (this.#end !== undefined) return fail();
    this.#end = fail;
    this.#isAbandoned = true;
    this.#signal(this.#pid, 'SIGKILL');
  }

  /** It has ended; how is not known where both are null. */
  ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isAbandoned) return this.#end?.();
    if (this.#phase === 'asked') {
      this.#end = () => this.ended(code, signal);
      return;
    }
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.stdin?.destroy();
    this.emit('exit', code, signal);
    this.#host.onRef();
    // What nobody reads would stand in the way of its close.
    for (const stream of [this.stdout, this.stderr]) stream?.resume();
    this.#closeIfOver();
  }

  #beginIfWhole(): void {
    if (this.#phase !== 'asked' || this.#pid === undefined || this.#awaited.size > 0) return;
    this.#phase = 'running';
    this.#host.onAnswered();
    this.emit('spawn');
    this.#end?.();
  }

  #closeIfOver(): void {
    if (this.#closed || this.#phase !== 'ended') return;
    if (this.stdio.some((stream) => stream != null && !stream.closed)) return;
    this.#closed = true;
    this.emit('close');
  }

  #signal(pid: number, signal: NodeJS.Signals | number): boolean {
    if (this.#isAnother(pid)) return false;
    try {
      return process.kill(pid, signal);
    } catch {
      // It has ended, and we are about to hear of it; or it runs as somebody whom we may not signal.
      return false;
    }
  }

  #isAnother(pid: number): boolean {
    const stat = this.#startTicks === undefined ? undefined : readStat(pid);
    return stat !== undefined && stat.startTicks !== this.#startTicks;
  }
}
