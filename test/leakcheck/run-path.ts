import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Foreign } from './foreign.js';
import { endAll, type Ground, Host, type Mode, type Plan } from './host.js';
import { isEmptyLedger } from './ledgers.js';
import {
  added,
  isThere,
  look,
  lookQuickly,
  nameOf,
  removeTrace,
  type Trace,
  type TraceKind,
} from './machine.js';
import { startNext } from './next-start.js';
import type { Path } from './paths.js';

/** How one run of one path went. */
export interface RunResult {
  readonly mode: Mode;
  /** What was still there when patience was over. */
  readonly leaked: readonly Trace[];
  /**
   * From the end to everything released, in ms: from the moment of the blow, or of the death where it ended by itself; for what is released
   * by the next start, the time that this took.
   */
  readonly releaseMs: number;
  /** What went otherwise than the path says, in words: another exit, something that is not ours is gone. */
  readonly complaints: readonly string[];
}

/** Where runs take place. */
export interface Setting extends Ground {
  readonly foreign: Foreign;
  readonly random: () => number;
  /** How long a release may take, in ms, before what is there counts as leaked. */
  readonly patienceMs: number;
}

/** A run under way. */
interface Run {
  readonly path: Path;
  readonly host: Host;
  readonly setting: Setting;
  /** What there was before. */
  readonly before: readonly Trace[];
  /** What the host has said that it holds. */
  readonly held: readonly Trace[];
  readonly complaints: string[];
}

/** Goes a path once, and looks what is left. Leaves the machine as it was, leaks included. */
export async function runPath(path: Path, mode: Mode, setting: Setting): Promise<RunResult> {
  const plan = planOf(path, mode, setting);
  mkdirSync(plan.workDir, { recursive: true });
  const before = look(plan);
  const launched = path.launch?.(plan) ?? {};
  const host = new Host(plan, launched);
  try {
    const held = mode === 'hold' ? ((await host.says('has')).things ?? []) : [];
    const run: Run = { path, host, setting, before, held, complaints: [] };
    // What ends by itself may have ended by now.
    for (const trace of held.filter((it) => path.ending === undefined && !isThere(it, plan)))
      run.complaints.push(`${nameOf(trace)} was said to be held, and is not there`);
    const result = await (path.dies === 'child' ? goneWithChild(run) : goneWithHost(run));
    return { ...result, complaints: [...result.complaints, ...setting.foreign.complaints()] };
  } finally {
    endAll(plan.mark);
    await host.ended;
    for (const trace of added(before, look(plan))) removeTrace(trace);
    launched.undo?.();
    rmSync(plan.workDir, { recursive: true, force: true });
  }
}

let runs = 0;

function planOf(path: Path, mode: Mode, { folder, scope, stateDir, memoryDir, random }: Setting): Plan {
  runs += 1;
  // None is the beginning of another.
  const mark = `${scope}-${runs}-run`;
  return {
    who: path.who,
    mode,
    ...(path.ending === undefined ? {} : { ending: path.ending }),
    afterMs: random() * (mode === 'hold' ? HELD_MS : CHURNED_MS),
    seed: Math.floor(random() * 2 ** 32),
    scope,
    stateDir,
    memoryDir,
    workDir: join(folder, mark),
    mark,
  };
}

/** Within which time the end comes: once it holds everything, and since its start, which takes about a third of that. */
const HELD_MS = 10;
const CHURNED_MS = 300;

async function goneWithHost(run: Run): Promise<RunResult> {
  const { path, host } = run;
  const struckAtMs = await strike(run);
  const endedAtMs = await endOf(run);
  const next = path.released ?? 'at once';
  const tookMs = next === 'at once' ? undefined : await startNext(next, host.plan);
  // The process may be somebody else's by now; all else must go.
  const spared = path.ends === 'lives' ? [{ kind: 'process', id: String(host.pid) } as const] : [];
  const { left, atMs } = await released(run, [...run.before, ...spared], (it) => path.keeps?.(it) === true);
  for (const trace of run.held.filter((it) => path.keeps?.(it) === true && !isThere(it, host.plan)))
    run.complaints.push(`${nameOf(trace)} was not ours any more, and is gone`);
  const fromMs = struckAtMs === undefined || path.inOrder === true ? endedAtMs : struckAtMs;
  return {
    mode: host.plan.mode,
    leaked: left,
    releaseMs: tookMs ?? Math.max(0, atMs - fromMs),
    complaints: run.complaints,
  };
}

