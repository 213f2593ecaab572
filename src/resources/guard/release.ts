import { spawn } from 'node:child_process';
import { appendFileSync, lstatSync, rmSync } from 'node:fs';
import type { Clock } from '../../runtime/index.js';
import type { Native } from '../backend/backend.js';
import { errnoOf } from '../inspect/failure.js';
import { named } from '../inspect/processes.js';
import { segments, semaphoreSets } from '../inspect/system-v.js';
import type { CommandEntry, Entry, GroupEntry, Identity, MarkedEntry, SharedFileEntry } from './entry.js';
import { endGroup, groupLife, type RecordedGroup } from './groups.js';
import { bootId } from './identity.js';
import { type LedgerHeader, leaveLine, type ParsedLedger, type Recorded } from './lines.js';
import { carriersOf, endMarked } from './marked.js';
import { isUsedByOthers } from './sharers.js';

/** Why something was left alone. */
export type SkipReason =
  /** Something has that key, name or number, and is not what was made. */
  | 'foreign'
  /** It belongs to another user. */
  | 'other-user'
  /** Others of its scope share it, and the last of them will remove it. */
  | 'in-use'
  /** The machine has started again since: its number means nothing any more. */
  | 'other-boot';

/** What became of one entry of a ledger. */
export type EntryOutcome =
  | { readonly outcome: 'released' }
  /** In a dry run. */
  | { readonly outcome: 'would-release' }
  /** There was nothing left of it. */
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'skipped'; readonly why: SkipReason }
  | { readonly outcome: 'failed'; readonly error: unknown };

/** With what a ledger is released. */
export interface ReleaseTools {
  readonly dryRun: boolean;
  readonly native: Native | undefined;
  readonly clock: Clock;
  readonly commandLimitMs: number;
  /** When the ledger was last written, in seconds since 1970. */
  readonly writtenAtS: number;
  /** Where it is, among those of its scope. */
  readonly ledgerPath: string;
}

/**
 * Releases what a dead owner's ledger lists and is still the same, in the guardian's order: processes, then commands, System V objects,
 * and files and directories, newest first.
 * @returns what became of each entry, by its number
 */
export async function releaseAll(
  ledger: ParsedLedger,
  tools: ReleaseTools,
): Promise<ReadonlyMap<number, EntryOutcome>> {
  const sameBoot = ledger.header.bootId === bootId();
  const outcomes = new Map<number, EntryOutcome>();
  const newestFirst = [...ledger.entries].reverse();
  const processes = newestFirst.filter(({ entry }) => isOfProcesses(entry));
  const others = newestFirst.filter(({ entry }) => !isOfProcesses(entry));
  const endingGroups = new Set<number>();
  others.sort((a, b) => ORDER.indexOf(a.entry.type) - ORDER.indexOf(b.entry.type));
  const release = async (recorded: Recorded): Promise<void> => {
    const look = (): Found =>
      sameBoot || survivesBoot(recorded)
        ? find(recorded, ledger.header, { ...tools, endingGroups })
        : OTHER_BOOT;
    outcomes.set(recorded.number, await carryOut(look, tools));
  };
  await Promise.all(processes.map(release));
  for (const recorded of others) await release(recorded);
  return outcomes;
}

const ORDER: readonly string[] = ['command', 'sysv-shm', 'sysv-sem', 'shared-file', 'file', 'directory'];

/** What there is of an entry: how it is released, or why it is not. */
type Found = EntryOutcome | { readonly outcome: 'found'; release(): Promise<void> | void };

const GONE: EntryOutcome = { outcome: 'gone' };
const FOREIGN: EntryOutcome = { outcome: 'skipped', why: 'foreign' };
const OTHER_USER: EntryOutcome = { outcome: 'skipped', why: 'other-user' };
const IN_USE: EntryOutcome = { outcome: 'skipped', why: 'in-use' };
const OTHER_BOOT: EntryOutcome = { outcome: 'skipped', why: 'other-boot' };

