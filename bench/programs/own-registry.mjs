// A registry for what a measured program makes, so that nothing is left wherever it is killed.

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { entryPoint } from './shared.mjs';

/** Where files cost least. */
export const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Runs `work` with a registry and all of `treewarden/resources`, and returns what it returns when everything is released. */
export async function withRegistry(work, options = {}) {
  const resources = await entryPoint('resources');
  const registry = await resources.ResourceRegistry.open({ scope: 'treewarden-bench', ...options });
  try {
    return await work(registry, resources);
  } finally {
    await registry.close();
  }
}

/** A directory of one's own, in memory. */
export async function ownDirectory(registry, { temporaryDirectory }) {
  return (await registry.acquire(temporaryDirectory({ directory: MEMORY }))).path;
}
