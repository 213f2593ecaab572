import { describeExit, describeLimit, type Exit, type SupervisionEvent } from '../core/index.js';

/** What the test itself did to the tree. */
export interface ToldEvent {
  readonly type: 'told';
  /** The path from the root. */
  readonly child: string;
  /** What it was told, as in `crash: Error: connection lost`. */
  readonly told: string;
  readonly atMs: number;
}

/** A start that began, or an end; paths are from the root. */
export interface Change {
  readonly change: 'start' | 'end';
  readonly child: string;
  readonly kind: string;
  readonly incarnation: number;
  readonly atMs: number;
  /** How it ended. */
  readonly exit?: Exit;
  /** Whether its supervisor had asked it to end. */
  readonly asked?: boolean;
}

/** How many of the last events are printed. */
const LINES_PRINTED = 200;

/** All that happened in a tree, in order. `String(timeline)` is how it is printed when an expectation fails. */
export class Timeline {
  readonly #rootId: string;
  readonly #entries: (SupervisionEvent | ToldEvent)[] = [];
  readonly #kinds = new Map<string, string>();
  #marked = 0;

  constructor(rootId: string) {
    this.#rootId = rootId;
  }

  get entries(): readonly (SupervisionEvent | ToldEvent)[] {
    return this.#entries;
  }

  /** @internal */
  add(entry: SupervisionEvent | ToldEvent): void {
    if (entry.type === 'child:starting') this.#kinds.set(entry.child, entry.kind);
    this.#entries.push(entry);
  }

  /** From here on {@link changes} counts anew. */
  mark(): void {
    this.#marked = this.#entries.length;
  }

  /** The starts and ends since the last {@link mark}. */
  changes(): readonly Change[] {
    return this.#entries.slice(this.#marked).flatMap((entry) => this.#change(entry) ?? []);
  }

  /** A path from the root, of a full one; the root's own is its id. */
  relative(path: string): string {
    return path === this.#rootId ? path : path.slice(this.#rootId.length + 1);
  }

  /** One line per event, for people. */
  toString(): string {
    const shown = this.#entries.slice(-LINES_PRINTED);
    const left = this.#entries.length - shown.length;
    const earlier = left === 0 ? [] : [`      … ${left} earlier events`];
    const lines = shown.flatMap((entry) => this.#line(entry) ?? []);
    return [`Timeline of "${this.#rootId}" (virtual ms):`, ...earlier, ...lines].join('\n');
  }

  #change(entry: SupervisionEvent | ToldEvent): Change | undefined {
    switch (entry.type) {
      case 'child:starting': {
        const { kind, incarnation, atMs } = entry;
        return { change: 'start', child: this.relative(entry.child), kind, incarnation, atMs };
      }
      case 'child:exited':
      case 'child:start-failed': {
        const { incarnation, atMs, exit, asked } = entry;
        const kind = this.#kinds.get(entry.child) ?? '';
        return { change: 'end', child: this.relative(entry.child), kind, incarnation, atMs, exit, asked };
      }
      default:
        return undefined;
    }
  }

  #line(entry: SupervisionEvent | ToldEvent): string | undefined {
    const words = describe(entry, (path) => this.relative(path));
    if (words === undefined) return undefined;
    const subject = 'child' in entry && entry.type !== 'supervisor:gave-up' ? entry.child : undefined;
    const whose = subject ?? ('supervisor' in entry ? entry.supervisor : this.#rootId);
    const mark = entry.type === 'told' ? '>' : ' ';
    const name = entry.type === 'told' ? whose : this.relative(whose);
    return `${String(round(entry.atMs)).padStart(8)} ${mark} ${name.padEnd(20)}  ${words}`;
  }
}

/** One event in words; nothing for what would only repeat its neighbour. */
function describe(entry: SupervisionEvent | ToldEvent, name: (path: string) => string): string | undefined {
  switch (entry.type) {
    case 'told':
      return entry.told;
    case 'supervisor:starting':
      return undefined;
    case 'supervisor:ready':
      return 'all its children are ready';
    case 'supervisor:stopping':
      return 'stops its children';
    case 'supervisor:stopped':
      return `stopped: ${describeExit(entry.exit)}`;
    case 'supervisor:gave-up':
      return `gives up: ${describeLimit(entry)} within ${entry.periodMs} ms, the last of ${name(entry.child)}`;
    case 'supervisor:auto-shutdown':
      return 'has ended, which ends its supervisor';
    case 'child:paused':
      return 'is suspended';
    case 'child:resumed':
      return 'goes on';
    case 'child:reloading':
      return 'is asked to reload';
    case 'child:kept-down':
      return `stays down: ${entry.why}`;
    case 'child:added':
      return 'added';
    case 'child:removed':
      return 'removed';
    case 'child:starting':
      return `starts (${entry.incarnation})`;
    case 'child:ready':
      return `is ready (${entry.incarnation})`;
    case 'child:ignored':
      return `declines to run (${entry.incarnation})`;
    case 'child:start-failed':
      return `fails to start (${entry.incarnation}): ${describeExit(entry.exit)}`;
    case 'child:stopping':
      return `is asked to ${entry.step} (${entry.incarnation})`;
    case 'child:exited':
      return `ends (${entry.incarnation}): ${describeExit(entry.exit)}`;
    case 'child:survived':
      return `survives its kill (${entry.incarnation})`;
    case 'child:restarting':
      return `is restarted in ${entry.delayMs} ms (failure ${entry.failures})`;
    case 'child:fault':
      return `is at fault (${entry.incarnation}): ${describeExit(entry.exit)}`;
    case 'child:stray-error':
      return `left an error behind: ${entry.error.message}`;
    case 'child:noted':
      return `notes: ${entry.note}`;
    case 'signal:received':
      return `receives ${entry.signal}`;
    case 'listener:failed':
      return `a listener of ${entry.event} failed: ${entry.error.message}`;
  }
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}
