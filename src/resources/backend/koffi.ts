import { enterSection } from '../../runtime/index.js';
import type { Argument, CallBeside, CType, Ffi, ResultType } from './ffi.js';

/** koffi's names of the types; its `intptr_t` takes and gives plain numbers, several times faster than big ones. */
const NAMES: Readonly<Record<CType, string>> = {
  int: 'int',
  uint: 'unsigned int',
  long: 'long',
  size: 'size_t',
  address: 'intptr_t',
  text: 'str',
  memory: 'void *',
};

/** Loads koffi and opens libc through it. @throws if koffi, or its binary for this platform, is not installed */
export async function openKoffi(): Promise<Ffi> {
  const { default: koffi } = await import('koffi');
  // The program itself: Node is linked with libc, whichever it is.
  const libc = koffi.load(null);
  const names = (types: readonly CType[]): string[] => types.map((type) => NAMES[type]);
  return {
    name: 'koffi',
    declare: (symbol, takes, returns) => libc.func(symbol, NAMES[returns], names(takes)),
    declareVariadic: (symbol, takes, rest, returns) => {
      const call = libc.func(symbol, NAMES[returns], [...names(takes), '...']);
      return (...args) => call(...args.slice(0, takes.length), ...typed(rest, args.slice(takes.length)));
    },
    declareBeside: (symbol, takes, returns) => beside(libc, symbol, names(takes), returns),
    errno: () => koffi.errno(),
    view: (address, bytes) => uninterrupted(() => koffi.view(address, bytes)),
  };
}

/** What makes objects ends the process if the thread is terminated meanwhile; plain calls do not. */
function uninterrupted<T>(run: () => T): T {
  const leave = enterSection();
  if (leave === undefined) throw new Error('This thread is being ended.');
  try {
    return run();
  } finally {
    leave();
  }
}

type Library = ReturnType<typeof import('koffi').load>;

/** On libuv's pool, which the file system and the resolver share: never for long. */
function beside(libc: Library, symbol: string, takes: string[], returns: ResultType): CallBeside {
  const call = libc.func(symbol, NAMES[returns], takes);
  return (...args) =>
    new Promise((resolve, reject) => {
      call.async(...args, (error: unknown, result: number) => (error ? reject(error) : resolve(result)));
    });
}

/** koffi wants the type of each variadic argument before its value. */
function typed(types: readonly CType[], args: readonly Argument[]): unknown[] {
  return types.flatMap((type, index) => [NAMES[type], args[index]]);
}
