import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Ledger, Written } from '../guard/entry.js';

/** A file of ours under its proper name, and its entry in the ledger. */
export interface FreshFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly written: Written;
}

/** Where something is to be made, and how. */
export interface FreshOptions {
  readonly ledger: Ledger;
  readonly path: string;
  /** Whether others may come to use it as well. @defaultValue false */
  readonly shared?: boolean;
  /** Makes it, whole, under a name that nobody else uses. @returns what `lstat` says of it */
  create(random: string): { readonly dev: number; readonly ino: number };
}

/** A file that is to be made. */
export interface FreshFileOptions extends Omit<FreshOptions, 'create'> {
  /** @defaultValue 0o600 */
  readonly mode?: number | undefined;
  /** Gives it its content, before anybody can see it. */
  fill(fd: number): void;
}

/** {@link makeFresh} for a file with content. */
export function makeFreshFile({ mode = 0o600, fill, ...options }: FreshFileOptions): FreshFile | undefined {
  return makeFresh({ ...options, create: (random) => fillFile(random, mode, fill) });
}

/**
 * Makes something that appears under its name only when it is whole, and that the ledger knows from before it exists: it is made under a random
 * name, its inode is written down, and then it is linked to the proper one.
 *
 * @returns nothing if something of that name is there already; it was not touched
 * @throws what the operating system says; nothing is left then
 */
export function makeFresh({ ledger, path, shared = false, create }: FreshOptions): FreshFile | undefined {
  const dir = dirname(path);
  const random = join(dir, randomName());
  const type = shared ? 'shared-file' : 'file';
  const written = ledger.want({ type, paths: [random, path], onDisk: isOnDisk(dir) });
  try {
    const { dev, ino } = create(random);
    written.have({ type, dev, ino });
    linkSync(random, path);
    unlinkSync(random);
    return { path, dev, ino, written };
  } catch (error) {
    remove(random);
    written.drop();
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  }
}

/** Removes the file, if it is still the one that was made; then forgets it. */
export function removeFreshFile({ path, dev, ino, written }: FreshFile): void {
  if (isAt(path, { dev, ino })) remove(path);
  written.drop();
}

/** Whether that very file is under this name. */
export function isAt(path: string, { dev, ino }: { readonly dev: number; readonly ino: number }): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found !== undefined && found.dev === dev && found.ino === ino;
}

/** Whether what is made in a directory survives a reboot. */
export function isOnDisk(dir: string): boolean {
  return !MEMORY_FILE_SYSTEMS.has(statfsSync(dir).type);
}

/** A name that nobody else uses, hidden in listings. */
export function randomName(): string {
  return `.treewarden-${randomBytes(9).toString('hex')}`;
}

/** @see statfs(2): tmpfs, ramfs */
const MEMORY_FILE_SYSTEMS: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

function fillFile(path: string, mode: number, fill: (fd: number) => void): { dev: number; ino: number } {
  const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, mode);
  try {
    fill(fd);
    return fstatSync(fd);
  } finally {
    closeSync(fd);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // Gone already is what was wanted.
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

function errnoOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