/** The child's things must go while the host lives; then the host is stopped, and all else must go. */
async function goneWithChild(run: Run): Promise<RunResult> {
  const { host } = run;
  const struckAtMs = await strike(run);
  const fromMs = struckAtMs ?? (await host.says('ending')).atMs;
  const { atMs: goneAtMs } = await host.says('gone');
  // What the host has for itself: it lives, with its guardian, its ledger and what is shared for as long.
  const hosts: readonly TraceKind[] = ['process', 'ledger', 'shared-state'];
  const first = await released(run, run.before, ({ kind }) => hosts.includes(kind));
  host.kill('SIGTERM');
  await host.ended;
  const second = await released(run, run.before, () => false);
  return {
    mode: host.plan.mode,
    leaked: [...first.left, ...second.left],
    releaseMs: Math.max(0, Math.max(first.atMs, goneAtMs) - fromMs),
    complaints: run.complaints,
  };
}

/** @returns when the blow was dealt; nothing where it ends by itself */
async function strike({ path, host, setting }: Run): Promise<number | undefined> {
  if (path.strike === undefined) return undefined;
  await wait(setting.random() * (host.plan.mode === 'hold' ? HELD_MS : CHURNED_MS));
  if (path.afterStart === true) await host.says('started');
  const atMs = performance.now();
  await path.strike(host);
  return atMs;
}

/** @returns when it was over */
async function endOf({ path, host, complaints }: Run): Promise<number> {
  if (path.ends === 'lives') return (await host.says('ending')).atMs;
  const { code, signal, atMs } = await host.ended;
  if (path.ends !== undefined && path.ends !== code && path.ends !== signal)
    complaints.push(`it ended with ${signal ?? `code ${code}`}, not ${path.ends}\n${host.stderr}`);
  return atMs;
}

interface Released {
  /** What is still there. */
  readonly left: readonly Trace[];
  /** When the last of the others was seen to be gone. */
  readonly atMs: number;
}

/**
 * Looks until nothing is left but what was there `before`, and what is of the kinds that may stay; or until patience is over. A ledger in which
 * nothing is listed any more is for the next start to remove: its owner was killed before it had a guardian.
 */
async function released(
  { path, host: { plan, ended }, setting }: Run,
  before: readonly Trace[],
  may: (trace: Trace) => boolean,
): Promise<Released> {
  const left = (now: readonly Trace[]): readonly Trace[] => added(before, now).filter((trace) => !may(trace));
  const isForNext = (trace: Trace): boolean =>
    trace.kind === 'ledger' && (path.leavesLedger === true || isEmptyLedger(trace));
  const untilMs = performance.now() + setting.patienceMs;
  const counted = (now: readonly Trace[]): readonly Trace[] => left(now).filter((trace) => !isForNext(trace));
  while (counted(lookQuickly(plan)).length > 0 && performance.now() < untilMs) await wait(LOOK_EVERY_MS);
  const atMs = performance.now();
  // The processes too, the guardian among them: it ends once it has released everything.
  while (counted(look(plan)).length > 0 && performance.now() < untilMs) await wait(LOOK_EVERY_MS);
  if (left(look(plan)).some(isForNext)) {
    // A ledger is nobody's only once the process is gone, whatever it has become.
    endAll(plan.mark);
    await ended;
    await startNext('by the next start', plan);
  }
  return { left: left(look(plan)), atMs };
}

const LOOK_EVERY_MS = 1;
