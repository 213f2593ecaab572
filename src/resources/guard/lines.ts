import type { Entry, GroupDrain, Identity } from './entry.js';
import type { Who } from './identity.js';
import { END, fromToken, toToken } from './tokens.js';

/**
 * What a ledger says, line by line. The guardian's shell and {@link parseLedger} read the same lines:
 *
 * ```text
 * treewarden-ledger 1 <scope> <pid> <startTicks> <pid ns> <ipc ns> <mnt ns> <boot id> <uid> .
 * g <pid> <startTicks> .           the guardian that watches the owner; the last line counts
 * w <n> <type> <what> … .          wanted: it is about to exist
 * h <n> <identity> … .             it exists, and this is it; the last line counts
 * l <n> .                          a shared file that is about to be left, and removed if nobody else lists it
 * d <n> .                          dropped: released, or never made
 * ```
 *
 * A line that does not end with a lone full stop was torn, and says nothing.
 */
export interface LedgerHeader {
  readonly scope: string;
  readonly owner: Who;
  readonly pidNamespace: number;
  readonly ipcNamespace: number;
  /** For people: things are told apart by device and inode wherever they are mounted. */
  readonly mountNamespace: number;
  readonly bootId: string;
  readonly uid: number;
}

/** An entry that was not dropped. */
export interface Recorded {
  readonly number: number;
  readonly entry: Entry;
  /** Undefined if its owner died before it could say. */
  readonly identity: Identity | undefined;
  /** For System V: when it was wanted, in seconds since 1970 as the kernel counts them. What is older is not it. */
  readonly sinceS: number;
  /** Of a shared file: it is about to be left. */
  readonly leaving?: true;
}

/** A ledger as it was found. */
export interface ParsedLedger {
  readonly header: LedgerHeader;
  readonly guardian: Who | undefined;
  /** Oldest first. */
  readonly entries: readonly Recorded[];
  /** How many lines said nothing that could be understood. */
  readonly ignoredLines: number;
}

/** A ledger's name: what it is called all its life, and whoever has it in hand once its owner is dead. */
export const LEDGER_NAME: RegExp = /^(\d+-\d+-[0-9a-f]+\.ledger)(?:\.by-(\d+)-(\d+))?$/;

/** What processes can be marked with. */
export const MARK: RegExp = /^[a-z0-9]{16,64}$/;

/** The first word of a ledger, and the version of its lines. */
export const LEDGER_MAGIC = 'treewarden-ledger';
export const LEDGER_VERSION = 1;

export function headerLine(header: LedgerHeader): string {
  const { scope, owner, pidNamespace, ipcNamespace, mountNamespace, bootId, uid } = header;
  return line(
    LEDGER_MAGIC,
    LEDGER_VERSION,
    scope,
    owner.pid,
    owner.startTicks,
    pidNamespace,
    ipcNamespace,
    mountNamespace,
    bootId,
    uid,
  );
}

export function guardianLine(guardian: Who): string {
  return line('g', guardian.pid, guardian.startTicks);
}

/** @throws RangeError if the entry contains a NUL */
export function wantLine(number: number, entry: Entry, sinceS: number): string {
  return line('w', number, entry.type, ...facts(entry, sinceS));
}

export function haveLine(number: number, identity: Identity): string {
  return line('h', number, ...marks(identity));
}

export function leaveLine(number: number): string {
  return line('l', number);
}

export function dropLine(number: number): string {
  return line('d', number);
}

/** Reads a ledger; nothing if its first line is none of a ledger of this version. */
export function parseLedger(text: string): ParsedLedger | undefined {
  const [first = '', ...rest] = text.split('\n').slice(0, -1);
  const header = parseHeader(words(first) ?? []);
  if (header === undefined) return undefined;
  const reading = new Reading();
  for (const one of rest) if (one !== '') reading.take(words(one) ?? []);
  return { header, ...reading.result() };
}

class Reading {
  readonly #entries = new Map<number, Recorded>();
  #guardian: Who | undefined;
  #ignoredLines = 0;

