import type { Native } from './backend.js';
import type { CallBeside, CType, Ffi } from './ffi.js';
import { addressOf } from './mapping.js';

/** Waiting in the kernel for a word to change. @throws where it is not Linux on a processor whose numbers are known here */
export function openFutex(ffi: Ffi): Pick<Native, 'wait' | 'wake'> {
  const number = process.platform === 'linux' ? FUTEX[process.arch] : undefined;
  if (number === undefined) throw new Error('No futex is known here.');
  // `syscall` is declared with all it may take: where it is defined, such a call is made like any other.
  const syscall = ffi.declare('syscall', TAKES, 'int');
  const beside: CallBeside | undefined = ffi.declareBeside?.('syscall', TAKES_TIME, 'int');
  const wake: Native['wake'] = (mapping, offset) => {
    syscall(number, addressOf(mapping, offset, 4), FUTEX_WAKE, EVERYBODY, 0, 0, 0);
  };
  if (beside === undefined) return { wake };

  let waiting = false;
  // Read by another thread while we go on, so it must not be collected.
  const time = new BigInt64Array(2);
  return {
    wake,
    wait: (mapping, offset, expected, timeoutMs) => {
      const address = addressOf(mapping, offset, 4);
      // The pool that waits has four threads for everybody, so one wait at a time; the others poll.
      if (waiting || timeoutMs <= 0) return Promise.resolve();
      waiting = true;
      setTime(time, timeoutMs);
      const ended = (): void => {
        waiting = false;
      };
      return beside(number, address, FUTEX_WAIT, expected | 0, time, 0, 0).then(ended, ended);
    },
  };
}

/** By processor, 64-bit ones only: `long` and `struct timespec` differ on others. */
const FUTEX: Partial<Record<string, number>> = {
  x64: 202,
  arm64: 98,
  riscv64: 98,
  loong64: 98,
  ppc64: 221,
  s390x: 238,
};
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const EVERYBODY = 0x7fffffff;
const TAKES: readonly CType[] = ['long', 'address', 'int', 'int', 'size', 'size', 'int'];
const TAKES_TIME: readonly CType[] = ['long', 'address', 'int', 'int', 'memory', 'size', 'int'];

/** A process that ends waits for its pool, so a wait is cut into pieces nobody notices there. */
const LONGEST_WAIT_MS = 100;

/** `struct timespec`. */
function setTime(time: BigInt64Array, ms: number): void {
  const nanoseconds = BigInt(Math.round(Math.min(ms, LONGEST_WAIT_MS) * 1e6));
  time[0] = nanoseconds / 1_000_000_000n;
  time[1] = nanoseconds % 1_000_000_000n;
}