async function carryOut(look: () => Found, { dryRun }: ReleaseTools): Promise<EntryOutcome> {
  try {
    const found = look();
    if (found.outcome !== 'found') return found;
    if (dryRun) return { outcome: 'would-release' };
    await found.release();
    return { outcome: 'released' };
  } catch (error) {
    return { outcome: 'failed', error };
  }
}

/** What may use all the rest. */
function isOfProcesses({ type }: Entry): boolean {
  return type === 'group' || type === 'marked';
}

function survivesBoot({ entry }: Recorded): boolean {
  return 'onDisk' in entry && entry.onDisk;
}

interface Tools extends ReleaseTools {
  /** The groups of this ledger that are being ended: their members are left to that. */
  readonly endingGroups: Set<number>;
}

function find(recorded: Recorded, header: LedgerHeader, tools: Tools): Found {
  const { entry, identity } = recorded;
  switch (entry.type) {
    case 'group':
      return findGroup(entry, identity, tools);
    case 'marked':
      return findMarked(entry, tools);
    case 'command':
      return { outcome: 'found', release: () => run(entry, tools) };
    case 'sysv-shm':
    case 'sysv-sem':
      return findSystemV(recorded, header, tools);
    case 'shared-file':
      return findShared(recorded, entry, header, tools);
    case 'file':
      return findPaths(entry.paths, identity, header);
    case 'directory':
      return findPaths([entry.path], identity, header);
  }
}

function findGroup(entry: GroupEntry, identity: Identity | undefined, tools: Tools): Found {
  // Its owner died before it could tell it from others.
  if (identity?.type !== 'group') return FOREIGN;
  const group: RecordedGroup = {
    pid: entry.pid,
    startTicks: identity.startTicks,
    ownerSeenAtS: tools.writtenAtS,
  };
  const life = groupLife(group);
  if (life !== 'alive') return life === 'gone' ? GONE : FOREIGN;
  const release = async (): Promise<void> => {
    tools.endingGroups.add(entry.pid);
    const hasEnded = await endGroup(entry, group, tools.clock);
    tools.endingGroups.delete(entry.pid);
    if (!hasEnded) throw new Error(`process group ${entry.pid} has not ended 5 s after SIGKILL`);
  };
  return { outcome: 'found', release };
}

/** One look is not enough to know that there is none, so it is only where nothing is to be done. */
function findMarked(entry: MarkedEntry, { dryRun, clock, endingGroups }: Tools): Found {
  if (dryRun && carriersOf(entry.mark).length === 0) return GONE;
  const release = async (): Promise<void> => {
    const left = await endMarked(entry, clock, (pgrp) => endingGroups.has(pgrp));
    if (left.length === 0) return;
    throw new Error(`${left.map(({ pid }) => named(pid)).join(', ')} did not end within 5 s after SIGKILL`);
  };
  return { outcome: 'found', release };
}

/** A row of the kernel's list, be it of segments or of sets. */
interface Row {
  readonly id: number;
  readonly key: number;
  readonly amount: number;
  readonly uid: number;
  readonly cpid: number | undefined;
  readonly changedAtS: number;
}

function findSystemV(recorded: Recorded, header: LedgerHeader, tools: ReleaseTools): Found {
  const { entry } = recorded;
  if (entry.type !== 'sysv-shm' && entry.type !== 'sysv-sem') return GONE;
  const rows = rowsOf(entry.type).filter(({ key }) => key === entry.key);
  const row = rows.find((one) => isWhatWasMade(one, recorded, header));
  if (row === undefined) return rows.length === 0 ? GONE : FOREIGN;
  if (row.uid !== header.uid) return OTHER_USER;
  return { outcome: 'found', release: () => remove(entry.type, row, tools) };
}

