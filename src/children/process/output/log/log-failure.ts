import { LogFileError, type LogOperation } from '../../../../core/index.js';

/** Says why a log failed, and what to do, from what the operating system said. */
export function logError(path: string, operation: LogOperation, cause: unknown): LogFileError {
  if (cause instanceof LogFileError) return cause;
  const { code: errno, message } = cause as NodeJS.ErrnoException;
  return new LogFileError(path, operation, errno, ADVICE[errno ?? ''] ?? `${message}.`, { cause });
}

/** Whether there may be room later, in the very same file. */
export function isFull({ errno }: LogFileError): boolean {
  return errno === 'ENOSPC' || errno === 'EDQUOT';
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full. Make room; it goes on by itself.',
  EDQUOT: "the user's quota is used up. Make room, or raise it; it goes on by itself.",
  EFBIG: 'it has reached the largest size that a file may have (ulimit -f). Lower limitBytes.',
  EACCES: 'this user may not write there. Change the permissions of the directory, or choose another.',
  EPERM: 'this user may not write there, or the file is immutable. Choose another directory.',
  EROFS: 'the file system is mounted read-only, perhaps after an error of the disk.',
  EIO: 'the disk reports an error (see the log of the kernel).',
  EMFILE: 'this process has no more file descriptors (ulimit -n). Raise the limit.',
  ENFILE: 'the machine has no more file descriptors (fs.file-max). Raise the limit.',
  EISDIR: 'it is a directory. Give that as directory, or another path.',
  ENOTDIR: 'part of its path is not a directory. Correct the path.',
  ENOENT: 'its directory has gone. Create it again; it goes on by itself.',
};
