import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LogFileOptions } from './log-options.js';
import { labelOf, nanosecondsOf } from './tai64n.js';

/**
 * What has become of a file that was rotated: `s` is safe and done with, `u` is still to be processed, `t` is what a processor has written so far.
 * The first two are multilog's names.
 */
export type Stage = 's' | 'u' | 't';

/** The names of a log's files. */
export interface LogLayout {
  readonly directory: string;
  /** The file that is written. */
  readonly current: string;
  readonly lock: string;
  /** The path of a file that was rotated at this time. */
  rotated(epochNs: bigint, stage: Stage): string;
}

/** A file that was rotated. */
export interface RotatedFile {
  readonly path: string;
  readonly epochNs: bigint;
  readonly stage: Stage;
}

export function layoutOf({ directory, path }: LogFileOptions): LogLayout {
  if (directory !== undefined) return layout(absolute(directory), 'current', '', 'lock');
  const file = absolute(path ?? '');
  const name = basename(file);
  return layout(dirname(file), name, `${name}.`, `${name}.lock`);
}

/** The files that were rotated, oldest first. */
export async function rotatedFiles({ directory, rotated }: LogLayout): Promise<readonly RotatedFile[]> {
  const files: RotatedFile[] = [];
  for (const name of await readdir(directory)) {
    const [, label, stage] = /(@[0-9a-f]{24})\.([sut])$/.exec(name) ?? [];
    const epochNs = nanosecondsOf(label ?? '');
    if (epochNs === undefined) continue;
    const path = join(directory, name);
    // Safe: the expression lets no other through.
    if (path === rotated(epochNs, stage as Stage)) files.push({ path, epochNs, stage: stage as Stage });
  }
  return files.sort((one, other) => (one.epochNs < other.epochNs ? -1 : 1));
}

function layout(directory: string, current: string, prefix: string, lock: string): LogLayout {
  return {
    directory,
    current: join(directory, current),
    lock: join(directory, lock),
    rotated: (epochNs, stage) => join(directory, `${prefix}${labelOf(epochNs)}.${stage}`),
  };
}

function absolute(path: string | URL): string {
  return resolve(path instanceof URL ? fileURLToPath(path) : path);
}