  take([verb, ...words]: readonly string[]): void {
    if (!this.#understood(verb, words)) this.#ignoredLines++;
  }

  result(): Omit<ParsedLedger, 'header'> {
    return {
      guardian: this.#guardian,
      entries: [...this.#entries.values()],
      ignoredLines: this.#ignoredLines,
    };
  }

  #understood(verb: string | undefined, [first = '', ...words]: readonly string[]): boolean {
    const number = whole(first);
    if (number === undefined) return false;
    if (verb === 'w') return this.#wanted(number, words);
    if (verb === 'h') return this.#had(number, words);
    if (verb === 'g') return this.#watched(number, words);
    if (words.length > 0) return false;
    if (verb === 'l') return this.#left(number);
    if (verb !== 'd') return false;
    this.#entries.delete(number);
    return true;
  }

  #wanted(number: number, [type, ...words]: readonly string[]): boolean {
    const wanted = isType(type) ? PARSERS[type](words) : undefined;
    if (wanted === undefined) return false;
    this.#entries.set(number, { number, identity: undefined, ...wanted });
    return true;
  }

  #had(number: number, words: readonly string[]): boolean {
    const recorded = this.#entries.get(number);
    if (recorded === undefined) return false;
    const identity = parseIdentity(recorded.entry.type, words.map(whole));
    if (identity === undefined) return false;
    this.#entries.set(number, { ...recorded, identity });
    return true;
  }

  #left(number: number): boolean {
    const recorded = this.#entries.get(number);
    if (recorded !== undefined) this.#entries.set(number, { ...recorded, leaving: true });
    return recorded !== undefined;
  }

  #watched(pid: number, [ticks = '', ...more]: readonly string[]): boolean {
    const startTicks = whole(ticks);
    if (startTicks === undefined || more.length > 0) return false;
    this.#guardian = { pid, tid: pid, startTicks };
    return true;
  }
}

type Wanted = Pick<Recorded, 'entry' | 'sinceS'>;

const PARSERS: { readonly [T in Entry['type']]: (words: readonly string[]) => Wanted | undefined } = {
  file: ([onDisk = '', ...paths]) => {
    const [first, ...more] = paths;
    if (!isFlag(onDisk) || !isPath(first) || !more.every(isPath)) return undefined;
    return { entry: { type: 'file', onDisk: onDisk === '1', paths: [first, ...more] }, sinceS: 0 };
  },
  'shared-file': ([onDisk = '', random, path, ...more]) => {
    if (!isFlag(onDisk) || !isPath(random) || !isPath(path) || more.length > 0) return undefined;
    return { entry: { type: 'shared-file', onDisk: onDisk === '1', paths: [random, path] }, sinceS: 0 };
  },
  directory: ([onDisk = '', path, ...more]) => {
    if (!isFlag(onDisk) || !isPath(path) || more.length > 0) return undefined;
    return { entry: { type: 'directory', onDisk: onDisk === '1', path }, sinceS: 0 };
  },
  'sysv-shm': (words) => {
    const [key, bytes, sinceS] = three(words);
    if (key === undefined || bytes === undefined || sinceS === undefined) return undefined;
    return { entry: { type: 'sysv-shm', key, bytes }, sinceS };
  },
  'sysv-sem': (words) => {
    const [key, count, sinceS] = three(words);
    if (key === undefined || count === undefined || sinceS === undefined) return undefined;
    return { entry: { type: 'sysv-sem', key, count }, sinceS };
  },
  group: ([leader = '', grace = '', signal = '', ...drained]) => {
    const pid = whole(leader);
    const graceMs = grace === 'inf' ? Number.POSITIVE_INFINITY : whole(grace);
    // Group 1 is everybody's parent, and group 0 is our own.
    if (pid === undefined || pid < 2 || graceMs === undefined) return undefined;
    if (signal !== '-' && !SIGNAL.test(signal)) return undefined;
    const first = signal === '-' ? undefined : (`SIG${signal}` as NodeJS.Signals);
    const entry = { type: 'group', pid, graceMs, signal: first } as const;
    if (drained.length === 0) return { entry, sinceS: 0 };
    const drain = drainOf(drained);
    return drain && { entry: { ...entry, drain }, sinceS: 0 };
  },
  marked: ([mark = '', grace = '', ...more]) => {
    const graceMs = whole(grace);
    // A short one could be anybody's.
    if (!MARK.test(mark) || graceMs === undefined || more.length > 0) return undefined;
    return { entry: { type: 'marked', mark, graceMs }, sinceS: 0 };
  },
  command: ([first, ...more]) =>
    first === undefined ? undefined : { entry: { type: 'command', argv: [first, ...more] }, sinceS: 0 },
};

function drainOf([signal = '', time = '', ...more]: readonly string[]): GroupDrain | undefined {
  const ms = whole(time);
  if (!SIGNAL.test(signal) || ms === undefined || more.length > 0) return undefined;
  return { signal: `SIG${signal}` as NodeJS.Signals, ms };
}

