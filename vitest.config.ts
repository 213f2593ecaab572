import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests and examples import the package by its name, and run on the sources.
    alias: [
      { find: /^treewarden$/, replacement: here('src/index.ts') },
      { find: /^treewarden\/child$/, replacement: here('src/children/hooks.ts') },
      { find: /^treewarden\/logs$/, replacement: here('src/children/logs.ts') },
      { find: /^treewarden\/resources$/, replacement: here('src/app/resources.ts') },
      { find: /^treewarden\/control$/, replacement: here('src/control/index.ts') },
      { find: /^treewarden\/testing$/, replacement: here('src/testing/index.ts') },
      { find: /^treewarden\/tsyringe$/, replacement: here('src/adapters/tsyringe.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/fixtures/**', 'dist/**'],
    // Real processes: tests start, signal and kill programs of their own.
    pool: 'forks',
    testTimeout: 15_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    globalSetup: ['test/setup/build.ts'],
  },
});
