import { constants } from 'node:fs';
import { ReleasedError } from '../../core/index.js';
import type { NamedSemaphore, NamedSemaphores } from './backend.js';
import type { Ffi } from './ffi.js';
import { type SystemCall, throwing, tried } from './system-call.js';

/** POSIX named semaphores. On macOS their value cannot be read (ENOSYS). @throws where libc, or this backend, cannot */
export function openNamedSemaphores(ffi: Ffi): NamedSemaphores {
  const rest = ['uint', 'uint'] as const;
  const semOpen = throwing(
    ffi,
    'sem_open',
    ffi.declareVariadic('sem_open', ['text', 'int'], rest, 'address'),
    SEM_FAILED,
  );
  const unlink = throwing(ffi, 'sem_unlink', ffi.declare('sem_unlink', ['text'], 'int'));
  const calls = openCalls(ffi);
  return {
    create: (name, value, mode) =>
      new OpenSemaphore(calls, name, semOpen(name, constants.O_CREAT | constants.O_EXCL, mode, value)),
    open: (name) => new OpenSemaphore(calls, name, semOpen(name, 0, 0, 0)),
    unlink: (name) => {
      unlink(name);
    },
  };
}

/** A null pointer on Linux, -1 on macOS; neither is ever an address. */
const SEM_FAILED = [0, -1];

interface Calls {
  readonly tryWait: SystemCall;
  readonly post: SystemCall;
  readonly close: SystemCall;
  readonly getValue: SystemCall;
}

function openCalls(ffi: Ffi): Calls {
  const declare = (symbol: string): SystemCall =>
    throwing(ffi, symbol, ffi.declare(symbol, ['address'], 'int'));
  return {
    tryWait: declare('sem_trywait'),
    post: declare('sem_post'),
    close: declare('sem_close'),
    getValue: throwing(ffi, 'sem_getvalue', ffi.declare('sem_getvalue', ['address', 'memory'], 'int')),
  };
}

class OpenSemaphore implements NamedSemaphore {
  readonly #calls: Calls;
  readonly #name: string;
  #address: number | undefined;

  constructor(calls: Calls, name: string, address: number) {
    this.#calls = calls;
    this.#name = name;
    this.#address = address;
  }

  get value(): number {
    const value = new Int32Array(1);
    this.#calls.getValue(this.#open(), value);
    return value[0] ?? 0;
  }

  tryWait(): boolean {
    const address = this.#open();
    return tried(() => this.#calls.tryWait(address));
  }

  post(): void {
    this.#calls.post(this.#open());
  }

  close(): void {
    if (this.#address === undefined) return;
    this.#calls.close(this.#address);
    this.#address = undefined;
  }

  #open(): number {
    if (this.#address === undefined) throw new ReleasedError(`the semaphore "${this.#name}"`);
    return this.#address;
  }
}
