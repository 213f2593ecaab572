import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');

const frameworks = {
  'node:test': ['--test', '--test-reporter=spec', join(fixtures, 'policy.node.mjs')],
  vitest: [vitest, 'run', '--config', join(fixtures, 'vitest.config.mjs'), '--root', fixtures],
} as const;

// The package as it is built, in a process of each framework's own. jest is not among what the project installs; it was tried by hand.
describe('a test tree', () => {
  test.each(Object.entries(frameworks))('passes, and fails with its timeline, in %s', (_, args) => {
    const { NODE_TEST_CONTEXT: _context, VITEST: _vitest, ...env } = process.env;
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      cwd: fixtures,
      env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0' },
    });
    const said = stdout + stderr;
    expect(status).toBe(1);
    expect(said).toMatch(/✔|✓/);
    expect(said).toContain('The starts in "shop" must be [ "mail" ], but is [ "api" ].');
    expect(said).toMatch(/> api +crash: Error: connection lost/);
    expect(said).toMatch(/policy\.(node|vitest)\.mjs:1[78]:8/);
  });
});
