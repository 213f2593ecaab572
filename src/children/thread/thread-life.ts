import { MessagePort, receiveMessageOnPort, setEnvironmentData, Worker } from 'node:worker_threads';
import { type Exit, errorFacts } from '../../core/index.js';
import {
  type CallOptions,
  closeSections,
  type Incarnation,
  type IncarnationFacts,
  type IncarnationHost,
  type Sections,
  type Transferable,
  withSections,
} from '../../runtime/index.js';
import { Channel, handOver, identityOf } from '../channel/channel.js';
import { entryError, threadUrl } from '../channel/entry-launch.js';
import { type FromChild, IDENTITY_KEY, unwrapped } from '../channel/wire.js';
import { passOn } from '../process/output.js';
import { StderrTail } from '../process/stderr-tail.js';
import { awaitReadiness, needsStdout } from '../readiness.js';
import type { ThreadSettings } from './thread.js';

/** So long a thread that is in the middle of native code is let go on before it is ended all the same. */
const LONGEST_SECTION_MS = 5_000;

/** One life of a thread. It is gone at its 'exit', once what it had said and written before is taken in. */
export class ThreadIncarnation implements Incarnation {
  readonly #host: IncarnationHost;
  readonly #file: string;
  readonly #settings: ThreadSettings;
  readonly #channel: Channel;
  readonly #tail = new StderrTail();
  #worker: Worker | undefined;
  #sections: Sections | undefined;
  #port: MessagePort | undefined;
  #phase: 'running' | 'asked' | 'terminated' | 'killed' | 'gone' = 'running';
  #thrown: { readonly error: unknown } | undefined;
  #stopWaiting: (() => void) | undefined;

