import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from '../inspect/failure.js';
import { bootId, type Who } from './identity.js';
import { LEDGER_NAME, parseLedger } from './lines.js';
import { ownUid } from './state-dir.js';

/** A file that several owners use by one name. */
export interface SharedFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
}

/**
 * Whether another ledger in the directory of this one lists that very file and does not say that it leaves it. Dead owners count until
 * somebody has released what they list: their processes come first.
 *
 * Ask it when this ledger says that it leaves the file: of several that leave at once, the last to say so finds no other.
 */
export function isUsedByOthers(ledgerPath: string, file: SharedFile): boolean {
  return sharersOf(readOthers(ledgerPath), file.path).some((one) => !one.leaving && isSame(one, file));
}

/** The owners of other ledgers that are about to leave a file of that name: until they have, it may vanish. */
export function leaversOf(ledgerPath: string, path: string): readonly Who[] {
  return sharersOf(readOthers(ledgerPath), path)
    .filter(({ leaving }) => leaving)
    .map(({ owner }) => owner);
}

/** Whether any other ledger in the directory of this one lists that very file. */
export function isListedByOthers(ledgerPath: string, file: SharedFile): boolean {
  for (let before = readOthers(ledgerPath); ; ) {
    if (sharersOf(before, file.path).some((one) => isSame(one, file))) return true;
    // One owner may have passed it on to another between our looks at the two: so nothing must have changed.
    const after = readOthers(ledgerPath);
    if (isUnchanged(before, after)) return false;
    before = after;
  }
}

interface Sharer {
  readonly owner: Who;
  /** Unknown while its owner is only about to make the file. */
  readonly dev: number | undefined;
  readonly ino: number | undefined;
  readonly leaving: boolean;
}

function sharersOf(ledgers: Ledgers, path: string): readonly Sharer[] {
  const boot = bootId();
  return [...ledgers.values()].flatMap((text) => {
    const ledger = parseLedger(text);
    if (ledger === undefined || ledger.header.bootId !== boot) return [];
    return ledger.entries.flatMap(({ entry, identity, leaving = false }) => {
      if (entry.type !== 'shared-file' || entry.paths[1] !== path) return [];
      const known = identity?.type === 'shared-file' ? identity : undefined;
      return [{ owner: ledger.header.owner, dev: known?.dev, ino: known?.ino, leaving }];
    });
  });
}

function isSame(one: Sharer, { dev, ino }: SharedFile): boolean {
  return one.dev === dev && one.ino === ino;
}

/** Their texts, by the names that they have all their life. */
type Ledgers = ReadonlyMap<string, string>;

function readOthers(ledgerPath: string): Ledgers {
  const own = lifelongName(basename(ledgerPath));
  for (;;) {
    const found = readLedgers(dirname(ledgerPath), own);
    if (found !== undefined) return found;
  }
}

/** @returns nothing if one went away meanwhile: it may have been taken in hand by another name */
function readLedgers(dir: string, own: string | undefined): Ledgers | undefined {
  const texts = new Map<string, string>();
  for (const name of namesIn(dir)) {
    const lifelong = lifelongName(name);
    if (lifelong === undefined || lifelong === own) continue;
    const text = read(join(dir, name));
    if (text === 'gone') return undefined;
    texts.set(lifelong, text);
  }
  return texts;
}

/** Nothing but a directory that has been cleaned away is without names: what cannot be read might list the file. */
function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function lifelongName(name: string): string | undefined {
  return LEDGER_NAME.exec(name)?.[1];
}

function read(path: string): string | 'gone' {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      return stat.isFile() && stat.uid === ownUid() ? readFileSync(fd, 'latin1') : '';
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return 'gone';
    // A link is no ledger.
    if (errnoOf(error) === 'ELOOP') return '';
    throw error;
  }
}

function isUnchanged(before: Ledgers, after: Ledgers): boolean {
  return before.size === after.size && [...after].every(([name, text]) => before.get(name) === text);
}
