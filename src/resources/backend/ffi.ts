import type { NativeName } from './backend.js';

/** What all native backends are made of: a way to call libc. Each one is an adapter of this, and `libc.ts` is written once over it. */
export interface Ffi {
  readonly name: NativeName;
  /** @throws if libc has no such function */
  declare(symbol: string, takes: readonly CType[], returns: ResultType): Call;
  /** For a function with `...`: `rest` are the types of what is passed there. @throws as `declare`, and where such calls cannot be made */
  declareVariadic(symbol: string, takes: readonly CType[], rest: readonly CType[], returns: ResultType): Call;
  /** The same, called on a thread beside the event loop; undefined where that cannot be done. */
  readonly declareBeside?: (symbol: string, takes: readonly CType[], returns: ResultType) => CallBeside;
  /** The calling thread's `errno`; read it at once after the call that failed. */
  errno(): number;
  /** The memory itself, not a copy. Reading it once it is unmapped ends the process: only `mapping.ts` may call this. */
  view(address: number, bytes: number): ArrayBuffer;
}

/**
 * The C types in use: `size` is a `size_t`, `address` a pointer as a number (all those of user space are safe integers),
 * `text` a string with a NUL behind it, `memory` a pointer to bytes of JavaScript's, which the call may change.
 */
export type CType = 'int' | 'uint' | 'long' | 'size' | 'address' | 'text' | 'memory';
/** A returned `address` is signed, so that the -1 of `mmap` is -1. */
export type ResultType = 'int' | 'address';
export type Argument = number | string | ArrayBufferView;
export type Call = (...args: readonly Argument[]) => number;
export type CallBeside = (...args: readonly Argument[]) => Promise<number>;
