// `npm test`: every check of the project, in order, and one closing line that counts them.
// A step whose ground is missing (no build, no tarball) is skipped; everything else runs, so one run tells all.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bin, node, options, pack } from './tools.mjs';

const scratch = mkdtempSync(path.join(tmpdir(), 'treewarden-test-'));
const tarball = path.join(scratch, 'treewarden.tgz');
const outcomes = new Map();
const tests = { passed: 0, failed: 0, skipped: 0 };

try {
  step('types', [], () => node([bin('typescript', 'tsc')]));
  step('lint and format', [], () => node([bin('@biomejs/biome', 'biome'), 'check', '--error-on-warnings']));
  step('build', [], () => node(['scripts/build.mjs']));
  step('pack', ['build'], () => pack(tarball));
  step('publint', ['pack'], () => node([bin('publint', 'publint'), 'run', tarball, '--strict']));
  step('are the types wrong', ['pack'], areTheTypesWrong);
  step('documentation comments', [], () => node([bin('typedoc', 'typedoc'), '--emit', 'none']));
  heading('tests');
  runTests();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
close();

function step(name, needs, run) {
  heading(name);
  if (needs.some((needed) => outcomes.get(needed) !== 'passed')) {
    console.log(`skipped: needs ${needs.join(', ')}`);
    outcomes.set(name, 'skipped');
    return;
  }
  outcomes.set(name, attempt(run) ? 'passed' : 'failed');
  console.log(outcomes.get(name));
}

function attempt(run) {
  try {
    return run();
  } catch (error) {
    console.error(error);
    return false;
  }
}

/** Without the old node10 resolution: it knows no exports map, and no Node this package runs on uses it. */
function areTheTypesWrong() {
  return node([
    bin('@arethetypeswrong/cli', 'attw'),
    tarball,
    '--profile',
    'node16',
    '--no-definitely-typed',
  ]);
}

function runTests() {
  const report = path.join(scratch, 'vitest.json');
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const env = outcomes.get('pack') === 'passed' ? { TREEWARDEN_TARBALL: tarball } : {};
  const { status } = spawnSync(process.execPath, [bin('vitest', 'vitest'), ...args], options(env));
  if (existsSync(report)) count(JSON.parse(readFileSync(report, 'utf8')));
  // A file that cannot be loaded, or an error outside any test, fails the run without failing a test.
  if (status !== 0 && tests.failed === 0) tests.failed = 1;
}

function count(report) {
  tests.passed = report.numPassedTests;
  tests.failed = report.numFailedTests;
  tests.skipped = report.numPendingTests + report.numTodoTests;
}

function close() {
  const steps = (outcome) => [...outcomes.values()].filter((it) => it === outcome).length;
  const failed = tests.failed + steps('failed');
  const skipped = tests.skipped + steps('skipped');
  console.log('');
  for (const [name, outcome] of outcomes) if (outcome === 'failed') console.log(`failed step: ${name}`);
  console.log(
    `${tests.passed + steps('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

function heading(name) {
  console.log(`\n== ${name}`);
}
