import { constants } from 'node:os';
import { SystemCallError } from './backend.js';
import type { Argument, Call, Ffi } from './ffi.js';

/** A call of libc that throws what the operating system refuses. */
export type SystemCall = (...args: readonly Argument[]) => number;

/** Functions that answer -1 (or, for some, a null pointer) and leave the reason in `errno`. Interrupted calls are made again. */
export function throwing(ffi: Ffi, name: string, call: Call, failure: readonly number[] = [-1]): SystemCall {
  return (...args) => {
    for (;;) {
      const result = call(...args);
      if (!failure.includes(result)) return result;
      const errno = ffi.errno();
      if (errno !== constants.errno.EINTR) throw systemCallError(name, errno);
    }
  };
}

/** Functions that answer the error's number itself, as those of pthreads do. */
export function throwingResult(name: string, call: Call): SystemCall {
  return (...args) => {
    for (;;) {
      const errno = call(...args);
      if (errno === 0) return 0;
      if (errno !== constants.errno.EINTR) throw systemCallError(name, errno);
    }
  };
}

/** Makes a call that may be refused for now: false for `EAGAIN`. */
export function tried(call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof SystemCallError && error.code === 'EAGAIN') return false;
    throw error;
  }
}

/** What is missing in this libc is nothing to those who ask for it. */
export function ifThere<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    // The symbol is not there, or such a call cannot be made by this backend: either way the capability is missing.
    return undefined;
  }
}

export function systemCallError(syscall: string, errno: number): SystemCallError {
  return new SystemCallError(syscall, NAMES.get(errno) ?? `errno ${errno}`, errno);
}

/** Where two names mean one number, the first one in the alphabet: EAGAIN, not EWOULDBLOCK. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno)
    .sort(([a], [b]) => (a < b ? 1 : -1))
    .map(([name, errno]) => [errno, name]),
);
