import type { Native, NativeName } from './backend.js';
import type { Ffi } from './ffi.js';
import { openLibc } from './libc.js';

/**
 * - `auto`: koffi where it is installed, else files.
 * - `koffi`, `node:ffi`: that one where it is there, else files. node:ffi is experimental, so it is never chosen by itself.
 * - `files`: nothing native.
 */
export type BackendChoice = 'auto' | NativeName | 'files';

/** What became of a choice. */
export interface NativeReport {
  /** Undefined where there is nothing native; `reasons` then says why. */
  readonly name: NativeName | undefined;
  readonly reasons: readonly string[];
}

/** Loads libc at the first call, once per thread. Nothing where it cannot be had: {@link nativeReport} knows why. Never rejects. */
export async function loadNative(choice: BackendChoice): Promise<Native | undefined> {
  return (await load(choice)).native;
}

/** Why {@link loadNative} answers what it answers, in sentences for `doctor`. */
export async function nativeReport(choice: BackendChoice): Promise<NativeReport> {
  const { native, reasons } = await load(choice);
  return { name: native?.name, reasons };
}

interface Loaded {
  readonly native: Native | undefined;
  readonly reasons: readonly string[];
}

const loaded = new Map<NativeName, Promise<Loaded>>();

function load(choice: BackendChoice): Promise<Loaded> {
  if (choice === 'files') return Promise.resolve(nothing('The backend "files" was asked for.'));
  const name = choice === 'auto' ? 'koffi' : choice;
  const loading = loaded.get(name) ?? tryToLoad(name);
  loaded.set(name, loading);
  return loading;
}

const OPENERS: Readonly<Record<NativeName, () => Promise<Ffi>>> = {
  koffi: async () => (await import('./koffi.js')).openKoffi(),
  'node:ffi': async () => (await import('./node-ffi.js')).openNodeFfi(),
};

async function tryToLoad(name: NativeName): Promise<Loaded> {
  if (process.platform === 'win32') return nothing('Windows has none of the functions that are needed.');
  try {
    return { native: openLibc(await OPENERS[name]()), reasons: [] };
  } catch (error) {
    return nothing(`${name} could not be loaded: ${reasonOf(error)}`);
  }
}

function nothing(reason: string): Loaded {
  return { native: undefined, reasons: [reason] };
}

/** The first line; a module that is not found lists where it was looked for in the others. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
