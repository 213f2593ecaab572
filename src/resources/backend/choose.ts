import { CapabilityError } from '../../core/index.js';
import { enterSection } from '../../runtime/index.js';
import type { Native, NativeName } from './backend.js';
import type { Ffi } from './ffi.js';

/**
 * - `auto`: koffi where it is installed, else files.
 * - `koffi`, `node:ffi`: that one, and where it is missing nothing is done. node:ffi is experimental, so it is never chosen by itself.
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

/** Loads what was chosen by its name, for whom files will not do. @throws CapabilityError where it cannot be had */
export async function requireChosen(choice: BackendChoice, subject: string): Promise<void> {
  if (choice === 'auto' || choice === 'files') return;
  const { native, reasons } = await load(choice);
  if (native === undefined)
    throw new CapabilityError('native', subject, [...reasons, ADVICE[choice]].join(' '));
}

/** @throws CapabilityError, for what cannot be done by files */
export function raiseNoNative(choice: BackendChoice, subject: string): never {
  throw new CapabilityError('native', subject, ADVICE[choice]);
}

const ADVICE: Readonly<Record<BackendChoice, string>> = {
  auto: 'install the optional package koffi, or run a Node that has node:ffi and choose it by backend.',
  koffi: "Install the optional package koffi, or choose 'auto', which does what can be done without it.",
  'node:ffi':
    "Run a Node that has it, with the flags that it asks for, or choose 'auto', which takes koffi where that is installed.",
  files:
    "its registry was opened with the backend 'files'; choose 'auto', and install the optional package koffi.",
};

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

/** A constant or a layout that is wrong would not throw but write anywhere, so what nobody has looked up is not tried. 64-bit only. */
const SYSTEMS: ReadonlySet<string> = new Set(['linux', 'darwin']);
const PROCESSORS: ReadonlySet<string> = new Set(['x64', 'arm64', 'riscv64', 'loong64', 'ppc64', 's390x']);

async function tryToLoad(name: NativeName): Promise<Loaded> {
  const { platform, arch } = process;
  if (!SYSTEMS.has(platform) || !PROCESSORS.has(arch)) {
    return nothing(`The functions that are needed are not known on ${platform} (${arch}).`);
  }
  // Terminated while koffi registers itself, this thread would end the process.
  const leave = enterSection();
  if (leave === undefined) return nothing('This thread is being ended.');
  try {
    const { openLibc } = await import('./libc.js');
    return { native: openLibc(await OPENERS[name]()), reasons: [] };
  } catch (error) {
    return nothing(`${name} could not be loaded: ${reasonOf(error)}`);
  } finally {
    leave();
  }
}

function nothing(reason: string): Loaded {
  return { native: undefined, reasons: [reason] };
}

/** The first line; a module that is not found lists where it was looked for in the others. */
function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
