// The check: the same files once more, one after another, by the plainest code there is; then the two accounts are compared.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Finished,
  type Job,
  measured,
  type Outcome,
  type Totals,
  totalsOf,
  unreadable,
} from './jobs.js';
import type { Queue } from './queue.js';

/**
 * Counts every file of the jobs anew and compares that with what the queue recorded.
 * @throws an AbortError when `signal` is aborted meanwhile
 */
export async function check(queue: Queue, jobs: readonly Job[], signal: AbortSignal): Promise<Verdict> {
  const paths = new Map(jobs.map(({ id, path }) => [id, path]));
  const expected = await plainCount(jobs, signal);
  return compare(expected, await queue.finished(), (id) => changedSince(paths.get(id) ?? '', queue.bornAtMs));
}

const YIELD_AFTER_MS = 20;

/** Pauses now and then, so that a Ctrl-C is heard. */
async function plainCount(jobs: readonly Job[], signal: AbortSignal): Promise<ReadonlyMap<string, Outcome>> {
  const outcomes = new Map<string, Outcome>();
  let pausedAtMs = performance.now();
  for (const { id, path } of jobs) {
    outcomes.set(id, countFile(path));
    if (performance.now() - pausedAtMs > YIELD_AFTER_MS) {
      await nextTurn(undefined, { signal });
      pausedAtMs = performance.now();
    }
  }
  return outcomes;
}

function countFile(path: string): Outcome {
  try {
    const content = readFileSync(path);
    let lines = 0;
    for (let at = 0; at < content.length; at += 1) if (content[at] === 0x0a) lines += 1;
    return measured(createHash('sha256').update(content).digest('hex'), lines, content.length);
  } catch (error) {
    return unreadable(error);
  }
}

/** What the comparison found; the lists hold the ids of jobs. */
export interface Verdict {
  readonly jobs: number;
  readonly done: number;
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  readonly wrong: readonly string[];
  /** Different by now, because the file is: it was written to while the work went on. Left out of the sums. */
  readonly changed: readonly string[];
  /** Done, but never put in. */
  readonly unknown: readonly string[];
  readonly expected: Totals;
  readonly counted: Totals;
  readonly passed: boolean;
}

/**
 * Compares what the queue recorded with what should be in it.
 * @param hasChanged - whether a job's file was written to since the work began; asked only where the outcomes differ
 */
export function compare(
  expected: ReadonlyMap<string, Outcome>,
  finished: readonly Finished[],
  hasChanged: (id: string) => boolean,
): Verdict {
  const recorded = new Map<string, Outcome[]>();
  for (const { id, outcome } of finished) recorded.set(id, [...(recorded.get(id) ?? []), outcome]);
  const ids = [...expected.keys()];
  const lost = ids.filter((id) => !recorded.has(id));
  const twice = ids.filter((id) => (recorded.get(id)?.length ?? 0) > 1);
  const differing = ids.filter((id) => recorded.get(id)?.some((outcome) => outcome !== expected.get(id)));
  const changed = new Set(differing.filter(hasChanged));
  const wrong = differing.filter((id) => !changed.has(id));
  const unknown = [...recorded.keys()].filter((id) => !expected.has(id));
  return {
    jobs: ids.length,
    done: finished.length,
    lost,
    twice,
    wrong,
    changed: [...changed],
    unknown,
    expected: totalsOf([...expected].flatMap(([id, outcome]) => (changed.has(id) ? [] : outcome))),
    counted: totalsOf(finished.flatMap(({ id, outcome }) => (changed.has(id) ? [] : outcome))),
    passed: [lost, twice, wrong, unknown].every(({ length }) => length === 0),
  };
}

/** Whether a file was written to, or removed, since a moment of the wall clock. */
function changedSince(path: string, atMs: number): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined || stat.ctimeMs >= atMs;
}
