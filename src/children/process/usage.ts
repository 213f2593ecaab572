import { readFileSync } from 'node:fs';
import type { Usage } from '../../runtime/index.js';
import { type ProcessIdentity, splitStat, TICKS_PER_SECOND } from './proc.js';

/** What one process uses. */
export interface Reading extends ProcessIdentity {
  readonly rssBytes: number;
  readonly cpuMs: number;
  /** What its ended children used that it has waited for, theirs included. */
  readonly reapedCpuMs: number;
}

/** What processes use together; undefined where there is no `/proc`. Zombies and those that have ended since count for nothing. */
export function usageOf(members: readonly ProcessIdentity[]): Usage | undefined {
  if (process.platform !== 'linux') return undefined;
  return sumUp(readUsage(members));
}

/** The sum of what processes use. */
export function sumUp(readings: readonly Reading[]): Usage {
  return {
    processes: readings.length,
    rssBytes: readings.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    cpuMs: readings.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

/** What each of these processes uses: one small file is read for each. */
export function readUsage(members: readonly ProcessIdentity[]): readonly Reading[] {
  return members.flatMap((member) => {
    const reading = readOne(member.pid);
    // Another process may have its number by now.
    return reading?.startTicks === member.startTicks ? [reading] : [];
  });
}

function readOne(pid: number): Reading | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has ended.
    return undefined;
  }
  const { fields } = splitStat(stat);
  if (ENDED.has(fields[0] ?? '')) return undefined;
  const field = (place: number): number => Number(fields[place]);
  return {
    pid,
    startTicks: field(19),
    cpuMs: ((field(11) + field(12)) * 1000) / TICKS_PER_SECOND,
    reapedCpuMs: ((field(13) + field(14)) * 1000) / TICKS_PER_SECOND,
    rssBytes: field(21) * pageBytes(),
  };
}

const ENDED: ReadonlySet<string> = new Set(['Z', 'X', 'x']);

let page: number | undefined;

/** 4 KiB on most machines, 16 or 64 on some; the kernel tells every program as it starts it. */
function pageBytes(): number {
  page ??= auxiliary(AT_PAGESZ) ?? 4096;
  return page;
}

const AT_PAGESZ = 6n;

/** A value of the auxiliary vector, which is pairs of 64-bit numbers. */
function auxiliary(key: bigint): number | undefined {
  try {
    const vector = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === key) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Closed to us, as in some sandboxes.
  }
  return undefined;
}
