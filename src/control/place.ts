import { existsSync, lstatSync, mkdirSync, realpathSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { ControlError } from '../core/index.js';

/** Where a tree listens, or is looked for. */
export interface ControlPlace {
  /** The socket itself; instead of a directory and a name. */
  readonly path?: string | undefined;
  /** The directory of the socket. @defaultValue that of {@link controlDirectory} */
  readonly directory?: string | undefined;
}

/** What ends the name of a control socket. */
export const SOCKET_SUFFIX = '.sock';

/**
 * Where the control sockets of this user's trees are: `$XDG_RUNTIME_DIR/treewarden`, else `/run/user/<uid>/treewarden`, else
 * `treewarden-<uid>/control` among the temporary files. Makes nothing. A runtime directory that is missing or not this user's alone is passed over:
 * `sudo -E` hands on that of another user.
 */
export function controlDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const { XDG_RUNTIME_DIR } = environment;
  for (const directory of [XDG_RUNTIME_DIR, `/run/user/${ownUid()}`]) {
    if (directory !== undefined && isAbsolute(directory) && isOurs(directory))
      return join(directory, 'treewarden');
  }
  return resolve(tmpdir(), `treewarden-${ownUid()}`, 'control');
}

/** The socket of the tree of this name. An id may hold anything but a slash, the name of a file less. */
export function socketPath(directory: string, name: string): string {
  return join(directory, encodeURIComponent(name).replace(/^\./, '%2E') + SOCKET_SUFFIX);
}

/** The name of the tree whose socket this is. */
export function treeNameOf(path: string): string {
  const name = basename(path, SOCKET_SUFFIX);
  try {
    return decodeURIComponent(name);
  } catch {
    // Not made by us: it is called what the file is called.
    return name;
  }
}

/** How long the path of a socket may be, in bytes: the kernel keeps it in a field of fixed length, with a zero at its end. */
const LONGEST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/** @throws ControlError `'not-reachable'` if no socket can have this path */
export function checkPathLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= LONGEST_PATH_BYTES) return;
  throw new ControlError(
    'not-reachable',
    `The path of the control socket is too long: ${path} has ${bytes} bytes, and a socket's path at most ${LONGEST_PATH_BYTES}. ` +
      'Give control a shorter path or directory, or a shorter name.',
    { path, bytes, longest: LONGEST_PATH_BYTES },
  );
}

/**
 * Makes the directory for sockets where it is missing, for this user alone. Nothing that is there is changed.
 *
 * @throws ControlError `'not-private'` if it, or what it is found by, is in others' hands; `'not-reachable'` if it cannot be made
 */
export function openControlDirectory(directory: string): void {
  try {
    makeWithParents(directory);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ControlError(
      'not-reachable',
      `The directory for control sockets, ${directory}, is not there and cannot be made (${code}). Give control a directory or a path of your own.`,
      { directory, errno: code },
      { cause: error },
    );
  }
  checkPrivate(directory);
}

/** @throws ControlError `'not-private'` unless only this user can put something at this place, or take it away */
export function checkPrivate(directory: string): void {
  const fault = whyNotPrivate(directory);
  if (fault === undefined) return;
  throw new ControlError(
    'not-private',
    `The directory for control sockets, ${directory}, is not safe: ${fault}. Who can write there could answer in a tree's place. ` +
      'Remove or mend it, or give control another directory.',
    { directory, why: fault },
  );
}

/** Why others could change what is found at this place; nothing if they cannot. */
function whyNotPrivate(directory: string): string | undefined {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return 'it is not there';
  return notOurs(found) ?? whyReplaceable(dirname(realpathSync(directory)));
}

function notOurs(found: Stats): string | undefined {
  if (found.isSymbolicLink()) return 'it is a symbolic link';
  if (!found.isDirectory()) return 'it is no directory';
  if (found.uid !== ownUid()) return `it belongs to user ${found.uid}, and this is user ${ownUid()}`;
  return isOpenToOthers(found) ? `others may write to it (mode ${modeOf(found)})` : undefined;
}

/** Who may write to a directory above, and is not kept by its sticky bit, can put another directory in the place of ours. */
function whyReplaceable(above: string): string | undefined {
  const found = lstatSync(above);
  if (isOpenToOthers(found) && (found.mode & 0o1000) === 0)
    return `others may write to ${above}, above it (mode ${modeOf(found)})`;
  return dirname(above) === above ? undefined : whyReplaceable(dirname(above));
}

function isOpenToOthers({ mode }: Stats): boolean {
  return (mode & 0o022) !== 0;
}

export function modeOf({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function isOurs(directory: string): boolean {
  try {
    return notOurs(lstatSync(directory)) === undefined;
  } catch {
    // Not there, or not to be looked at: the next place may do.
    return false;
  }
}

/** Level by level: in a file system that takes no directories, such as /proc, Node's recursive `mkdirSync` never returns. */
function makeWithParents(directory: string): void {
  if (existsSync(directory)) return;
  if (dirname(directory) !== directory) makeWithParents(dirname(directory));
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** This user's number; 0 where users have none. */
export function ownUid(): number {
  return process.getuid?.() ?? 0;
}
