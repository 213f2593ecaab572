import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../runtime/index.js';
import type { Native } from '../backend/backend.js';
import { errnoOf } from '../inspect/failure.js';
import { orNothing, readNames } from '../inspect/read.js';
import type { Entry } from './entry.js';
import { pause } from './groups.js';
import { bootId, lifeOf, namespace, thisProcess, type Who } from './identity.js';
import { dropLine, LEDGER_NAME, type LedgerHeader, type ParsedLedger, parseLedger } from './lines.js';
import { type EntryOutcome, releaseAll } from './release.js';
import { ownUid, whyNotOurs } from './state-dir.js';

export interface ReclaimOptions {
  readonly stateDir: string;
  /** Only this one. @defaultValue all scopes of the state directory */
  readonly scope?: string | undefined;
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean;
  /** Removes System V objects; without it `ipcrm` does. */
  readonly native?: Native | undefined;
  /** How long a guardian, or another reclaim, that is at work on a ledger is waited for, in ms. @defaultValue `5_000` */
  readonly waitMs?: number;
  /** How long each command may take, in ms. @defaultValue `10_000` */
  readonly commandLimitMs?: number;
  readonly clock?: Clock;
}

/** What was found of dead programs, and what became of it. Plain data, but for the `error` of what failed. */
export interface ReclaimReport {
  readonly ledgers: readonly LedgerReport[];
  /** Directories that were not looked into, and why. */
  readonly refused: readonly { readonly path: string; readonly why: string }[];
}

/** What was done with a whole ledger. */
export type LedgerVerdict =
  /** Its owner is dead; what it lists was released, or is no longer there. */
  | 'reclaimed'
  /** In a dry run. */
  | 'reclaimable'
  /** As reclaimed, but something could not be released, and stays in it. */
  | 'incomplete'
  | 'owner-alive'
  /** Its owner is dead, and its guardian, or another reclaim, has not finished with it yet. */
  | 'at-work'
  /** While it was waited for, its guardian or another reclaim released it. */
  | 'released-by-another'
  | 'other-namespace'
  | 'other-user'
  /** It is no ledger, or of another version; not acted upon. */
  | 'not-understood';

/** One ledger: whose it was, what it lists, and what became of that. */
export interface LedgerReport {
  readonly path: string;
  readonly scope: string;
  readonly verdict: LedgerVerdict;
  /** Who wrote it; nothing where that cannot be read. */
  readonly owner: Who | undefined;
  /** Empty where the ledger was left alone. */
  readonly entries: readonly EntryReport[];
  /** How many of its lines said nothing, such as the one that its owner was writing when it died. */
  readonly ignoredLines: number;
}

/** One thing that a ledger lists, and what became of it. */
export type EntryReport = EntryOutcome & { readonly entry: Entry };

/**
 * Releases what dead owners have left behind, as their ledgers tell: the newest first, and each thing only while it is still the one that
 * was written down. Ledgers of the living, of other users and of other namespaces are left alone. Of another boot's only files on a disk
 * are looked for. Any number of reclaims and guardians may be at work at once: one of them has a ledger at a time.
 *
 * Never rejects for what a ledger contains; what fails stands in the report.
 */
export async function reclaim(options: ReclaimOptions): Promise<ReclaimReport> {
  const here: Here = { ...options, clock: options.clock ?? systemClock, me: thisProcess() };
  const refused: { path: string; why: string }[] = [];
  const ledgers: LedgerReport[] = [];
  for (const { scope, dir } of scopeDirs(options, refused)) {
    if (!options.dryRun) removeUnfinished(dir);
    ledgers.push(...(await reclaimScope(dir, scope, here)));
  }
  return { ledgers, refused };
}

/**
 * The marks of processes that dead owners of a scope have left, as far as they are for us to end: what a guardian or another reclaim is at work
 * on included.
 */
