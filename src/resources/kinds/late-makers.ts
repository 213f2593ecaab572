import type { Make } from '../site.js';

/**
 * The owner's half of a kind, loaded with the first request for it. What a tree of programs needs comes without all the others.
 *
 * @throws InvalidSpecError, by its promise, if there is no such kind
 */
export async function makeOf(kind: string): Promise<Make> {
  if (kind === 'marked-processes') return (await import('./process-makers.js')).makeMarkedProcesses as Make;
  if (kind === 'instance-lock') return (await import('./process-makers.js')).makeInstanceLock as Make;
  if (kind === 'program-group') return (await import('./process-makers.js')).makeProgramGroup as Make;
  return (await import('./makers.js')).makeOf(kind);
}
