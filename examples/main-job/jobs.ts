// The work: one job is one file, which is to be hashed and whose lines are to be counted.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';

export interface Job {
  readonly id: string;
  readonly path: string;
}

/**
 * What came of a job, as one word that is fit to be a part of a file name: `<sha256>,<lines>,<bytes>`,
 * or `unreadable,<code>` for a file that could not be read.
 */
export type Outcome = string;

/** A job that a queue counts as finished. */
export interface Finished {
  readonly id: string;
  readonly outcome: Outcome;
}

/** One job for every file below `folder`, in a fixed order. Links are not followed. */
export async function jobsBelow(folder: string, signal: AbortSignal): Promise<readonly Job[]> {
  const paths = await filesBelow(resolve(folder), signal);
  return paths.sort().map((path, index) => ({ id: `job-${String(index).padStart(6, '0')}`, path }));
}

async function filesBelow(folder: string, signal: AbortSignal, found: string[] = []): Promise<string[]> {
  signal.throwIfAborted();
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await filesBelow(path, signal, found);
    else if (entry.isFile()) found.push(path);
  }
  return found;
}

const CHUNK_BYTES = 256 * 1024;

/** Hashes a file and counts its lines, in pieces; `onPiece` is called after each, as a large file is no reason to look hung. */
export async function measure(path: string, onPiece: () => void): Promise<Outcome> {
  const hash = createHash('sha256');
  let lines = 0;
  let bytes = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
      hash.update(piece);
      lines += newlinesIn(piece);
      bytes += piece.length;
      onPiece();
    }
  } catch (error) {
    return unreadable(error);
  }
  return measured(hash.digest('hex'), lines, bytes);
}

function newlinesIn(piece: Buffer): number {
  let count = 0;
  for (let at = piece.indexOf(0x0a); at >= 0; at = piece.indexOf(0x0a, at + 1)) count += 1;
  return count;
}

export function measured(sha256: string, lines: number, bytes: number): Outcome {
  return `${sha256},${lines},${bytes}`;
}

/** @throws the error itself, unless it comes from the file system: a bug must not pass for an unreadable file. */
export function unreadable(error: unknown): Outcome {
  if (error instanceof Error && 'syscall' in error && 'code' in error) return `unreadable,${error.code}`;
  throw error;
}

/** The sums over many outcomes. */
export interface Totals {
  readonly lines: number;
  readonly bytes: number;
  readonly unreadable: number;
}

export function totalsOf(outcomes: Iterable<Outcome>): Totals {
  const totals = { lines: 0, bytes: 0, unreadable: 0 };
  for (const outcome of outcomes) {
    const [what, lines, bytes] = outcome.split(',');
    if (what === 'unreadable') totals.unreadable += 1;
    totals.lines += what === 'unreadable' ? 0 : Number(lines);
    totals.bytes += what === 'unreadable' ? 0 : Number(bytes);
  }
  return totals;
}