/** Without its SIG. */
const SIGNAL = /^[A-Z][A-Z0-9]*$/;

function isType(type: string | undefined): type is Entry['type'] {
  return type !== undefined && Object.hasOwn(PARSERS, type);
}

function facts(entry: Entry, sinceS: number): readonly (string | number)[] {
  switch (entry.type) {
    case 'file':
    case 'shared-file':
      return [Number(entry.onDisk), ...entry.paths];
    case 'directory':
      return [Number(entry.onDisk), entry.path];
    case 'sysv-shm':
      return [signed(entry.key), entry.bytes, sinceS];
    case 'sysv-sem':
      return [signed(entry.key), entry.count, sinceS];
    case 'group':
      return [
        entry.pid,
        entry.graceMs === Number.POSITIVE_INFINITY ? 'inf' : Math.ceil(entry.graceMs),
        entry.signal?.slice('SIG'.length) ?? '-',
        ...(entry.drain === undefined
          ? []
          : [entry.drain.signal.slice('SIG'.length), Math.ceil(entry.drain.ms)]),
      ];
    case 'marked':
      return [entry.mark, Math.ceil(entry.graceMs)];
    case 'command':
      return entry.argv;
  }
}

function marks(identity: Identity): readonly number[] {
  switch (identity.type) {
    case 'file':
    case 'shared-file':
    case 'directory':
      return [identity.dev, identity.ino];
    case 'sysv-shm':
      return [identity.id, identity.cpid];
    case 'sysv-sem':
      return [identity.id, identity.changedAtS];
    case 'group':
      return [identity.startTicks];
    case 'command':
    case 'marked':
      return [];
  }
}

function parseIdentity(type: Entry['type'], values: readonly (number | undefined)[]): Identity | undefined {
  const [a, b] = values;
  if (values.includes(undefined) || values.length !== MARKS[type]) return undefined;
  switch (type) {
    case 'file':
    case 'shared-file':
    case 'directory':
      return { type, dev: a ?? 0, ino: b ?? 0 };
    case 'sysv-shm':
      return { type, id: a ?? 0, cpid: b ?? 0 };
    case 'sysv-sem':
      return { type, id: a ?? 0, changedAtS: b ?? 0 };
    case 'group':
      return { type, startTicks: a ?? 0 };
    case 'command':
    case 'marked':
      return { type };
  }
}

const MARKS: { readonly [T in Entry['type']]: number } = {
  file: 2,
  'shared-file': 2,
  directory: 2,
  'sysv-shm': 2,
  'sysv-sem': 2,
  group: 1,
  command: 0,
  marked: 0,
};

function parseHeader(words: readonly string[]): LedgerHeader | undefined {
  const [magic, version, scope, ...rest] = words;
  if (magic !== LEDGER_MAGIC || version !== String(LEDGER_VERSION) || scope === undefined) return undefined;
  const [bootId] = rest.splice(5, 1);
  const [pid, startTicks, pidNamespace, ipcNamespace, mountNamespace, uid] = rest.map(whole);
  if (bootId === undefined || rest.length !== 6) return undefined;
  if (pid === undefined || startTicks === undefined || uid === undefined) return undefined;
  if (pidNamespace === undefined || ipcNamespace === undefined || mountNamespace === undefined)
    return undefined;
  return {
    scope,
    owner: { pid, tid: pid, startTicks },
    pidNamespace,
    ipcNamespace,
    mountNamespace,
    bootId,
    uid,
  };
}

function line(...words: readonly (string | number)[]): string {
  return `${words.map((word) => toToken(String(word))).join(' ')} ${END}\n`;
}

/** The words of a whole line; nothing if it is torn, or contains something that no ledger does. */
function words(text: string): readonly string[] | undefined {
  const tokens = text.split(' ');
  if (tokens.pop() !== END) return undefined;
  const read = tokens.map(fromToken);
  return read.every((word) => word !== undefined) ? read : undefined;
}

function three(words: readonly string[]): readonly (number | undefined)[] {
  // A key is the only number that may be negative: the kernel's are signed.
  const [key = '', ...more] = words;
  return more.length === 2 ? [/^-?\d+$/.test(key) ? Number(key) : undefined, ...more.map(whole)] : [];
}

/** As the kernel lists keys, whichever way this one was given. */
function signed(key: number): number {
  return key | 0;
}

function whole(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function isFlag(text: string): boolean {
  return text === '0' || text === '1';
}

function isPath(text: string | undefined): text is string {
  return text?.startsWith('/') === true;
}
