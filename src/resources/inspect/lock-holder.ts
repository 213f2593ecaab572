import type { FileIdentity } from './holders.js';
import { readText } from './read.js';

/** Which process took the `flock` of a file; nothing where that cannot be known, as of one that has ended since and left it to another. */
export function lockHolder({ ino }: FileIdentity): number | undefined {
  for (const line of readText('/proc/locks')?.split('\n') ?? []) {
    // `1: FLOCK  ADVISORY  WRITE 1234 00:19:42 0 EOF`
    const [, type, , , pid, file] = line.split(/\s+/);
    if (type !== 'FLOCK' || file?.split(':').at(-1) !== String(ino)) continue;
    if (readText(`/proc/${pid}/stat`) !== undefined) return Number(pid);
  }
  return undefined;
}
