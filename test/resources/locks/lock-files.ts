import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LockKind, lockBytes, lockImage } from '../../../src/resources/locks/layout.js';
import type { Granted } from '../../../src/runtime/index.js';

/** What an owner's half grants, as far as it can travel. */
export type GrantedFacts = Omit<Granted, 'giveBack'>;

/** A directory for the files of locks, made as the owner's half makes them. */
export interface LockFiles {
  make(kind: LockKind, permits?: number): GrantedFacts;
  /** A file of zeros for a test's own words. @returns its path */
  words(): string;
  remove(): void;
}

export function lockFiles(): LockFiles {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-locks-'));
  let made = 0;
  const write = (bytes: Buffer): string => {
    made += 1;
    const path = join(folder, `file-${made}`);
    writeFileSync(path, bytes);
    return path;
  };
  return {
    make: (kind, permits) => {
      const bytes = Buffer.alloc(lockBytes(kind));
      Buffer.from(lockImage(kind, permits), 'base64').copy(bytes);
      const facts = { path: write(bytes), bytes: bytes.length, owned: true };
      return { name: 'shared', facts, user: { path: 'test', incarnation: 1 } };
    },
    words: () => write(Buffer.alloc(4096)),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A file as words, read and written one by one. */
export interface SharedWords {
  get(index: number): number;
  set(index: number, value: number): void;
  close(): void;
}

export function openWords(path: string): SharedWords {
  const fd = openSync(path, 'r+');
  const word = Buffer.alloc(4);
  return {
    get: (index) => {
      readSync(fd, word, 0, 4, index * 4);
      return word.readInt32LE();
    },
    set: (index, value) => {
      word.writeInt32LE(value);
      writeSync(fd, word, 0, 4, index * 4);
    },
    close: () => closeSync(fd),
  };
}
