import type { IOType } from 'node:child_process';
import { errorFacts, type StopObstacle } from '../../../core/index.js';
import type { ChildOutput, IncarnationHost, OutputLine, Timer } from '../../../runtime/index.js';
import { needsStdout } from '../../readiness.js';
import type { ProcessLaunch } from '../process-launch.js';
import type { OutputSink, OutputTarget, OutputWriter } from '../process-options.js';
import type { Spawned } from '../spawned.js';
import { CapturedStream } from './captured-stream.js';
import { Followers } from './followers.js';
import { lastLinesOf } from './last-lines.js';
import { PassOn } from './pass-on.js';
import { PrefixedLines } from './prefixed-lines.js';

type StreamName = 'stdout' | 'stderr';
const STREAMS: readonly StreamName[] = ['stdout', 'stderr'];

/** How long an exit waits for a sink to write what it was given, in ms. */
const LAST_WRITE_MS = 2000;
/** And once it was killed: a kill is waited for no longer than half a second where the time of a stop is short. */
const LAST_WRITE_KILLED_MS = 300;

/**
 * The output of one incarnation of a program: where its stdout and stderr go, and the last lines of what is captured. The program is held up only
 * where a sink asks for it, and by a stream of ours for no longer than a second.
 */
export class ProcessOutput implements ChildOutput {
  readonly #host: IncarnationHost;
  readonly #targets: Readonly<Record<StreamName, OutputTarget>>;
  readonly #writers: Partial<Record<StreamName, OutputWriter>> = {};
  readonly #captured: Partial<Record<StreamName, CapturedStream>> = {};
  readonly #followers: Followers;
  #over = false;
  #killed = false;
  /** What keeps a sink from writing, as it has told. */
  #trouble: unknown;
  #lastWrite: LastWrite | undefined;
  #order = 0;
  /** When the last chunk came in: to look at the clock for each line would cost more than to read it. */
  #atMs = 0;

