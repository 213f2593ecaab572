import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Fixture programs in plain JavaScript import `treewarden/child` as an installed package would, from `dist/`.
 * Building here keeps a single `vitest run` true to the sources; `npm test` has built already, so it costs nothing.
 */
export function setup(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, '--if-stale'], { stdio: 'inherit' });
  if (status !== 0) console.warn('dist/ could not be built; tests that run the built package will fail');
}
