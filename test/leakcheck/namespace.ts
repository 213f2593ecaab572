import { spawnSync } from 'node:child_process';

/**
 * The command line that runs a program in an IPC namespace and with a /dev/shm of its own, so that whatever is found there afterwards is of that
 * program's doing, and nothing of anybody else's is at risk. Nothing where this machine does not let us.
 */
export function inNamespaces(argv: readonly string[]): readonly string[] | undefined {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const prefix = ['unshare', ...user, '--ipc', '--mount', '--', '/bin/sh', '-c', MOUNTED, 'sh'];
  const [command = '', ...args] = [...prefix, 'true'];
  if (spawnSync(command, args).status !== 0) return undefined;
  return [...prefix, ...argv];
}

const MOUNTED = 'mount -t tmpfs -o mode=1777,size=256m tmpfs /dev/shm && exec "$@"';
