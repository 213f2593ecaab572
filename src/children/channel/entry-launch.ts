import { statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ChildPath, SpawnError } from '../../core/index.js';

const TYPESCRIPT = /\.[cm]?tsx?$/;

/** Why this Node cannot run an entry, if it is so. Looked at before each start: what Node says itself comes late and is hard to read. */
export function entryError(
  child: ChildPath,
  file: string,
  execArgv: readonly string[],
): SpawnError | undefined {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    return new SpawnError(
      child,
      file,
      'ENOENT',
      'there is no such file. Correct the entry; a bundler does not follow it, so it must be built, or copied, by itself.',
    );
  }
  if (!TYPESCRIPT.test(file) || stripsTypes(file, execArgv) || hasLoader(execArgv)) return undefined;
  return new SpawnError(
    child,
    file,
    undefined,
    `Node ${process.versions.node} cannot load this TypeScript file by itself. Start the program with "node --import tsx", give the ` +
      'child execArgv: ["--import", "tsx"], or use a Node that strips types (22.18 and later; never below node_modules).',
  );
}

function stripsTypes(file: string, execArgv: readonly string[]): boolean {
  if (/[\\/]node_modules[\\/]/.test(file)) return false;
  return (
    Boolean((process.features as { typescript?: unknown }).typescript) ||
    /strip-types|transform-types/.test(execArgv.join())
  );
}

function hasLoader(execArgv: readonly string[]): boolean {
  return /tsx|ts-node|swc|esbuild|jiti|loader|register/i.test(
    [...execArgv, process.env['NODE_OPTIONS']].join(),
  );
}

/**
 * What a thread is to load for an entry. The hooks of tsx do not reach a thread's own entry before Node 22; there a thread begins with a line
 * that registers them.
 */
export function threadUrl(file: string, execArgv: readonly string[]): URL {
  const url = pathToFileURL(file);
  const tsx =
    TYPESCRIPT.test(file) && Number.parseInt(process.versions.node, 10) < 22 ? tsxOf(execArgv) : undefined;
  if (tsx === undefined) return url;
  // Node gives a data: URL no place in process.argv, and the entry is to find its arguments from the third on.
  const lines =
    `import{register}from${JSON.stringify(tsx)};register();` +
    `process.argv.splice(1,0,${JSON.stringify(file)});await import(${JSON.stringify(url.href)})`;
  return new URL(`data:text/javascript,${encodeURIComponent(lines)}`);
}

function tsxOf(execArgv: readonly string[]): string | undefined {
  const flags = [...execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  const loader = flags
    .map((flag) => flag.replace(/^--import=/, ''))
    .find((flag) => /(^|[\\/])tsx([\\/]|$)/.test(flag));
  if (loader === undefined) return undefined;
  const from = loader.startsWith('file:') ? loader : pathToFileURL(path.resolve(loader));
  try {
    // A require finds tsx's CommonJS half, whose register() looks for its hooks in a folder that does not exist.
    const half = createRequire(from)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs');
    return pathToFileURL(half).href;
  } catch {
    // Another program of that name; Node will say what is wrong with the entry.
    return undefined;
  }
}

/** Flags of this process that belong to it alone: a debugger's port cannot be had twice, and what it was told to evaluate is not the child's. */
const OWN_FLAGS =
  /^(--(inspect|debug|watch|test|eval|print|input-type|interactive|check)(-[a-z-]+)?(=|$)|-[epic]{1,2}$)/;
const WITH_VALUE = /^(--(inspect-port|debug-port|eval|print|input-type|watch-path|test-[a-z-]+)|-[ep]{1,2})$/;

/** The flags that a forked program takes over from this process, such as `--import tsx`. */
export function inheritedFlags(flags: readonly string[] = process.execArgv): readonly string[] {
  return flags.filter((flag, at) => !OWN_FLAGS.test(flag) && !WITH_VALUE.test(flags[at - 1] ?? ''));
}

/** NODE_OPTIONS without the debugger's, as for {@link inheritedFlags}; nothing where there is nothing to change. */
export function inheritedNodeOptions(): string | undefined {
  const options = process.env['NODE_OPTIONS'];
  return options?.includes('--inspect')
    ? options
        .split(/\s+/)
        .filter((flag) => !flag.startsWith('--inspect'))
        .join(' ')
    : undefined;
}
