import { statSync } from 'node:fs';
import type { Clock } from '../../../runtime/index.js';
import { isDead, listPids, readProc, readStat, type Stat } from '../proc.js';

/** The environment variable by which a process shows which trees it is in: `<mark>:<number>;`, once for each, the outermost first. */
export const MARK_VARIABLE = 'TREEWARDEN_MARK';

/** A living process of this machine. */
export interface Resident extends Stat {
  readonly pid: number;
  /** What {@link MARK_VARIABLE} holds; empty where its environment has none. */
  readonly marks: string;
  /**
   * Whether its environment could be read. `'empty'` is that of a process which is becoming another program at this moment, and of one that was
   * given none; `'hidden'` is that of another user, of one that has raised its rights, and one that was written over.
   */
  readonly environment: 'read' | 'empty' | 'hidden';
}

/** Everybody there was at one moment, but for kernel threads and what is older than this process: neither descends from it. */
export interface Census {
  /** All who live on, and were born later, are children of these. */
  readonly takenAtMs: number;
  readonly residents: readonly Resident[];
  /** Those whose environment says nothing. */
  readonly unread: readonly Resident[];
  /** Those who carry this token, in whatever tree they are by their other ones. */
  carriers(token: string): readonly Resident[];
  /** Those who are in the group or session of this leader, the leader included. */
  around(leader: number): readonly Resident[];
}

/** The processes as they were at this moment or later. Looks are shared: of many trees that end together, the first pays for all. */
export function censusSince(clock: Clock, notBeforeMs: number): Census {
  if (latest === undefined || latest.clock !== clock || latest.takenAtMs < notBeforeMs)
    latest = new TakenCensus(clock, latest);
  return latest;
}

/**
 * The processes as they were a short while ago. That while counts from the end of a look: with many processes it takes longer than that itself, and each of
 * many trees that are looked at in turn would else take one of its own.
 */
export function recentCensus(clock: Clock, whileMs: number): Census {
  if (latest === undefined || latest.clock !== clock || clock.now() - latest.doneAtMs > whileMs)
    latest = new TakenCensus(clock, latest);
  return latest;
}

let latest: TakenCensus | undefined;

class TakenCensus implements Census {
  readonly clock: Clock;
  readonly takenAtMs: number;
  readonly doneAtMs: number;
  readonly residents: readonly Resident[];
  readonly unread: readonly Resident[];
  readonly #marked: ReadonlyMap<number, Resident>;
  readonly #carriers: ReadonlyMap<string, readonly Resident[]>;
  readonly #around: ReadonlyMap<number, readonly Resident[]>;

  /** @param before - whose marks need not be read again: who has carried one descends from us, whatever it has become */
  constructor(clock: Clock, before: TakenCensus | undefined) {
    this.clock = clock;
    this.takenAtMs = clock.now();
    const known = before === undefined ? new Map<number, Resident>() : before.#marked;
    this.residents = listPids().flatMap((pid) => readResident(pid, known.get(pid)) ?? []);
    this.#marked = new Map(this.residents.filter(({ marks }) => marks !== '').map((one) => [one.pid, one]));
    this.unread = this.residents.filter(({ environment }) => environment !== 'read');
    this.#carriers = index(this.residents, ({ marks }) => marks.split(/(?<=;)/));
    this.#around = index(this.residents, ({ group, session }) => [group, session]);
    this.doneAtMs = clock.now();
  }

  carriers(token: string): readonly Resident[] {
    return this.#carriers.get(token) ?? [];
  }

  around(leader: number): readonly Resident[] {
    return this.#around.get(leader) ?? [];
  }
}

function index<Key>(
  residents: readonly Resident[],
  keysOf: (one: Resident) => readonly Key[],
): ReadonlyMap<Key, readonly Resident[]> {
  const found = new Map<Key, Resident[]>();
  for (const one of residents)
    for (const key of new Set(keysOf(one))) {
      const others = found.get(key);
      if (others === undefined) found.set(key, [one]);
      else others.push(one);
    }
  return found;
}

/**
 * A process as it is now; nothing for what has ended, for kernel threads, and for what is older than this process.
 * @param known - whose marks are its own, if it is the same process
 */
export function readResident(pid: number, known?: Resident): Resident | undefined {
  const stat = readStat(pid);
  if (stat === undefined || isDead(stat) || stat.isKernel || stat.startTicks < ownStart()) return undefined;
  if (known?.startTicks === stat.startTicks) return { ...known, ...stat };
  const environment = readProc(`${pid}/environ`);
  if (environment === undefined) return { pid, ...stat, marks: '', environment: 'hidden' };
  // A program that shows its state in its title, as nginx does, writes over its environment.
  const kind = environment === '' ? 'empty' : environment.includes('=') ? 'read' : 'hidden';
  return { pid, ...stat, marks: marksIn(environment), environment: kind };
}

/**
 * The last number that the kernel has given to a process or thread here, in one small read. Nothing where /proc/loadavg is not the kernel's own
 * word, as in containers whose load is made up for them.
 */
export function lastPid(): number | undefined {
  isKernelsOwn ??= deviceOf('/proc/loadavg') === deviceOf('/proc/self/stat');
  const last = isKernelsOwn ? Number(readProc('loadavg')?.trimEnd().split(' ').at(-1)) : 0;
  return last > 0 ? last : undefined;
}

let isKernelsOwn: boolean | undefined;

/** How many numbers there are before the kernel starts again with small ones. */
export function pidCount(): number {
  pids ??= Number(readProc('sys/kernel/pid_max') ?? 0);
  return pids;
}

let pids: number | undefined;

function ownStart(): number {
  startedAt ??= readStat(process.pid)?.startTicks ?? 0;
  return startedAt;
}

let startedAt: number | undefined;

function marksIn(environment: string): string {
  // The first look is for most of them the only one.
  const at = `\0${environment}`.indexOf(`\0${MARK_VARIABLE}=`);
  if (at < 0) return '';
  const end = environment.indexOf('\0', at);
  return environment.slice(at + MARK_VARIABLE.length + 1, end < 0 ? undefined : end);
}

function deviceOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.dev;
}