export function marksOfTheDead(stateDir: string, scope: string): readonly string[] {
  const dir = join(stateDir, scope);
  return readNames(dir)
    .filter(isLedgerName)
    .flatMap((name) => {
      const found = read(join(dir, name));
      if (typeof found === 'string' || found.ledger.header.bootId !== bootId()) return [];
      if (standing(found.ledger.header) !== undefined) return [];
      return found.ledger.entries.flatMap(({ entry }) => (entry.type === 'marked' ? [entry.mark] : []));
    });
}

interface Here extends ReclaimOptions {
  readonly clock: Clock;
  readonly me: Who;
}

function scopeDirs(
  { stateDir, scope }: ReclaimOptions,
  refused: { path: string; why: string }[],
): readonly { scope: string; dir: string }[] {
  const isOurs = (path: string): boolean => {
    if (!existsSync(path)) return false;
    const why = whyNotOurs(path);
    if (why !== undefined) refused.push({ path, why });
    return why === undefined;
  };
  if (!isOurs(stateDir)) return [];
  const scopes = scope === undefined ? readNames(stateDir) : [scope];
  return scopes.map((one) => ({ scope: one, dir: join(stateDir, one) })).filter(({ dir }) => isOurs(dir));
}

/** One that its owner was about to put in place when it died. The number is that of the owner's pid namespace. */
const UNFINISHED_NAME = /^(\d+)-(\d+)-[0-9a-f]+\.ledger\.(\d+)\.new$/;

/** One after the other: what one leaves behind may be in the way of the next. Looks again, as one that was taken in hand has another name. */
async function reclaimScope(dir: string, scope: string, here: Here): Promise<readonly LedgerReport[]> {
  const reports: LedgerReport[] = [];
  const seen = new Set<string>();
  const unseen = (): string | undefined =>
    readNames(dir).find((name) => isLedgerName(name) && !seen.has(name));
  for (let name = unseen(); name !== undefined; name = unseen()) {
    seen.add(name);
    const report = await reclaimOne(join(dir, name), scope, here);
    if (report === undefined) continue;
    seen.add(nameOf(report.path));
    reports.push(report);
  }
  return reports;
}

function isLedgerName(name: string): boolean {
  return LEDGER_NAME.test(name);
}

function removeUnfinished(dir: string): void {
  for (const name of readNames(dir)) {
    const [, pid, startTicks, pidNamespace] = UNFINISHED_NAME.exec(name) ?? [];
    if (pid === undefined || Number(pidNamespace) !== namespace('pid')) continue;
    if (lifeOf(who(pid, startTicks)) === 'dead') orNothing(() => unlinkSync(join(dir, name)));
  }
}

/** @returns nothing if somebody else was faster */
async function reclaimOne(path: string, scope: string, here: Here): Promise<LedgerReport | undefined> {
  const before = read(path);
  if (before === 'gone') return undefined;
  if (typeof before === 'string') return report(path, scope, before, undefined);
  const verdict = standing(before.ledger.header) ?? (await afterOthers(path, before.ledger, here));
  if (verdict !== undefined) return report(path, scope, verdict, before.ledger);
  // Nobody writes to it any more, but it may have been worked on since.
  const claimed = here.dryRun ? path : claim(path, here.me);
  const found = claimed === undefined ? 'gone' : read(claimed);
  if (claimed === undefined || found === 'gone')
    return report(path, scope, 'released-by-another', before.ledger);
  if (typeof found === 'string') return report(path, scope, found, undefined);
  return release(claimed, scope, found, here);
}

async function release(claimed: string, scope: string, found: Read, here: Here): Promise<LedgerReport> {
  const { ledger, writtenAtS } = found;
  const { dryRun, native, clock, commandLimitMs = 10_000 } = here;
  const tools = { dryRun, native, clock, commandLimitMs, writtenAtS, ledgerPath: claimed };
  const outcomes = await releaseAll(ledger, tools);
  const entries = ledger.entries.map(({ number, entry }) => ({ entry, ...(outcomes.get(number) ?? GONE) }));
  const path = unclaimed(claimed);
  if (dryRun) return report(path, scope, 'reclaimable', ledger, entries);
  // A command that fails was tried; it would fail at every start from now on.
  const done = ledger.entries.filter(
    ({ number, entry }) => entry.type === 'command' || outcomes.get(number)?.outcome !== 'failed',
  );
  if (done.length === ledger.entries.length) unlinkSync(claimed);
  else {
    appendFileSync(claimed, done.map(({ number }) => dropLine(number)).join(''));
    renameSync(claimed, path);
  }
  const isDone = done.length === ledger.entries.length;
  return report(path, scope, isDone ? 'reclaimed' : 'incomplete', ledger, entries);
}

