import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The variables of a directory, as daemontools' `envdir` reads it: a file's name is the variable's, its first line without blanks at the end the value, with null
 * characters as line ends; an empty file takes the variable out. Names that begin with a dot are left out.
 *
 * @throws what the file system says of a directory or file that cannot be read, and Error for a name with `=`
 */
export function readEnvDir(directory: string | URL): Readonly<Record<string, string | undefined>> {
  const path = directory instanceof URL ? fileURLToPath(directory) : directory;
  const names = readdirSync(path).filter((name) => !name.startsWith('.'));
  return Object.fromEntries(names.map((name) => [checked(name), valueIn(readFileSync(join(path, name)))]));
}

function valueIn(content: Buffer): string | undefined {
  if (content.length === 0) return undefined;
  const end = content.indexOf('\n');
  const line = content.subarray(0, end === -1 ? content.length : end).toString();
  return line.replace(/[ \t]+$/, '').replaceAll('\0', '\n');
}

function checked(name: string): string {
  if (!name.includes('=')) return name;
  throw new Error(`the file "${name}" cannot be a variable, as its name has a "=".`);
}
