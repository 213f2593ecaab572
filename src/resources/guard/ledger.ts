import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ReleasedError } from '../../core/index.js';
import { attempted } from '../inspect/failure.js';
import { orNothing } from '../inspect/read.js';
import type { Entry, Identity, Ledger, Written } from './entry.js';
import { bootId, namespace, thisProcess, type Who } from './identity.js';
import {
  dropLine,
  guardianLine,
  haveLine,
  headerLine,
  type LedgerHeader,
  leaveLine,
  MARK,
  wantLine,
} from './lines.js';
import { openScopeDir, ownUid } from './state-dir.js';

export interface LedgerOptions {
  /** Absolute; made where it is missing. */
  readonly stateDir: string;
  readonly scope: string;
}

/** A ledger in a file: {@link Ledger}, and what its guardian has to be told of it. */
export interface FileLedger extends Ledger {
  readonly header: LedgerHeader;
  /** Writes down who watches: only that one releases, and nobody else while it lives. @throws ResourceError if it cannot be written */
  guardedBy(guardian: Who): void;
  /** Calls `listener` whenever another file has taken the place of the former one. Returns what ends that. */
  onRewritten(listener: () => void): () => void;
}

/**
 * Opens a new ledger of this process, `<stateDir>/<scope>/<pid>-<startTicks>-<random>.ledger`, for this user alone.
 *
 * Every line is one `write` to the end of the file, known to the guardian when it returns, and written through to the disk only for what is on
 * one itself: a reboot leaves nothing else of what it lists. When most of it is of things long released, what is left is written to a new
 * file, which takes its place at once.
 *
 * @throws ResourceError if it cannot be made; `ResourceLimitError` where a limit stands in the way
 */
export function createLedger(options: LedgerOptions): FileLedger {
  const header: LedgerHeader = {
    scope: options.scope,
    owner: thisProcess(),
    pidNamespace: namespace('pid'),
    ipcNamespace: namespace('ipc'),
    mountNamespace: namespace('mnt'),
    bootId: bootId(),
    uid: ownUid(),
  };
  const { pid, startTicks } = header.owner;
  const dir = openScopeDir(options.stateDir, options.scope);
  return new AppendedLedger(
    join(dir, `${pid}-${startTicks}-${randomBytes(6).toString('hex')}.ledger`),
    dir,
    header,
  );
}

class AppendedLedger implements FileLedger {
  readonly #dir: string;
  readonly #live = new Map<number, LiveEntry>();
  readonly #listeners = new Set<() => void>();
  #file: LedgerFile;
  #guardian: Who | undefined;
  #last = 0;
  /** No rewrite below this size: one that saves nothing, or fails, is not tried again at once. */
  #rewriteAtBytes = SMALL_BYTES;

  constructor(
    readonly path: string,
    dir: string,
    readonly header: LedgerHeader,
  ) {
    this.#dir = dir;
    this.#file = this.#attempt('create', () => this.#put(headerLine(header)));
  }

  get written(): readonly Written[] {
    return [...this.#live.values()];
  }

  want(entry: Entry, identity?: Identity): Written {
    checkEntry(entry);
    checkIdentity(entry, identity);
    this.#rewriteIfLong();
    const number = ++this.#last;
    const onDisk = isOnDisk(entry);
    const text = this.#attempt('use', () => {
      const wanted =
        wantLine(number, entry, isSystemV(entry) ? this.#file.nowS() : 0) +
        (identity === undefined ? '' : haveLine(number, identity));
      this.#file.append(wanted, onDisk);
      return wanted;
    });
    const live = new LiveEntry(entry, text, {
      have: (identity) => {
        const had = haveLine(number, identity);
        this.#attempt('use', () => this.#file.append(had, onDisk));
        return had;
      },
      leave: () => {
        const left = leaveLine(number);
        this.#attempt('use', () => this.#file.append(left, onDisk));
        return left;
      },
      drop: () => this.#drop(number, onDisk),
    });
    this.#live.set(number, live);
    return live;
  }

  guardedBy(guardian: Who): void {
    this.#attempt('use', () => this.#file.append(guardianLine(guardian), false));
    this.#guardian = guardian;
  }