const GONE: EntryOutcome = { outcome: 'gone' };

/** Why a ledger is not for us; nothing if its owner is dead. */
function standing({ uid, bootId: boot, owner, ...header }: LedgerHeader): LedgerVerdict | undefined {
  if (uid !== ownUid()) return 'other-user';
  // Nobody outlives a boot, and its namespaces had other numbers.
  if (boot !== bootId()) return undefined;
  if (header.pidNamespace !== namespace('pid') || header.ipcNamespace !== namespace('ipc'))
    return 'other-namespace';
  return lifeOf(owner) === 'dead' ? undefined : 'owner-alive';
}

/** Lets the guardian, or whoever else has the ledger in hand, finish. What they leave when they die is for us. */
async function afterOthers(
  path: string,
  ledger: ParsedLedger,
  here: Here,
): Promise<LedgerVerdict | undefined> {
  if (ledger.header.bootId !== bootId()) return undefined;
  const others = [ledger.guardian, claimer(path)].filter((one) => one !== undefined);
  const isAtWork = (): boolean => others.some((one) => lifeOf(one) !== 'dead');
  const untilMs = here.clock.now() + (here.dryRun ? 0 : (here.waitMs ?? 5_000));
  for (let waitMs = 2; existsSync(path) && isAtWork(); waitMs = Math.min(waitMs * 2, 100)) {
    if (here.clock.now() >= untilMs) return 'at-work';
    await pause(here.clock, waitMs);
  }
  return existsSync(path) ? undefined : 'released-by-another';
}

/** Takes a ledger in hand, by a name that says who has it; one of several that try succeeds. */
function claim(path: string, me: Who): string | undefined {
  const claimed = `${unclaimed(path)}.by-${me.pid}-${me.startTicks}`;
  try {
    renameSync(path, claimed);
    return claimed;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function claimer(path: string): Who | undefined {
  const [, , pid, startTicks] = LEDGER_NAME.exec(nameOf(path)) ?? [];
  return pid === undefined ? undefined : who(pid, startTicks);
}

function unclaimed(path: string): string {
  return path.replace(/\.by-\d+-\d+$/, '');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function who(pid: string, startTicks = '0'): Who {
  return { pid: Number(pid), tid: Number(pid), startTicks: Number(startTicks) };
}

interface Read {
  readonly ledger: ParsedLedger;
  readonly writtenAtS: number;
}

/** A link or anything but a file of ours is no ledger, whatever it leads to. */
function read(path: string): Read | 'gone' | 'other-user' | 'not-understood' {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return errnoOf(error) === 'ENOENT' ? 'gone' : 'not-understood';
  }
  try {
    const stat = fstatSync(fd);
    if (stat.uid !== ownUid()) return 'other-user';
    if (!stat.isFile() || stat.size > LONGEST_BYTES) return 'not-understood';
    const ledger = parseLedger(readFileSync(fd, 'latin1'));
    return ledger === undefined ? 'not-understood' : { ledger, writtenAtS: stat.mtimeMs / 1000 };
  } finally {
    closeSync(fd);
  }
}

const LONGEST_BYTES = 64 * 1024 * 1024;

function report(
  path: string,
  scope: string,
  verdict: LedgerVerdict,
  ledger: ParsedLedger | undefined,
  entries: readonly EntryReport[] = [],
): LedgerReport {
  const ignoredLines = ledger?.ignoredLines ?? 0;
  return { path, scope, verdict, owner: ledger?.header.owner, entries, ignoredLines };
}
