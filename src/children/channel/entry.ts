import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidSpecError } from '../../core/index.js';

/**
 * The module that a fork or a thread runs: a `file:` URL, or a path, which is taken relative to the working directory of this process when
 * the spec is made. TypeScript works where Node itself strips types, or where this process was started with `--import tsx`.
 */
export type Entry<Api = unknown> = URL | string | TypedEntry<Api>;

/** An entry together with the type of what its program exposes. */
export interface TypedEntry<Api> {
  readonly where: URL | string;
  /** Type-level only. */
  readonly exposes?: Api;
}

/**
 * Gives an entry the type of the functions that its program exposes, so that calls are typed. Nothing is loaded.
 *
 * @example
 * ```ts
 * fork('resize', entry<typeof import('./resize.js').api>(new URL('./resize.js', import.meta.url)));
 * ```
 */
export function entry<Api>(where: URL | string): TypedEntry<Api> {
  return { where };
}

/** @throws InvalidSpecError unless it names a file */
export function entryPath(subject: string, given: Entry): string {
  const where = typeof given === 'object' && given !== null && 'where' in given ? given.where : given;
  if (
    where instanceof URL ? where.protocol === 'file:' : typeof where === 'string' && where.startsWith('file:')
  ) {
    return fileURLToPath(where);
  }
  if (typeof where === 'string' && where !== '' && !where.includes('\0')) return path.resolve(where);
  throw new InvalidSpecError(subject, {
    rule: 'invalid_start',
    field: 'entry',
    value: where instanceof URL ? where.href : where,
    expected: 'a file: URL, as new URL("./program.js", import.meta.url) gives, or the path of a file',
  });
}
