import { constants, type Stats } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A subdirectory at one moment. */
export interface Listed {
  readonly name: string;
  readonly dir: string;
  /** Which directory that is, whatever its name. */
  readonly identity: string;
  /** The directory of its logger, if it has one. */
  readonly logDir: string | undefined;
  /** Whether it is all there; what has no `run` yet, as while it is being made, is not. */
  readonly isWhole: boolean;
  /** Why it cannot be started, where it does not look as if it were being made. */
  readonly fault: string | undefined;
}

/** A service directory at one moment. */
export interface Listing {
  readonly services: readonly Listed[];
  /** The directories whose changes can make a service of what is none yet. */
  readonly halfMade: readonly string[];
}

/** Reads a directory of services, by name. @throws what the file system says if that cannot be done */
export async function listServices(path: string): Promise<Listing> {
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  const services: Listed[] = [];
  const halfMade: string[] = [];
  for (const name of names) {
    const dir = join(path, name);
    const stats = await look(dir);
    if (stats?.isDirectory() !== true) continue;
    const logDir = (await look(join(dir, 'log')))?.isDirectory() ? join(dir, 'log') : undefined;
    const [own, logs] = [await faultOf(dir), logDir === undefined ? undefined : await faultOf(logDir)];
    if (own !== undefined) halfMade.push(dir);
    if (logDir !== undefined && logs !== undefined) halfMade.push(logDir);
    const isWhole = own !== 'absent' && logs !== 'absent';
    const fault = isWhole ? (own ?? logs) : undefined;
    services.push({ name, dir, identity: `${stats.dev}:${stats.ino}`, logDir, isWhole, fault });
  }
  return { services, halfMade };
}

/** Why a directory has no `run` that can be run; `'absent'` where it has none at all, as while it is being made. */
async function faultOf(dir: string): Promise<string | undefined> {
  const run = join(dir, 'run');
  const stats = await look(run);
  if (stats === undefined) return 'absent';
  if (!stats.isFile()) return `${run} is no file`;
  try {
    await access(run, constants.X_OK);
    return undefined;
  } catch {
    return `${run} is not executable: chmod +x it`;
  }
}

/** Nothing for what is not there, or cannot be looked at. Symbolic links are followed. */
async function look(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    // Gone since it was listed, a link to nowhere, or not for us to see: no service in any case.
    return undefined;
  }
}
