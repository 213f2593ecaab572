import type { Clock } from '../../../runtime/index.js';
import { censusSince, MARK_VARIABLE } from '../owned/census.js';
import { isRunning, listPids, readProc, readStat } from '../proc.js';

/** A process that is known, and who waits for it is gone. */
export interface Found {
  readonly pid: number;
  readonly startTicks: number;
}

/** The variable by which a helper, and a child of it that is not its own program yet, is known. */
export const HELPER_VARIABLE = 'TREEWARDEN_SPAWN_HELPER_ID';

/** A step from a fork to its program takes a millisecond or so. */
const STEP_MS = 5;
const STEPS = 200;
const SHORTEST_LOOK_MS = 10;
const LONGEST_LOOK_MS = 500;

/** Resolves once nobody is left who was forked by a dead helper and is not a program of its own yet. */
export async function whenSettled(clock: Clock, helperId: string): Promise<void> {
  const variable = `${HELPER_VARIABLE}=${helperId}`;
  for (let step = 0; step < STEPS; step += 1) {
    if (!listPids().some((pid) => pid !== process.pid && isHalfBorn(pid, variable))) return;
    await wait(clock, STEP_MS);
  }
}

/** The process that carries the mark of a request, which says so in its environment; undefined where there is none. */
export function findMarked(
  clock: Clock,
  env: Readonly<Record<string, string | undefined>>,
): Found | undefined {
  const mark = env[MARK_VARIABLE];
  if (mark === undefined || mark === '') return undefined;
  const ours = censusSince(clock, clock.now()).residents.filter(({ marks }) => marks === mark);
  return ours.find(({ pid, group }) => pid === group) ?? ours[0];
}

/** Calls back once a process is gone that is not a child of ours. */
export function whenGone(
  clock: Clock,
  { pid, startTicks }: { readonly pid: number | undefined; readonly startTicks: number | undefined },
  run: () => void,
): void {
  let pauseMs = SHORTEST_LOOK_MS;
  const look = (): void => {
    if (pid === undefined || !isStill(pid, startTicks)) return run();
    clock.after(pauseMs, look, false);
    pauseMs = Math.min(2 * pauseMs, LONGEST_LOOK_MS);
  };
  look();
}

function isStill(pid: number, startTicks: number | undefined): boolean {
  if (!isRunning(pid)) return false;
  const now = readStat(pid)?.startTicks;
  return now === undefined || startTicks === undefined || now === startTicks;
}

function isHalfBorn(pid: number, variable: string): boolean {
  return readProc(`${pid}/environ`)?.includes(variable) === true;
}

function wait(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
