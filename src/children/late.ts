import { CallError, type Exit, errorFacts, type StopObstacle } from '../core/index.js';
import type {
  CallOptions,
  ChildDriver,
  ChildOutput,
  Incarnation,
  IncarnationFacts,
  IncarnationHost,
  Transferable,
  Usage,
} from '../runtime/index.js';
import { runUncontained } from './in-process/containment.js';

/** A life that has not begun. */
export interface Life extends Incarnation {
  begin(): this;
}

/** Code that is loaded when the first child that needs it starts, so that importing the library is cheap. Later starts are immediate. */
export class LateCode<Code> {
  readonly #load: () => Promise<Code>;
  #loaded: Code | undefined;

  /** @param load - the `import()` of the code; asked again after it has failed */
  constructor(load: () => Promise<Code>) {
    this.#load = load;
  }

  /** @param make - makes a life by this code; what it throws is a failed start */
  driver(make: (code: Code, host: IncarnationHost) => Life, calls: 'no calls' | 'calls'): ChildDriver {
    const Late = calls === 'calls' ? LateCallable : LateIncarnation;
    return {
      // Its events are nobody's: a restart may be carried out in the async context of the very task that has failed.
      start: (host) =>
        runUncontained(() =>
          this.#loaded === undefined
            ? new Late(host, async () => make(await this.#code(), host))
            : make(this.#loaded, host).begin(),
        ),
    };
  }

  async #code(): Promise<Code> {
    this.#loaded = await this.#load();
    return this.#loaded;
  }
}

/** An incarnation whose code is still being loaded, and which passes on what it is asked from then on. Asked to end before, it never begins. */
class LateIncarnation implements Incarnation {
  protected readonly host: IncarnationHost;
  /** Its life once that has begun, or nothing if it never does. */
  protected readonly begun: Promise<Life | undefined>;
  #life: Life | undefined;
  #ended = false;

  constructor(host: IncarnationHost, load: () => Promise<Life>) {
    this.host = host;
    this.begun = load()
      .then((life) => this.#begin(life))
      .catch((error) => this.#end({ type: 'not-started', error: errorFacts(error) }));
  }

  #begin(life: Life): Life | undefined {
    if (this.#ended) return undefined;
    this.#life = life;
    return life.begin();
  }

  drain(withinMs: number): void {
    if (this.#life !== undefined) this.#life.drain(withinMs);
    else if (!this.#ended) this.host.drained();
  }

  stop(withinMs: number): void {
    if (this.#life !== undefined) this.#life.stop(withinMs);
    else this.#end({ type: 'shutdown' });
  }

  kill(): void {
    if (this.#life !== undefined) this.#life.kill();
    else this.#end({ type: 'killed' });
  }

  signal(signal: NodeJS.Signals): boolean {
    return this.#life?.signal?.(signal) ?? false;
  }

  reload(): boolean {
    return this.#life?.reload?.() ?? false;
  }

  pause(on: boolean): boolean {
    return this.#life?.pause?.(on) ?? false;
  }

  explain(): readonly StopObstacle[] {
    return this.#life?.explain?.() ?? [];
  }

  usage(): Usage | undefined {
    return this.#life?.usage?.();
  }

  output(): ChildOutput | undefined {
    return this.#life?.output?.();
  }

  facts(): IncarnationFacts {
    return this.#life?.facts?.() ?? {};
  }

  protected get life(): Life | undefined {
    return this.#life;
  }

  protected get ended(): boolean {
    return this.#ended;
  }

  #end(exit: Exit): undefined {
    if (this.#ended) return;
    this.#ended = true;
    this.host.exited(exit);
  }
}

/** Calls are held until the code is there, as they are afterwards until the program has exposed its functions. */
class LateCallable extends LateIncarnation {
  async call(method: string, args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const life = this.life ?? (await this.begun);
    if (life?.call !== undefined) return life.call(method, args, options);
    throw new CallError(this.host.path, method, 'child-not-running', 'it has ended before it began.');
  }

  cast(method: string, args: readonly unknown[], transfer?: readonly Transferable[]): boolean {
    if (this.life !== undefined) return this.life.cast?.(method, args, transfer) ?? false;
    void this.begun.then((life) => life?.cast?.(method, args, transfer));
    return !this.ended;
  }
}
