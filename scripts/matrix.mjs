// `npm run test:matrix [-- 22 24 …] [-- vitest arguments]`: the tests under each supported line of Node.
// The npm package `node` brings each line's binary; programs the tests start use process.execPath, so the same one.

import { spawnSync } from 'node:child_process';
import { bin, node, npm, options } from './tools.mjs';

const LINES = ['20', '22', '24', '26'];
const asked = process.argv.slice(2).filter((arg) => /^\d+$/.test(arg));
const passedOn = process.argv.slice(2).filter((arg) => !/^\d+$/.test(arg));
const failed = [];

if (!node(['scripts/build.mjs'])) process.exit(1);
for (const line of asked.length > 0 ? asked : LINES) {
  if (!runTestsOn(line)) failed.push(line);
}
console.log(failed.length === 0 ? '\nevery line passed' : `\nfailed on Node ${failed.join(', ')}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function runTestsOn(line) {
  const binary = binaryOf(line);
  if (binary === undefined) return false;
  const version = spawnSync(binary, ['--version'], { encoding: 'utf8' }).stdout.trim();
  console.log(`\n== Node ${version}`);
  return spawnSync(binary, [bin('vitest', 'vitest'), 'run', ...passedOn], options()).status === 0;
}

/** The running Node for its own line; for any other, the one npm keeps in its cache after the first download. */
function binaryOf(line) {
  if (process.versions.node.startsWith(`${line}.`)) return process.execPath;
  const print = ['-p', 'process.execPath'];
  const found = npm(['exec', '--yes', `--package=node@${line}`, '--', 'node', ...print], undefined);
  if (found.status === 0) return found.stdout.trim();
  console.error(`Node ${line} could not be had from npm: ${found.stderr}`);
  return undefined;
}
