import { existsSync } from 'node:fs';
import { type ChildPath, SpawnError } from '../../core/index.js';
import type { ProcessLaunch } from './process-launch.js';

/** Says why a program could not be started, and what to do about it, from what the operating system said. */
export function spawnError(child: ChildPath, launch: ProcessLaunch, cause: unknown): SpawnError {
  const { code: errno, message } = cause as NodeJS.ErrnoException;
  return new SpawnError(child, launch.file, errno, advice(launch, errno) ?? `${message}.`, { cause });
}

function advice({ file, cwd }: ProcessLaunch, errno: string | undefined): string | undefined {
  switch (errno) {
    case 'ENOENT':
      if (cwd !== undefined && !existsSync(cwd)) {
        return `its working directory ${String(cwd)} does not exist. Create it, or correct cwd.`;
      }
      if (!file.includes('/'))
        return 'no directory of PATH has it. Install it, correct its name, or give its path.';
      return existsSync(file)
        ? 'it is there, but the interpreter that its first line names is not. Install that one, or correct the line.'
        : 'there is no such file. Correct the path; it is looked up from cwd.';
    case 'EACCES':
      return 'it may not be executed. Give it execute permission (chmod +x), and see that it is a file and not a directory.';
    case 'EPERM':
      return 'this process may not change to that user or group. Start it as root, or leave uid and gid out.';
    case 'ENOTDIR':
      return `part of its path, or of its working directory${cwd === undefined ? '' : ` ${String(cwd)}`}, is not a directory.`;
    case 'EAGAIN':
    case 'ENOMEM':
      return 'the machine has no more processes or memory to give (ulimit -u, pids.max). Start fewer, or raise the limit.';
    case 'EMFILE':
    case 'ENFILE':
      return 'there are no more file descriptors (ulimit -n). Close some, or raise the limit.';
    case 'E2BIG':
      return 'its arguments and environment are too long together. Pass large values by a file or a channel.';
    case 'ENOEXEC':
      return 'it is not a program of this machine, and has no first line that names an interpreter.';
    default:
      return undefined;
  }
}