  onRewritten(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    if (this.#file.closed) return;
    // What is left is found by it: by the guardian, or at the next start.
    if (this.#live.size === 0) orNothing(() => unlinkSync(this.path));
    this.#file.close();
  }

  #drop(number: number, onDisk: boolean): void {
    this.#live.delete(number);
    // The thing is gone. A line that cannot be written costs a look for it, which finds nothing.
    if (!this.#file.closed) orNothing(() => this.#file.append(dropLine(number), onDisk));
  }

  #rewriteIfLong(): void {
    if (this.#file.bytes < this.#rewriteAtBytes) return;
    const text = this.#contents();
    // Worth it while three quarters are gone; what lives is rewritten once per as much again.
    if (text.length * 4 <= this.#file.bytes) orNothing(() => this.#rewrite(text));
    this.#rewriteAtBytes = Math.max(SMALL_BYTES, this.#file.bytes * 2, text.length * 4);
  }

  #contents(): string {
    const guardian = this.#guardian === undefined ? '' : guardianLine(this.#guardian);
    return headerLine(this.header) + guardian + [...this.#live.values()].map(({ text }) => text).join('');
  }

  #rewrite(text: string): void {
    const file = this.#put(text);
    this.#file.close();
    this.#file = file;
    for (const listener of [...this.#listeners]) listener();
  }

  /** The file is there with all that is in it, or not at all. */
  #put(text: string): LedgerFile {
    const fresh = `${this.path}.${this.header.pidNamespace}.new`;
    orNothing(() => unlinkSync(fresh));
    const file = LedgerFile.create(fresh, text);
    try {
      if ([...this.#live.values()].some(({ entry }) => isOnDisk(entry))) file.sync();
      renameSync(fresh, this.path);
      return file;
    } catch (error) {
      file.close();
      orNothing(() => unlinkSync(fresh));
      throw error;
    }
  }

  #attempt<T>(operation: 'create' | 'use', call: () => T): T {
    const target = { type: 'file', path: this.path, dir: this.#dir } as const;
    return attempted({ subject: `ledger "${this.path}"`, operation, target }, call);
  }
}

/** Up to here a ledger is read by the guardian within some ms, and is not worth a second file. */
const SMALL_BYTES = 8192;

interface Writers {
  have(identity: Identity): string;
  leave(): string;
  drop(): void;
}

class LiveEntry implements Written {
  readonly entry: Entry;
  readonly #writers: Writers;
  #text: string;
  #dropped = false;

  constructor(entry: Entry, text: string, writers: Writers) {
    this.entry = entry;
    this.#text = text;
    this.#writers = writers;
  }

  /** Its lines, as they stand in the file. */
  get text(): string {
    return this.#text;
  }

  have(identity: Identity): void {
    checkIdentity(this.entry, identity);
    if (!this.#dropped) this.#text += this.#writers.have(identity);
  }

  leave(): void {
    if (!this.#dropped) this.#text += this.#writers.leave();
  }

  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#writers.drop();
  }
}

/** The file itself: whole lines, or nothing. */
class LedgerFile {
  readonly #fd: number;
  #bytes = 0;
  #closed = false;
  /** A part of a line could neither be finished nor taken back. */
  #torn = false;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  static create(path: string, text: string): LedgerFile {
    const { O_WRONLY, O_CREAT, O_EXCL, O_APPEND } = constants;
    const file = new LedgerFile(openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0o600));
    try {
      file.append(text, false);
      return file;
    } catch (error) {
      file.close();
      orNothing(() => unlinkSync(path));
      throw error;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  get closed(): boolean {
    return this.#closed;
  }

  append(text: string, throughToDisk: boolean): void {
    // By now its number may be another file's.
    if (this.#closed) throw new ReleasedError('a ledger');
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text, 'latin1');
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#fd, bytes, done);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#torn = false;
    this.#bytes += bytes.length;
    if (throughToDisk) this.sync();
  }

  /** The time as the kernel stamps files and System V objects with it, in whole seconds: comparable to theirs without regard to our clock. */
  nowS(): number {
    this.append('\n', false);
    return Math.floor(fstatSync(this.#fd).mtimeMs / 1000);
  }

  sync(): void {
    try {
      fsyncSync(this.#fd);
    } catch (error) {
      // Under Node's permission model nobody may: then a power failure can cost the last lines, and nothing else does.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  #takeBack(): void {
    try {
      ftruncateSync(this.#fd, this.#bytes);
    } catch {
      // Then the next line begins with a line's end, and the part before it says nothing.
      this.#torn = true;
    }
  }
}

function checkIdentity(entry: Entry, identity: Identity | undefined): void {
  if (identity !== undefined && identity.type !== entry.type)
    throw new TypeError(`a ${identity.type} is not the ${entry.type} that was wanted`);
}

function isOnDisk(entry: Entry): boolean {
  return 'onDisk' in entry && entry.onDisk;
}

function isSystemV(entry: Entry): boolean {
  return entry.type === 'sysv-shm' || entry.type === 'sysv-sem';
}

/** What could not be released by its entry alone, or would be more than it says, is a mistake of this library's. */
function checkEntry(entry: Entry): void {
  const paths = 'paths' in entry ? entry.paths : 'path' in entry ? [entry.path] : [];
  for (const path of paths) {
    if (!/^\/.*[^/]$/s.test(path)) throw new TypeError(`"${path}" is no absolute path of a file`);
    if (/\/\.{0,2}(\/|$)/.test(path)) throw new TypeError(`"${path}" is not in its shortest form`);
  }
  if (entry.type === 'group' && !(Number.isInteger(entry.pid) && entry.pid > 1)) {
    throw new TypeError(`${entry.pid} is no process group of another's`);
  }
  if (entry.type === 'marked' && !MARK.test(entry.mark)) throw new TypeError(`"${entry.mark}" is no mark`);
}
