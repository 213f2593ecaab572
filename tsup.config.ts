import path from 'node:path';
import { defineConfig, type Options } from 'tsup';
import { sharingIndex } from './scripts/late-code.js';

/** What makes CommonJS of a chunk assigns classes with fields to names of its own; an error is called what its class is called. */
function classesKeepTheirNames(): NonNullable<Options['plugins']>[number] {
  return {
    name: 'classes keep their names',
    renderChunk(code) {
      return this.format === 'cjs'
        ? { code: code.replace(/^(var ([\w$]+) = class)(?= (?:extends\b|\{))/gm, '$1 $2') }
        : undefined;
    },
  };
}

/** JavaScript only: `tsc` writes the declarations (scripts/build.mjs runs both). */
const library: Options = {
  entry: {
    index: 'src/index.ts',
    child: 'src/children/hooks.ts',
    logs: 'src/children/logs.ts',
    resources: 'src/app/resources.ts',
    control: 'src/control/index.ts',
    testing: 'src/testing/index.ts',
    tsyringe: 'src/adapters/tsyringe.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  // Entry points of one format share chunks, so that `instanceof` holds between them; in CommonJS too.
  splitting: true,
  sourcemap: true,
  dts: false,
  // p-retry is ESM only: left outside, require() hands the CommonJS build a namespace that fails when it is called.
  // eventemitter3 is small, and to look it up took as long as all the rest of an import.
  noExternal: ['eventemitter3', 'p-retry', 'is-network-error'],
  // tsup takes only dependencies and peers to be outside, and this is optional: it brings a binary.
  external: ['koffi'],
  plugins: [classesKeepTheirNames()],
  // Every file that an import loads costs more than a millisecond: these choices save some.
  esbuildOptions(options) {
    // Its single ES module needs no wrapper, and so no chunk of helpers.
    options.alias = { eventemitter3: './node_modules/eventemitter3/dist/eventemitter3.esm.js' };
  },
  esbuildPlugins: [
    sharingIndex(process.cwd(), [
      'src/app/resources.ts',
      'src/resources/registry/registry.ts',
      'src/testing/index.ts',
    ]),
    {
      // Not a chunk shared with the adapters, of which index.js would be but a list of names.
      name: 'adapters import the built entry point',
      setup(build) {
        const path = `./index${build.initialOptions.outExtension?.['.js'] ?? '.js'}`;
        build.onResolve({ filter: /^\.\.\/index\.js$/ }, ({ importer }) =>
          /[\\/]src[\\/]adapters[\\/]/.test(importer) ? { path, external: true } : undefined,
        );
      },
    },
  ],
};

/** What the program imports of the library, and what that is built into. */
const ENTRY_POINTS: Readonly<Record<string, string>> = {
  'children/logs.js': 'logs.js',
  'index.js': 'index.js',
  'control/index.js': 'control.js',
  'resources/index.js': 'resources.js',
};

/** The program `treewarden` is run, never imported: one format, on the library as it is built. */
const program: Options = {
  entry: { cli: 'src/cli/main.ts' },
  format: ['esm'],
  target: 'node20',
  sourcemap: true,
  dts: false,
  esbuildPlugins: [
    {
      name: 'commands import the built entry points',
      setup(build) {
        build.onResolve({ filter: /^\.\./ }, ({ path: specifier, resolveDir }) => {
          const built = ENTRY_POINTS[path.relative('src', path.resolve(resolveDir, specifier))];
          return built === undefined ? undefined : { path: `./${built}`, external: true };
        });
      },
    },
  ],
};

export default defineConfig([library, program]);
