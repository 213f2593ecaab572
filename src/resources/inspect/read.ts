import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The text of a file of /proc; nothing where it is gone, hidden, or there is no /proc. */
export function readText(path: string): string | undefined {
  return orNothing(() => readFileSync(path, 'latin1'));
}

/** The names in a directory of /proc; none where it is gone or hidden. */
export function readNames(path: string): readonly string[] {
  return orNothing(() => readdirSync(path)) ?? [];
}

/** Where a link of /proc leads. */
export function readTarget(path: string): string | undefined {
  return orNothing(() => readlinkSync(path));
}

/** A file of one number, as those below /proc/sys are. */
export function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text === undefined ? undefined : Number.parseInt(text, 10);
}

/** A process may end, and hide what it has, while one looks at it: that is an answer too. */
export function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
