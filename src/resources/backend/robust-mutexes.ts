import { constants } from 'node:os';
import { ReleasedError } from '../../core/index.js';
import type { Mapping, RobustMutex, RobustMutexes, RobustTry } from './backend.js';
import type { Ffi } from './ffi.js';
import { addressOf } from './mapping.js';
import { ifThere, systemCallError, throwingResult } from './system-call.js';

/**
 * Robust mutexes of glibc and musl. @throws elsewhere: macOS has none, and where libc cannot be told, nobody may guess a layout
 */
export function openRobustMutexes(ffi: Ffi): RobustMutexes {
  const { layout, initialise } = openInitialise(ffi);
  const declare = (symbol: string) => ffi.declare(symbol, ['address'], 'int');
  const tryLock = declare('pthread_mutex_trylock');
  const unlock = declare('pthread_mutex_unlock');
  const consistent = throwingResult('pthread_mutex_consistent', declare('pthread_mutex_consistent'));
  const tryAt = (address: number): RobustTry => {
    const result = tryLock(address);
    if (result === 0) return 'locked';
    const outcome = OUTCOMES.get(result);
    if (outcome === undefined) throw systemCallError('pthread_mutex_trylock', result);
    return outcome;
  };
  const unlockAt = (address: number): void => {
    const result = unlock(address);
    if (result !== 0) throw systemCallError('pthread_mutex_unlock', result);
  };
  return {
    bytes: BYTES,
    layout,
    initialise,
    tryLock: (mapping, offset) => tryAt(mutexAt(mapping, offset)),
    markConsistent: (mapping, offset) => {
      consistent(mutexAt(mapping, offset));
    },
    unlock: (mapping, offset) => {
      unlockAt(mutexAt(mapping, offset));
    },
    at: (mapping, offset) => {
      // Pinned, it cannot move or go, so the address needs no further check.
      const address = mutexAt(mapping, offset);
      return bound(address, mapping.pin('a mutex in it is in use'));
    },
  };

  function bound(address: number, unpin: () => void): RobustMutex {
    let at: number | undefined = address;
    const place = (): number => {
      if (at === undefined) throw new ReleasedError('a mutex');
      return at;
    };
    return {
      tryLock: () => tryAt(place()),
      markConsistent: () => {
        consistent(place());
      },
      unlock: () => {
        unlockAt(place());
      },
      end: () => {
        at = undefined;
        unpin();
      },
    };
  }
}

/** A line of the cache: the largest mutex of any libc, 48 bytes, with room to spare. */
const BYTES = 64;
const ALIGNMENT = 8;
// Equal in glibc and musl.
const PTHREAD_PROCESS_SHARED = 1;
const PTHREAD_MUTEX_ROBUST = 1;
// Linux; Node has no names for these two.
const EOWNERDEAD = 130;
const ENOTRECOVERABLE = 131;

const OUTCOMES: ReadonlyMap<number, RobustTry> = new Map([
  [0, 'locked'],
  [constants.errno.EBUSY, 'busy'],
  [EOWNERDEAD, 'owner-died'],
  [ENOTRECOVERABLE, 'unrecoverable'],
]);

function openInitialise(ffi: Ffi): Pick<RobustMutexes, 'layout' | 'initialise'> {
  const layout = layoutOf(ffi);
  const set = (symbol: string) => throwingResult(symbol, ffi.declare(symbol, ['memory', 'int'], 'int'));
  const initAttributes = throwingResult(
    'pthread_mutexattr_init',
    ffi.declare('pthread_mutexattr_init', ['memory'], 'int'),
  );
  const setShared = set('pthread_mutexattr_setpshared');
  const setRobust = set('pthread_mutexattr_setrobust');
  const init = throwingResult(
    'pthread_mutex_init',
    ffi.declare('pthread_mutex_init', ['address', 'memory'], 'int'),
  );
  return {
    layout,
    initialise: (mapping, offset) => {
      // Neither libc allocates anything for attributes, so there is nothing to destroy.
      const attributes = new Uint8Array(64);
      initAttributes(attributes);
      setShared(attributes, PTHREAD_PROCESS_SHARED);
      setRobust(attributes, PTHREAD_MUTEX_ROBUST);
      init(mutexAt(mapping, offset), attributes);
    },
  };
}

function layoutOf(ffi: Ffi): string {
  if (process.platform !== 'linux')
    throw new Error('Only libc of Linux has robust mutexes that are known here.');
  const isGlibc = ifThere(() => ffi.declare('gnu_get_libc_version', [], 'address')) !== undefined;
  return `${isGlibc ? 'glibc' : 'musl'}-${process.arch}`;
}

function mutexAt(mapping: Mapping, offset: number): number {
  if (offset % ALIGNMENT !== 0)
    throw new RangeError(`A mutex cannot be at ${offset}, which is no multiple of ${ALIGNMENT}.`);
  return addressOf(mapping, offset, BYTES);
}