  constructor(host: IncarnationHost, { stdout = 'inherit', stderr = 'tee' }: ProcessLaunch) {
    this.#host = host;
    this.#followers = new Followers((error) => {
      host.note('a listener for its output has failed, and hears no more of it', errorFacts(error));
      this.#readOnlyFollowed();
    });
    this.#targets = { stdout, stderr };
  }

  /**
   * Opens the sinks; to be called before the spawn. At once, without a promise, where there are none.
   * @throws what a sink throws; those that were open are closed again
   */
  open(): void | Promise<void> {
    const { stdout, stderr } = this.#targets;
    if (typeof stdout === 'object' || typeof stderr === 'object') return this.#openSinks();
  }

  /** What the program's stdout and stderr are to be. */
  stdio(): readonly [IOType | number, IOType | number] {
    return [this.#stdioOf('stdout'), this.#stdioOf('stderr')];
  }

  /** Reads what the program writes. */
  attach(spawned: Spawned): void {
    for (const stream of STREAMS) {
      const from = spawned[stream];
      // Without one it goes elsewhere, or readiness alone reads it.
      if (from != null && this.#targets[stream] !== 'ignore')
        this.#captured[stream] = this.#capture(stream, from);
    }
    // Who has asked before there was anything to read.
    if (this.#followers.areAny) this.#readLines();
  }

  /** Whether anything is kept that could be looked at, or goes to a sink that can be told of. */
  get isKept(): boolean {
    return STREAMS.some((stream) => this.#keeps(stream) || typeof this.#targets[stream] === 'object');
  }

  get elsewhere(): Readonly<Partial<Record<StreamName, string>>> {
    const uncaptured = STREAMS.filter((stream) => !this.#keeps(stream));
    return Object.fromEntries(uncaptured.map((stream) => [stream, this.#whereTo(stream)]));
  }

  /** The last lines of stderr, as an exit record shows them. */
  get lastLines(): readonly string[] {
    return lastLinesOf(this.#errorLines());
  }

  /** V8's own words for having run out of memory, if that is what it wrote. */
  get outOfMemory(): string | undefined {
    return this.#errorLines()
      .find((line) => line.includes('heap out of memory'))
      ?.trim();
  }

  tail(count: number): readonly OutputLine[] {
    return STREAMS.flatMap((stream) =>
      (this.#captured[stream]?.kept?.lines() ?? []).map(({ order, atMs, text }) => ({
        order,
        line: { stream, text, atMs },
      })),
    )
      .sort((one, other) => one.order - other.order)
      .slice(count > 0 ? -count : Number.POSITIVE_INFINITY)
      .map(({ line }) => line);
  }

  follow(listener: (line: OutputLine) => void): () => void {
    const isFirst = !this.#followers.areAny;
    const leave = this.#followers.add(listener);
    if (isFirst) this.#readLines();
    return () => {
      leave();
      this.#readOnlyFollowed();
    };
  }

  reopen(): Promise<void> | undefined {
    const reopening = STREAMS.flatMap((stream) => this.#writers[stream]?.reopen?.() ?? []);
    return reopening.length === 0 ? undefined : all(reopening);
  }

  /** Nobody is left who could write: what is in the pipes is read, whatever the sinks say. It is no more than pipes hold. */
  readToEnd(): void {
    for (const stream of this.#streams()) stream.letFlow();
  }

  /**
   * To be called before the exit is told, when all that was in the pipes is read: ends the sinks. Resolves once all is written; at once, without a
   * promise, where nothing is waited for. A sink that does not come to an end is waited for up to a limit.
   */
  finish(): void | Promise<void> {
    this.#over = true;
    const ending = this.#streams()
      .map((stream) => stream.finish())
      .filter((end) => end !== undefined);
    // Those of a program that was never started, or that writes to their descriptors itself, are to be told all the same.
    ending.push(...this.#endUnread());
    for (const stream of STREAMS) delete this.#writers[stream];
    if (ending.length > 0) return this.#inTime(Promise.all(ending));
  }

  /** The program was killed: what its sinks have not written yet is waited for only briefly. */
  hurry(): void {
    if (this.#killed) return;
    this.#killed = true;
    this.#lastWrite?.giveUpAfter(LAST_WRITE_KILLED_MS);
  }

  /** What keeps an exit from being told, once the program itself has ended. */
  explain(): readonly StopObstacle[] {
    if (this.#lastWrite === undefined) return [];
    const cause = this.#trouble === undefined ? '' : `: ${errorFacts(this.#trouble).message}`;
    const why = `it has ended, and its last output is not written yet${cause}`;
    return [
      { verdict: 'at-work', why, advice: 'Look at what its output goes to, such as the disk of its log.' },
    ];
  }

  async #openSinks(): Promise<void> {
    try {
      for (const stream of STREAMS) {
        const target = this.#targets[stream];
        if (typeof target !== 'object' || this.#over) continue;
        this.#writers[stream] = await this.#openSink(stream, target);
      }
      // It was waited for no longer.
      if (this.#over) await Promise.all(this.#endUnread());
    } catch (error) {
      await Promise.all(this.#endUnread());
      throw error;
    }
  }

  async #openSink(stream: StreamName, sink: OutputSink): Promise<OutputWriter> {
    const { path, incarnation, clock } = this.#host;
    return sink.open({
      path,
      incarnation,
      stream,
      clock,
      note: (note, error) => this.#note(stream, note, error),
    });
  }

  /** Ends the sinks whose streams are not read here. */
  #endUnread(): readonly Promise<void>[] {
    return STREAMS.flatMap((stream) => {
      const writer = this.#captured[stream] === undefined ? this.#writers[stream] : undefined;
      delete this.#writers[stream];
      return writer === undefined ? [] : [endQuietly(writer)];
    });
  }

  #stdioOf(stream: StreamName): IOType | number {
    const target = this.#targets[stream];
    const own = this.#writers[stream]?.fd;
    if (stream === 'stdout' && needsStdout(this.#host.settings.ready)) return 'pipe';
    if (own !== undefined) return own;
    return target === 'inherit' || target === 'ignore' ? target : 'pipe';
  }

  #capture(stream: StreamName, from: NonNullable<Spawned['stdout']>): CapturedStream {
    const capture = {
      keeps: this.#keeps(stream),
      writer: this.#writerOf(stream),
      onFailure: (error: unknown) => this.#note(stream, 'its sink has failed, and gets no more of it', error),
    };
    return new CapturedStream(from, capture, () => this.#stamp());
  }

  #keeps(stream: StreamName): boolean {
    const target = this.#targets[stream];
    return target !== 'inherit' && target !== 'ignore' && this.#writers[stream]?.fd === undefined;
  }

  #whereTo(stream: StreamName): string {
    const target = this.#targets[stream];
    if (target === 'ignore') return 'nowhere';
    return target === 'inherit'
      ? `to this program's ${stream}`
      : 'straight to its sink, such as a pipe to its logger';
  }

  #writerOf(stream: StreamName): OutputWriter | undefined {
    const target = this.#targets[stream];
    if (target === 'capture' || target === 'ignore') return undefined;
    if (typeof target === 'object') return this.#writers[stream];
    const on = new PassOn(process[stream], this.#host.clock, (note) => this.#note(stream, note));
    return target === 'lines' ? new PrefixedLines(on, `${this.#host.path} | `) : on;
  }

  #stamp(): { readonly order: number; readonly atMs: number } {
    this.#order += 1;
    this.#atMs = this.#host.clock.now();
    return { order: this.#order, atMs: this.#atMs };
  }

  #streams(): readonly CapturedStream[] {
    return Object.values(this.#captured);
  }

  #errorLines(): readonly string[] {
    return (this.#captured.stderr?.kept?.lines() ?? []).map(({ text }) => text);
  }

  #readLines(): void {
    for (const stream of STREAMS) {
      this.#captured[stream]?.follow((texts) => this.#followers.tell(stream, texts, this.#atMs));
    }
  }

  /** Makes no strings of lines that nobody follows. */
  #readOnlyFollowed(): void {
    if (!this.#followers.areAny) for (const stream of this.#streams()) stream.follow(undefined);
  }

  /** Waits for the sinks; one that takes too long goes on without being waited for. */
  async #inTime(ending: Promise<unknown>): Promise<void> {
    const lastWrite = new LastWrite(this.#host, ending);
    this.#lastWrite = lastWrite;
    lastWrite.giveUpAfter(this.#killed ? LAST_WRITE_KILLED_MS : LAST_WRITE_MS);
    const tookMs = await lastWrite.over;
    this.#lastWrite = undefined;
    if (tookMs !== undefined) this.#noteUnwritten(tookMs);
  }

  #noteUnwritten(tookMs: number): void {
    const note = `its last output is not written yet after ${tookMs} ms; its sink goes on, and what it has not written when this program ends is lost`;
    this.#host.note(note, this.#trouble === undefined ? undefined : errorFacts(this.#trouble));
  }

  #note(stream: StreamName, note: string, error?: unknown): void {
    this.#trouble = error;
    this.#host.note(`its ${stream}: ${note}`, error === undefined ? undefined : errorFacts(error));
  }
}

/** The wait for sinks that are being ended. */
class LastWrite {
  /** Resolves with nothing once all is written, or with how long it was waited for in vain, in ms. Never rejects. */
  readonly over: Promise<number | undefined>;
  readonly #host: IncarnationHost;
  readonly #sinceMs: number;
  #resolve: (tookMs?: number) => void = () => undefined;
  #timer: Timer | undefined;

  constructor(host: IncarnationHost, ending: Promise<unknown>) {
    this.#host = host;
    this.#sinceMs = host.clock.now();
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    void ending.then(() => {
      this.#timer?.cancel();
      this.#resolve();
    });
  }

  giveUpAfter(ms: number): void {
    const { clock } = this.#host;
    this.#timer?.cancel();
    this.#timer = clock.after(ms, () => this.#resolve(Math.round(clock.now() - this.#sinceMs)));
  }
}

/** Settles when all of them have. @throws the first failure */
async function all(steps: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(steps))
    if (outcome.status === 'rejected') throw outcome.reason;
}

/** Ends a writer that has written nothing, of which there is nothing to tell. */
async function endQuietly(writer: OutputWriter): Promise<void> {
  try {
    await writer.end();
  } catch {
    // Nothing was given to it that could be lost.
  }
}
