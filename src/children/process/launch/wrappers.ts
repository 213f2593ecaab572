import { accessSync, constants } from 'node:fs';
import { CapabilityError } from '../../../core/index.js';

/** The programs by which a launch does what Node's own `spawn` cannot. */
export type Wrapper = 'sh' | 'nice' | 'prlimit' | 'setpriv' | 'unshare' | 'env' | 'getent';

const PACKAGE: Readonly<Record<Wrapper, string>> = {
  sh: 'a POSIX shell',
  nice: 'coreutils or busybox',
  prlimit: 'util-linux',
  setpriv: 'util-linux (that of busybox cannot do it)',
  unshare: 'util-linux (that of busybox cannot do it)',
  env: 'coreutils',
  getent: 'libc-bin',
};

const found = new Map<Wrapper, string | undefined>();

/** Where a wrapper is, looked for once per process in PATH and where systems keep such programs; nothing is run for it. */
export function findWrapper(name: Wrapper): string | undefined {
  if (!found.has(name)) found.set(name, search(name));
  return found.get(name);
}

/**
 * @param wish - who wants what of it, as in `The nice of "shop/mail"`
 * @throws CapabilityError, by the wrapper's name, where it is not to be found
 */
export function needWrapper(name: Wrapper, wish: string): string {
  const path = findWrapper(name);
  if (path !== undefined) return path;
  throw new CapabilityError(
    name,
    wish,
    `the program ${name} is not in PATH. Install it (${PACKAGE[name]}), or leave the option out.`,
  );
}

function search(name: Wrapper): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return folders
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => `${folder}/${name}`)
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us: the next directory may have it.
    return false;
  }
}
