import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Keeps down the number of files that an import of `treewarden` loads, each of which costs more than a millisecond.
 *
 * The bundler makes a file of what the same entry points share, and code that is loaded late counts as an entry point: a dozen of them would cut
 * what is loaded at once into as many pieces as there are ways to share it. Whoever loads something late has loaded `index` before, or can
 * well afford to; so each late module is made to share all of it, by importing one of its names.
 *
 * @param alike - entry points that are to share all of `index` as well
 */
export function sharingIndex(root: string, alike: readonly string[]): Plugin {
  const index = path.join(root, 'src/index.ts');
  const sharing = new Set(alike.map((file) => path.join(root, file)));
  return {
    name: 'what is loaded late shares all that is loaded at once',
    setup(build) {
      build.onResolve({ filter: /^\./ }, async ({ path: specifier, kind, pluginData, ...from }) => {
        if (kind !== 'dynamic-import' || pluginData === SEEN) return undefined;
        const { importer, resolveDir } = from;
        const found = await build.resolve(specifier, { importer, resolveDir, kind, pluginData: SEEN });
        if (found.errors.length === 0) sharing.add(found.path);
        return found;
      });
      build.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path: file }) => {
        if (!sharing.has(file)) return undefined;
        const use = `\nimport { ignore as shared } from ${JSON.stringify(index)};\nvoid shared;`;
        return { contents: readFileSync(file, 'utf8') + use, loader: 'ts', resolveDir: path.dirname(file) };
      });
    },
  };
}

const SEEN = 'asked once';
