// `npm run bench [-- name …]`: measures the built package and prints one line of JSON per figure. bench/README.md says how to read it.

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { scratch } from './contenders.js';
import { type Figure, figuresOf } from './figures.js';
import { measure } from './measure.js';
import { type Subject, subjects } from './scenarios/index.js';

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const unknown = asked.filter((name) => !(name in subjects));

if (unknown.length > 0) {
  console.error(`No such subject: ${unknown.join(', ')}. There are: ${Object.keys(subjects).join(', ')}.`);
  process.exitCode = 1;
} else {
  try {
    build();
    await runAll(asked.length > 0 ? asked : Object.keys(subjects));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Measures what users get: the built files. `BENCH_DIST` names another build, to compare two. */
function build(): void {
  if (process.env['BENCH_DIST'] !== undefined) return;
  const script = fileURLToPath(new URL('../scripts/build.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, '--if-stale'], { stdio: 'inherit' });
  if (status !== 0) throw new Error('The build failed, so there is nothing to measure.');
}

async function runAll(names: readonly string[]): Promise<void> {
  const printed: Figure[] = [];
  for (const name of names) {
    for (const scenario of (subjects[name] as Subject)()) {
      const figures = figuresOf(scenario, await measure(scenario));
      for (const figure of figures) console.log(JSON.stringify(figure));
      printed.push(...figures);
    }
  }
  const withGoal = printed.filter(({ met }) => met !== undefined);
  const met = withGoal.filter((figure) => figure.met === true);
  console.error(`${met.length} of ${withGoal.length} goals met`);
}
