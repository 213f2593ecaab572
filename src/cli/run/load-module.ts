import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Complaint } from '../complaint.js';
import { EXIT } from '../exit-code.js';

/**
 * Imports a module of the user's by its path. TypeScript is run by tsx where the module's own project has it, else by Node, where it can.
 *
 * @throws Complaint if there is no such file, or nothing here that runs TypeScript
 */
export async function loadModule(path: string): Promise<Readonly<Record<string, unknown>>> {
  const file = resolve(path);
  if (!existsSync(file)) throw new Complaint(noSuchFile(path), EXIT.notFound);
  if (TYPESCRIPT.test(file)) await prepareTypeScript(file, path);
  try {
    return withoutDefaultTwice((await import(pathToFileURL(file).href)) as Record<string, unknown>);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException | null)?.code;
    if (TYPESCRIPT.test(file) && code !== undefined && UNSUPPORTED.includes(code))
      throw new Complaint(
        `${path} is TypeScript that Node cannot run by itself (${code}). ${INSTALL}`,
        EXIT.failed,
      );
    throw error;
  }
}

const TYPESCRIPT = /\.[mc]?tsx?$/;
const UNSUPPORTED: readonly string[] = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'];
const INSTALL = 'Install tsx in its project: npm install --save-dev tsx. Or give the compiled JavaScript.';

function noSuchFile(path: string): string {
  const isCommand = !/[./\\]/.test(path);
  return `There is no file ${path}.${isCommand ? ` To keep the command ${path} alive, write: treewarden run -- ${path} …` : ''}`;
}

async function prepareTypeScript(file: string, path: string): Promise<void> {
  if (process.execArgv.some((flag) => flag.includes('tsx'))) return;
  const tsx = resolved(file, 'tsx');
  if (tsx !== undefined) {
    const loader = pathToFileURL(tsx).href;
    await import(loader);
    // As if Node had been started with it: forks and threads are started with the flags of this process, and may be TypeScript as well.
    process.execArgv.push('--import', loader);
    return;
  }
  // Node's own types lag behind: it is 'strip' or 'transform' where Node runs TypeScript.
  const { typescript = false } = process.features as { readonly typescript?: unknown };
  if (typescript === false)
    throw new Complaint(
      `${path} is TypeScript, which Node ${process.version} does not run. ${INSTALL}`,
      EXIT.failed,
    );
}

function resolved(from: string, specifier: string): string | undefined {
  try {
    return createRequire(from).resolve(specifier);
  } catch {
    // Not installed there.
    return undefined;
  }
}

/** What is imported of a CommonJS module has its `module.exports` as the default export; the names in it are what was meant. */
function withoutDefaultTwice(exports: Record<string, unknown>): Readonly<Record<string, unknown>> {
  const { default: whole, 'module.exports': _, ...named } = exports;
  if (typeof whole !== 'object' || whole === null) return exports;
  return 'driver' in whole ? { default: whole, ...named } : { ...whole, ...named };
}
