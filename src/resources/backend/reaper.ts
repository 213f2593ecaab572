import { loadNative } from './choose.js';

/**
 * What takes notice of the end of a child process that Node did not start, by its pid. Undefined where libc cannot be reached. Never for a child of
 * Node's own: its exit would never be told.
 */
export async function openReaper(): Promise<((pid: number) => boolean) | undefined> {
  return (await loadNative('auto'))?.reap;
}
