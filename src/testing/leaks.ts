import { AssertionError } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { systemClock } from '../runtime/index.js';
import { sharedObjects } from './shared-objects.js';

/** What holds on to this process, or runs because of it: each thing by name, with how many of it there are. */
type Footprint = Readonly<Record<string, number>>;

/** A look at this process, to which later ones are compared. */
export interface LeakCheck {
  /** What there is more of now than when the check began: `Timeout: 0 before, 1 now`, `process 4711 (sleep 60): 0 before, 1 now`. */
  found(): readonly string[];
  /**
   * Resolves as soon as nothing has become more.
   *
   * @param patienceMs - how long closing handles and ending processes are waited for, in ms
   * @throws AssertionError that names what is left.
   */
  expectNone(patienceMs?: number): Promise<void>;
}

const PATIENCE_MS = 5000;
const LOOK_EVERY_MS = 5;

/**
 * Begins a leak check: call it first, run what you test, then await `expectNone()`. It counts
 *
 * - the listeners of `process`, `stdout` and `stderr`, and the handles and timers that keep this process running (an unref'd timer does not);
 * - on Linux, its child processes and all below them, detached ones such as a guardian included, as long as they have not been handed to init;
 * - on Linux, System V segments that this process has made, shared memory that it has mapped or open (a file in /dev/shm, a memfd, a segment),
 *   and the ledgers of registries that it has not closed.
 *
 * What other programs make meanwhile is not counted; what other threads of this process make is. A System V semaphore set, and a file in /dev/shm
 * that was made and closed, do not tell whose they are: from a registry they have a ledger, others it cannot find.
 *
 * @example
 * ```ts
 * const leaks = leakCheck();
 * await using app = await supervise(tree);
 * await app.stop();
 * await leaks.expectNone();
 * ```
 */
export function leakCheck(): LeakCheck {
  const before = footprint();
  const found = (): readonly string[] => grown(before, footprint());
  return {
    found,
    async expectNone(patienceMs = PATIENCE_MS) {
      const untilMs = systemClock.now() + patienceMs;
      while (found().length > 0 && systemClock.now() < untilMs) await pause();
      const left = found();
      if (left.length === 0) return;
      throw new AssertionError({
        message: `Something was left behind:\n${left.join('\n')}`,
        actual: left,
        expected: [],
        operator: 'deepStrictEqual',
      });
    },
  };
}

/** All that is counted, at this moment. */
function footprint(): Footprint {
  const counts: Record<string, number> = {};
  const count = (name: string, times = 1): void => {
    counts[name] = (counts[name] ?? 0) + times;
  };
  for (const [name, emitter] of Object.entries({ process, stdout: process.stdout, stderr: process.stderr })) {
    for (const event of emitter.eventNames())
      count(`${name}.on(${String(event)})`, emitter.listenerCount(event));
  }
  for (const resource of process.getActiveResourcesInfo()) count(resource);
  for (const name of descendants()) count(name);
  for (const name of sharedObjects()) count(name);
  return counts;
}

/** What there is more of, in words. */
function grown(before: Footprint, now: Footprint): readonly string[] {
  return Object.entries(now)
    .filter(([name, count]) => count > (before[name] ?? 0))
    .map(([name, count]) => `${name}: ${before[name] ?? 0} before, ${count} now`);
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    systemClock.after(LOOK_EVERY_MS, resolve);
  });
}

/** The processes below this one, by pid and command line. None where there is no /proc. */
function descendants(): readonly string[] {
  const children = new Map<number, number[]>();
  for (const pid of pids()) {
    const parent = parentOf(pid);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): readonly number[] =>
    (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(process.pid).map((pid) => `process ${pid} (${commandOf(pid)})`);
}

function pids(): readonly number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    // Not Linux: processes are not counted there.
    return [];
  }
}

/** Undefined for what has ended meanwhile, and for a zombie, which Node is about to reap. */
function parentOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; state and parent follow the last of them.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === undefined || state === 'Z' || parent === undefined ? undefined : Number(parent);
}

function commandOf(pid: number): string {
  return read(`/proc/${pid}/cmdline`).split('\0').join(' ').trim().slice(0, 120);
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process has ended between two looks.
    return '';
  }
}