function isWhatWasMade(row: Row, { entry, identity, sinceS }: Recorded, { owner }: LedgerHeader): boolean {
  if (row.amount !== (entry.type === 'sysv-shm' ? entry.bytes : entry.type === 'sysv-sem' ? entry.count : -1))
    return false;
  if (identity?.type === 'sysv-shm') return row.id === identity.id && row.cpid === identity.cpid;
  // Whoever sets its values changes that time, so it may be later, but never earlier.
  if (identity?.type === 'sysv-sem') return row.id === identity.id && row.changedAtS >= identity.changedAtS;
  // Without a key nothing tells it from any other that has none.
  if (row.key === 0 || row.changedAtS < sinceS) return false;
  return entry.type === 'sysv-sem' || row.cpid === owner.pid;
}

function rowsOf(type: 'sysv-shm' | 'sysv-sem'): readonly Row[] {
  return type === 'sysv-shm'
    ? segments().map((one) => ({ ...one, amount: one.bytes }))
    : semaphoreSets().map((one) => ({ ...one, amount: one.count, cpid: undefined }));
}

async function remove(
  type: 'sysv-shm' | 'sysv-sem',
  row: Row,
  { native, clock }: ReleaseTools,
): Promise<void> {
  try {
    if (native?.systemV === undefined)
      await succeed(['ipcrm', type === 'sysv-shm' ? '-m' : '-s', String(row.id)], 5_000, clock);
    else if (type === 'sysv-shm') native.systemV.removeSegment(row.id);
    else native.systemV.removeSemaphores(row.id);
  } catch (error) {
    // Somebody else may have been faster.
    if (rowsOf(type).some(({ id, key }) => id === row.id && key === row.key)) throw error;
  }
}

/** The proper name of a shared file only if nobody else lists it: written down first, so that whoever comes now waits for us. */
function findShared(
  { number, identity }: Recorded,
  { paths }: SharedFileEntry,
  header: LedgerHeader,
  { ledgerPath, dryRun }: ReleaseTools,
): Found {
  const found = findPaths(paths, identity, header);
  if (identity?.type !== 'shared-file' || found.outcome !== 'found') return found;
  // It may end in half a line, of an owner that died while it wrote.
  if (!dryRun) appendFileSync(ledgerPath, `\n${leaveLine(number)}`);
  const [random, path] = paths;
  if (!isUsedByOthers(ledgerPath, { path, ...identity })) return found;
  const own = findPaths([random], identity, header);
  return own.outcome === 'found' ? own : IN_USE;
}

/** The names that still lead to what was made; before that was known, the random name alone. */
function findPaths(paths: readonly string[], identity: Identity | undefined, header: LedgerHeader): Found {
  const known = identity !== undefined && 'ino' in identity ? identity : undefined;
  const there = (known === undefined ? paths.slice(0, 1) : paths).flatMap(look);
  if (there.length === 0) return GONE;
  const ours = there.filter(({ dev, ino, uid }) =>
    known === undefined ? uid === header.uid : dev === known.dev && ino === known.ino,
  );
  if (ours.length === 0) return known === undefined ? OTHER_USER : FOREIGN;
  const release = (): void => {
    for (const { path } of ours) rmSync(path, { recursive: true, force: true });
  };
  return { outcome: 'found', release };
}

interface Looked {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly uid: number;
}

function look(path: string): readonly Looked[] {
  try {
    const { dev, ino, uid } = lstatSync(path);
    return [{ path, dev, ino, uid }];
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [];
    throw error;
  }
}

function run({ argv }: CommandEntry, { clock, commandLimitMs }: ReleaseTools): Promise<void> {
  return succeed(argv, commandLimitMs, clock);
}

/** Runs a command in a group of its own, without a word, and kills it with all it started when its time is up. */
function succeed(
  [file, ...args]: readonly [string, ...string[]],
  limitMs: number,
  clock: Clock,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: 'ignore', cwd: '/', detached: true });
    const limit = clock.after(limitMs, () => killGroup(child.pid));
    child.once('error', (error) => {
      limit.cancel();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      limit.cancel();
      if (code === 0) resolve();
      else reject(new Error(`"${file}" ended with ${signal ?? `code ${code}`}`));
    });
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}
