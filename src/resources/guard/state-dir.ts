import { lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { InvalidSpecError, ResourceError, ResourceLimitError } from '../../core/index.js';
import { errnoOf, resourceFailure } from '../inspect/failure.js';
import { orNothing } from '../inspect/read.js';

/**
 * Where ledgers and sockets are kept: what is given, else `TREEWARDEN_STATE_DIR`, else `$XDG_RUNTIME_DIR/treewarden`, else a directory of this
 * user's among the temporary files. Makes nothing. An `XDG_RUNTIME_DIR` that is missing or not this user's is passed over, as its
 * specification demands: `sudo -E` hands on that of another user.
 *
 * @param given - absolute
 * @throws InvalidSpecError if what is given, here or in the environment, is no absolute path
 */
export function stateDirPath(given?: string, environment: NodeJS.ProcessEnv = process.env): string {
  const { TREEWARDEN_STATE_DIR, XDG_RUNTIME_DIR } = environment;
  if (given !== undefined) return absolute('stateDir', given);
  if (TREEWARDEN_STATE_DIR) return absolute('TREEWARDEN_STATE_DIR', TREEWARDEN_STATE_DIR);
  if (XDG_RUNTIME_DIR && isAbsolute(XDG_RUNTIME_DIR) && isOurs(XDG_RUNTIME_DIR))
    return join(XDG_RUNTIME_DIR, 'treewarden');
  // The guardian stands in another directory.
  return resolve(tmpdir(), `treewarden-${ownUid()}`);
}

/**
 * The directory of one scope, `<stateDir>/<scope>`. Both are made where they are missing, for this user alone, and are ours afterwards: no
 * symbolic link, nobody else's, and writable by nobody else.
 *
 * @throws ResourceError if they cannot be made, or are not ours
 */
export function openScopeDir(stateDir: string, scope: string): string {
  checkScope(scope);
  const path = join(stateDir, scope);
  makeWithParents(stateDir);
  claim(stateDir);
  makeOne(path);
  claim(path);
  return path;
}

/** @throws InvalidSpecError unless `scope` is a word that can stand in the names of files, between the full stops that part them */
export function checkScope(scope: unknown): asserts scope is string {
  if (typeof scope === 'string' && /^[A-Za-z0-9][\w-]{0,47}$/.test(scope)) return;
  throw new InvalidSpecError('the resource registry', {
    rule: 'invalid_option',
    field: 'scope',
    value: scope,
    expected: '1 to 48 letters, digits, "-" or "_", of which the first is a letter or a digit',
  });
}

/** Why a directory is not ours alone; nothing if it is. @throws what the operating system says where it cannot be looked at */
export function whyNotOurs(path: string): string | undefined {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return 'it is a symbolic link';
  if (!found.isDirectory()) return 'it is no directory';
  // Windows knows neither: there the directory of the user's profile is the protection.
  if (process.getuid === undefined) return undefined;
  if (found.uid !== process.getuid())
    return `it belongs to user ${found.uid}, and this is user ${process.getuid()}`;
  if ((found.mode & 0o022) !== 0) return `others may write to it (mode ${(found.mode & 0o777).toString(8)})`;
  return undefined;
}

/** This user's number; 0 where users have none. */
export function ownUid(): number {
  return process.getuid?.() ?? 0;
}

function isOurs(path: string): boolean {
  return orNothing(() => whyNotOurs(path) === undefined) ?? false;
}

/** Level by level: in a file system that takes no directories, such as /proc, Node's recursive `mkdirSync` never returns. */
function makeWithParents(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' && dirname(path) !== path) makeWithParents(dirname(path));
    makeOne(path);
  }
}

function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw notMade(path, error);
  }
}

function notMade(path: string, cause: unknown): unknown {
  const subject = `state directory "${path}"`;
  const target = { type: 'file', path, dir: dirname(path) } as const;
  const failure = resourceFailure(cause, { subject, operation: 'create', target });
  if (failure instanceof ResourceLimitError) return failure;
  const advice = `it is not there, and cannot be made. ${ADVICE}`;
  return new ResourceError(subject, 'create', errnoOf(cause), advice, { cause });
}

function claim(path: string): void {
  const fault = whyNotOurs(path);
  if (fault === undefined) return;
  throw new ResourceError(`state directory "${path}"`, 'use', undefined, `${fault}. ${ADVICE}`);
}

const ADVICE = 'Give the registry another one by stateDir, or by TREEWARDEN_STATE_DIR.';

function absolute(field: string, value: unknown): string {
  if (typeof value === 'string' && isAbsolute(value) && !value.includes('\0')) return value;
  throw new InvalidSpecError('the resource registry', {
    rule: 'invalid_option',
    field,
    value,
    expected: 'an absolute path',
  });
}
