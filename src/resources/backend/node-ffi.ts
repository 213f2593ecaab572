import type { Argument, Call, CType, Ffi, ResultType } from './ffi.js';

/** What is used of `node:ffi`, which the type declarations of Node 20 do not have. */
interface NodeFfi {
  readonly DynamicLibrary: new (
    path: string | null,
  ) => {
    getFunction(
      name: string,
      signature: { readonly arguments: readonly string[]; readonly return: string },
    ): (...args: readonly unknown[]) => number | bigint;
  };
  toArrayBuffer(address: bigint, bytes: number, copy: boolean): ArrayBuffer;
  getInt32(address: bigint, offset: number): number;
}

type Library = InstanceType<NodeFfi['DynamicLibrary']>;

/** 64-bit processors only, as all that Node runs `node:ffi` on. */
const NAMES: Readonly<Record<CType, string>> = {
  int: 'int32',
  uint: 'uint32',
  long: 'int64',
  size: 'uint64',
  address: 'int64',
  text: 'string',
  memory: 'buffer',
};

const WIDE: ReadonlySet<CType> = new Set(['long', 'size', 'address']);

/** Opens libc through Node's own `node:ffi`; Node prints its ExperimentalWarning then. @throws where this Node has none, or does not permit it */
export function openNodeFfi(): Ffi {
  const ffi = builtIn();
  // One for each function, because in one library a function has a single signature; and kept, as long as they may be called.
  const libraries: Library[] = [];
  const declare: Ffi['declare'] = (symbol, takes, returns) => {
    const libc = new ffi.DynamicLibrary(null);
    libraries.push(libc);
    return call(libc, symbol, takes, returns);
  };
  const errnoAt = locateErrno(ffi);
  return {
    name: 'node:ffi',
    declare,
    declareVariadic: (symbol, takes, rest, returns) => {
      if (!PASSES_ALL_ALIKE.has(process.arch) || process.platform === 'darwin') {
        throw new Error(`${symbol} takes a variable number of arguments, which node:ffi cannot pass here.`);
      }
      return declare(symbol, [...takes, ...rest], returns);
    },
    errno: () => ffi.getInt32(errnoAt, 0),
    view: (address, bytes) => ffi.toArrayBuffer(BigInt(address), bytes, false),
  };
}

/** Where integers behind a `...` travel in the same registers as any others. */
const PASSES_ALL_ALIKE: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64']);

function builtIn(): NodeFfi {
  const found: unknown = process.getBuiltinModule('node:ffi' as string);
  if (found === undefined)
    throw new Error(`Node ${process.versions.node} has no node:ffi; 26.1 is the first that has.`);
  return found as NodeFfi;
}

/** Each thread has its own; it stays where it is. */
function locateErrno(ffi: NodeFfi): bigint {
  const symbol = process.platform === 'darwin' ? '__error' : '__errno_location';
  return BigInt(call(new ffi.DynamicLibrary(null), symbol, [], 'address')());
}

function call(libc: Library, symbol: string, takes: readonly CType[], returns: ResultType): Call {
  const raw = libc.getFunction(symbol, {
    arguments: takes.map((type) => NAMES[type]),
    return: NAMES[returns],
  });
  // By far the most frequent, and three times faster without the loop.
  if (takes.length === 1 && takes[0] === 'address' && returns === 'int') {
    return (address) => raw(BigInt(address as number)) as number;
  }
  const wide = takes.map((type) => WIDE.has(type));
  const pass = (arg: Argument, index: number): unknown => (wide[index] ? BigInt(arg as number) : arg);
  return (...args) => Number(raw(...args.map(pass)));
}
