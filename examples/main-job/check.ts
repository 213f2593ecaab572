// The check: the same files once more, one after another, by the plainest code there is; then the two accounts are compared.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

const YIELD_AFTER_MS = 20;

/** Counts every file anew; pauses now and then, so that a Ctrl-C is heard. */
export async function plainCount(
  jobs: readonly Job[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Outcome>> {
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
  /** Done, but never put in. */
  readonly unknown: readonly string[];
  readonly expected: Totals;
  readonly counted: Totals;
  readonly passed: boolean;
}

/** Compares what the queue recorded with what should be in it. */
export function compare(expected: ReadonlyMap<string, Outcome>, finished: readonly Finished[]): Verdict {
  const recorded = new Map<string, Outcome[]>();
  for (const { id, outcome } of finished) recorded.set(id, [...(recorded.get(id) ?? []), outcome]);
  const ids = [...expected.keys()];
  const lost = ids.filter((id) => !recorded.has(id));
  const twice = ids.filter((id) => (recorded.get(id)?.length ?? 0) > 1);
  const wrong = ids.filter((id) => recorded.get(id)?.some((outcome) => outcome !== expected.get(id)));
  const unknown = [...recorded.keys()].filter((id) => !expected.has(id));
  return {
    jobs: ids.length,
    done: finished.length,
    lost,
    twice,
    wrong,
    unknown,
    expected: totalsOf(expected.values()),
    counted: totalsOf(finished.map(({ outcome }) => outcome)),
    passed: [lost, twice, wrong, unknown].every(({ length }) => length === 0),
  };
}
