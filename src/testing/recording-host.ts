import {
  CHILD_DEFAULTS,
  type ChildSettings,
  describeExit,
  type ErrorFacts,
  type Exit,
} from '../core/index.js';
import {
  type ChildSpec,
  type Clock,
  type Incarnation,
  type IncarnationHost,
  type Logger,
  type ResolvedSettings,
  type ResourceProvider,
  type Scope,
  type Services,
  silentLogger,
  systemClock,
} from '../runtime/index.js';

/** One thing that an incarnation said. */
export type HostNews =
  | { readonly type: 'ready' | 'ignored' | 'drained' | 'heartbeat' }
  | { readonly type: 'exited'; readonly exit: Exit; readonly stderr: readonly string[] | undefined }
  | { readonly type: 'fault'; readonly exit: Exit }
  | { readonly type: 'extended'; readonly forMs: number }
  | { readonly type: 'noted'; readonly note: string; readonly error: ErrorFacts | undefined }
  | { readonly type: 'stray-error'; readonly error: ErrorFacts };

type NewsOf<Type extends HostNews['type']> = Extract<HostNews, { readonly type: Type }>;

/** How a {@link RecordingHost} is set up. */
export interface RecordingHostOptions {
  /** @defaultValue the clock of this process */
  readonly clock?: Clock;
  readonly services?: Services;
  /** Where the incarnation gets its resources from. @defaultValue nowhere */
  readonly resources?: ResourceProvider;
  /** Stands for the scope of the whole tree. @defaultValue none */
  readonly tree?: Scope;
  /** @defaultValue `1` */
  readonly incarnation?: number;
  /** How much more time a drain is granted, at most, in ms. @defaultValue `1000` */
  readonly grantMs?: number;
  /** How long `next` waits, in ms, before it throws. @defaultValue `10_000` */
  readonly patienceMs?: number;
}

/**
 * Stands in for a supervisor towards a driver: writes down all that an incarnation says, in order, and lets a test wait for it.
 * @example
 * ```ts
 * const { host, incarnation } = startRecorded(command('true', 'true'));
 * assert.deepEqual((await host.next('exited')).exit, { type: 'completed' });
 * ```
 */
export class RecordingHost implements IncarnationHost {
  readonly id: string;
  readonly path: string;
  readonly incarnation: number;
  readonly settings: ResolvedSettings;
  readonly clock: Clock;
  readonly log: Logger = silentLogger;
  readonly services: Services;
  readonly resources: ResourceProvider | undefined;
  readonly tree: Scope | undefined;
  readonly news: HostNews[] = [];
  readonly #grantMs: number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(spec: ChildSpec, options: RecordingHostOptions = {}) {
    const { clock = systemClock, services = { get: () => undefined }, incarnation = 1 } = options;
    this.id = spec.id;
    this.path = `root/${spec.id}`;
    this.settings = resolved(spec);
    this.clock = clock;
    this.services = services;
    this.resources = options.resources;
    this.tree = options.tree;
    this.incarnation = incarnation;
    this.#grantMs = options.grantMs ?? 1000;
    this.#patienceMs = options.patienceMs ?? 10_000;
  }

  /** Whether it said so at least once. */
  said(type: HostNews['type']): boolean {
    return this.count(type) > 0;
  }

  /** How often it said so. */
  count(type: HostNews['type']): number {
    return this.#all(type).length;
  }

  /**
   * Resolves to the news of this type, past or to come.
   * @param nth - which of them, from 1
   * @throws Error, naming what was said instead, when the host's patience is over
   */
  async next<Type extends HostNews['type']>(type: Type, nth = 1): Promise<NewsOf<Type>> {
    const patienceMs = this.#patienceMs;
    let late = false;
    const wake = (): void => {
      for (const resume of this.#waiting) resume();
    };
    const patience = systemClock.after(patienceMs, () => {
      late = true;
      wake();
    });
    try {
      for (;;) {
        const found = this.#all(type)[nth - 1];
        if (found !== undefined) return found;
        if (late)
          throw new Error(`"${this.path}" did not say "${type}" within ${patienceMs} ms; ${this.describe()}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
        this.#waiting.clear();
      }
    } finally {
      patience.cancel();
    }
  }

  /** What was said, in one line: `it said: ready, drained, exited (stopped when asked)`. */
  describe(): string {
    const words = this.news.map((news) =>
      'exit' in news ? `${news.type} (${describeExit(news.exit)})` : news.type,
    );
    return `it said: ${words.join(', ') || 'nothing'}`;
  }

  ready(): void {
    this.#write({ type: 'ready' });
  }

  ignored(): void {
    this.#write({ type: 'ignored' });
  }

  exited(exit: Exit, stderr?: readonly string[]): void {
    this.#write({ type: 'exited', exit, stderr });
  }

  fault(exit: Exit): void {
    this.#write({ type: 'fault', exit });
  }

  drained(): void {
    this.#write({ type: 'drained' });
  }

  extend(ms: number): number {
    const forMs = Math.min(ms, this.#grantMs);
    this.#write({ type: 'extended', forMs });
    return forMs;
  }

  heartbeat(): void {
    this.#write({ type: 'heartbeat' });
  }

  note(note: string, error?: ErrorFacts): void {
    this.#write({ type: 'noted', note, error });
  }

  strayError(error: ErrorFacts): void {
    this.#write({ type: 'stray-error', error });
  }

  #all<Type extends HostNews['type']>(type: Type): readonly NewsOf<Type>[] {
    return this.news.filter((news): news is NewsOf<Type> => news.type === type);
  }

  #write(news: HostNews): void {
    this.news.push(news);
    for (const resume of this.#waiting) resume();
  }
}

/** Starts one incarnation of a child under a host that records what it says. */
export function startRecorded(
  spec: ChildSpec,
  options?: RecordingHostOptions,
): { readonly host: RecordingHost; readonly incarnation: Incarnation } {
  const host = new RecordingHost(spec, options);
  return { host, incarnation: spec.driver.start(host) };
}

function resolved(spec: ChildSpec): ResolvedSettings {
  const defaults: ResolvedSettings = spec.driver.defaults ?? CHILD_DEFAULTS;
  const names = Object.keys(defaults) as (keyof ResolvedSettings & keyof ChildSettings)[];
  const given = names.filter((name) => spec[name] !== undefined).map((name) => [name, spec[name]]);
  return { ...defaults, ...Object.fromEntries(given) };
}
