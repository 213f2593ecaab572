import { defineConfig } from 'tsup';

/** JavaScript only: `tsc` writes the declarations (scripts/build.mjs runs both). */
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    child: 'src/children/hooks.ts',
    testing: 'src/testing/index.ts',
    tsyringe: 'src/adapters/tsyringe.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  // Entry points of one format share chunks, so that `instanceof` holds between them; in CommonJS too.
  splitting: true,
  // import.meta.url in the CommonJS build.
  shims: true,
  sourcemap: true,
  dts: false,
  // p-retry is ESM only: left outside, require() hands the CommonJS build a namespace that fails when it is called.
  // eventemitter3 is small, and to look it up took as long as all the rest of an import.
  noExternal: ['eventemitter3', 'p-retry', 'is-network-error'],
});
