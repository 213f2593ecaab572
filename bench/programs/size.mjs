// size.mjs <entry point>: bytes of everything reachable from it, minified and gzipped, and of what an import loads at once.

import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { report } from './shared.mjs';

const dist = process.env.BENCH_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));
const entry = `${dist}/${process.argv[2]}.js`;
report({ bytes: await gzipped(false), atImportBytes: await gzipped(true) });

async function gzipped(splitting) {
  const { metafile, outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    splitting,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['tsyringe', 'koffi', 'reflect-metadata'],
    outdir: 'out',
    metafile: true,
    write: false,
  });
  const loaded = loadedAtImport(metafile.outputs);
  const texts = outputFiles.filter(({ path }) => loaded.some((name) => path.endsWith(name)));
  return gzipSync(Buffer.concat(texts.map(({ contents }) => contents)), { level: 9 }).byteLength;
}

/** The entry's file, and those it imports at once; a split bundle leaves out what `import()` loads later. */
function loadedAtImport(outputs) {
  const found = new Set(
    Object.keys(outputs)
      .filter((name) => outputs[name].entryPoint !== undefined)
      .slice(0, 1),
  );
  for (const name of found) {
    for (const { path, kind } of outputs[name].imports) {
      if (kind !== 'dynamic-import' && path in outputs) found.add(path);
    }
  }
  return [...found];
}