  constructor(host: IncarnationHost, file: string, settings: ThreadSettings) {
    this.#host = host;
    this.#file = file;
    this.#settings = settings;
    this.#channel = new Channel(
      host,
      (message, transfer) => this.#port?.postMessage(message, transfer as readonly MessagePort[]),
      () => this.#terminate('terminated'),
    );
  }

  begin(): this {
    this.#launch();
    return this;
  }

  #launch(): void {
    const flags = this.#settings.execArgv ?? process.execArgv;
    const error = entryError(this.#host.path, this.#file, flags);
    if (error !== undefined) return this.#notStarted(error);
    try {
      const { started, sections } = withSections(() => this.#spawn(threadUrl(this.#file, flags)));
      this.#worker = started;
      this.#sections = sections;
    } catch (cause) {
      // Node throws for flags it does not know and for workerData that cannot be cloned.
      return this.#notStarted(cause);
    }
    this.#listen(this.#worker);
  }

  #spawn(url: URL): Worker {
    const { args, execArgv, env, stdout, workerData, resourceLimits, transferList } = this.#settings;
    // Read and removed by the thread. Not an environment variable: naming `env` makes Node refuse the process's own NODE_OPTIONS.
    setEnvironmentData(IDENTITY_KEY, identityOf(this.#host) as never);
    try {
      return new Worker(url, {
        name: this.#host.id,
        stderr: true,
        stdout: stdout === 'ignore' || needsStdout(this.#host.settings.ready),
        ...(args === undefined ? {} : { argv: [...args] }),
        ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
        ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
        ...(resourceLimits === undefined ? {} : { resourceLimits }),
        ...(transferList === undefined
          ? {}
          : { transferList: [...(transferList as readonly MessagePort[])] }),
        workerData,
      });
    } finally {
      setEnvironmentData(IDENTITY_KEY);
    }
  }

  #listen(worker: Worker): void {
    worker.on('error', (error) => {
      this.#thrown ??= { error };
    });
    worker.on('message', (message: unknown) => this.#onMessage(message));
    worker.on('messageerror', (error) => this.#host.note('a message could not be read', errorFacts(error)));
    worker.once('online', () => {
      if (this.#phase !== 'running') return;
      this.#stopWaiting = awaitReadiness(this.#host, worker.stdout);
    });
    worker.once('exit', (code) => this.#onExit(code));
    this.#takeOutput(worker);
  }

  /** Its output comes by this process either way; unread, it would be kept. */
  #takeOutput({ stdout, stderr }: Worker): void {
    const { stdout: out = 'inherit', stderr: err = 'tee' } = this.#settings;
    if (out === 'ignore') stdout.resume();
    else if (needsStdout(this.#host.settings.ready)) passOn(stdout, process.stdout);
    if (err === 'tee' || err === 'inherit') passOn(stderr, process.stderr);
    if (this.#keepsStderr) stderr.on('data', (chunk: Buffer) => this.#tail.add(chunk));
    else stderr.resume();
  }

  get #keepsStderr(): boolean {
    const { stderr = 'tee' } = this.#settings;
    return stderr === 'tee' || stderr === 'capture';
  }

  /** The first message of ours brings the port on which all others travel. */
  #onMessage(message: unknown): void {
    const port = unwrapped(message, 'treewarden');
    if (this.#port !== undefined || !(port instanceof MessagePort)) {
      return handOver(this.#host, message, this.#settings.onMessage);
    }
    this.#port = port;
    this.#port.on('message', (news: FromChild) => this.#channel.receive(news));
    this.#port.on('messageerror', (error) =>
      this.#host.note('a message could not be read', errorFacts(error)),
    );
    this.#port.unref();
  }

  #onExit(code: number): void {
    this.#stopWaiting?.();
    this.#drainPort();
    this.#channel.close();
    // What it wrote last is passed on by Node in ticks that come before the next turn.
    this.#host.clock.yield(() => {
      const exit = this.#explain(code);
      this.#phase = 'gone';
      const { lines } = this.#tail;
      const tell = (): void => this.#host.exited(exit, lines.length === 0 ? undefined : lines);
      const releasing = this.#channel.release();
      if (releasing === undefined) tell();
      // Never rejects: what cannot be released is noted.
      else void releasing.then(tell);
    });
  }

  /** Answers that were given before the end count. */
  #drainPort(): void {
    const port = this.#port;
    if (port === undefined) return;
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      this.#channel.receive(next.message);
    }
    port.close();
  }

  #explain(code: number): Exit {
    if (this.#phase === 'killed') return { type: 'killed' };
    if (this.#thrown !== undefined) return this.#explainError(this.#thrown.error);
    if (this.#phase === 'terminated' || (this.#phase === 'asked' && code === 0)) return { type: 'shutdown' };
    return code === 0 ? { type: 'completed' } : { type: 'code', code };
  }

  #explainError(error: unknown): Exit {
    const facts = errorFacts(error);
    if (facts.code === 'ERR_WORKER_OUT_OF_MEMORY') return { type: 'out-of-memory', detail: facts.message };
    return this.#phase !== 'running' && isAbort(error)
      ? { type: 'shutdown' }
      : { type: 'failed', error: facts };
  }

  #notStarted(cause: unknown): void {
    this.#phase = 'gone';
    this.#channel.close();
    this.#host.exited({ type: 'not-started', error: errorFacts(cause) });
  }

  drain(withinMs: number): void {
    if (this.#phase === 'gone') return;
    this.#ask();
    this.#channel.drain(withinMs);
  }

  stop(withinMs: number): void {
    this.#ask();
    this.#stopWaiting?.();
    if (!this.#channel.stop(withinMs)) this.#terminate('terminated');
  }

  kill(): void {
    this.#terminate('killed');
    this.#channel.calls.close('it is being killed.');
  }

  facts(): IncarnationFacts {
    const id = this.#worker?.threadId;
    return {
      threadId: id === undefined || id < 0 ? undefined : id,
      command: this.#file,
      inFlight: this.#channel.calls.size,
    };
  }

  call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    return this.#channel.call(method, args, options);
  }

  cast(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): boolean {
    return this.#channel.cast(method, args, transfer);
  }

  #ask(): void {
    if (this.#phase === 'running') this.#phase = 'asked';
  }

  #terminate(phase: 'terminated' | 'killed'): void {
    if (this.#phase === 'gone' || this.#phase === 'killed') return;
    this.#phase = phase;
    this.#end(this.#host.clock.now() + LONGEST_SECTION_MS);
  }

  /** At once, unless the process would end with it. */
  #end(latestMs: number): void {
    const { clock } = this.#host;
    if (this.#sections !== undefined && !closeSections(this.#sections) && clock.now() < latestMs) {
      clock.after(1, () => this.#end(latestMs));
      return;
    }
    // Its 'exit' is what counts; the promise may take as long as native code that blocks the thread.
    void this.#worker?.terminate();
  }
}

/** What a thread throws is cloned on its way here, so it is known by name and code alone. */
function isAbort(error: unknown): boolean {
  const { name, code } = errorFacts(error);
  return (
    name === 'AbortError' || code === 'STOP_REQUESTED' || code === 'DEADLINE_PASSED' || code === 'DRAINING'
  );
}
