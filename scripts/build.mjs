// Builds dist/: JavaScript for both module formats with tsup, declarations for both with tsc.
//
//   node scripts/build.mjs              builds everything, and swaps it in as a whole
//   node scripts/build.mjs --if-stale   JavaScript only, and only if a source is newer than dist/

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bin, root } from './tools.mjs';

const dist = path.join(root, 'dist');

/** `from './x.js'`, `import './x.js'` and `import('./x.js')`, as tsc prints them. */
const RELATIVE_JS_SPECIFIER = /((?:\bfrom |\bimport |\bimport\()['"]\.{1,2}\/[^'"]+?)\.js(['"])/g;

try {
  if (!process.argv.includes('--if-stale')) buildAll();
  else if (isStale()) buildJavaScript(dist);
} catch (error) {
  console.error(`The build failed: ${error.message}`);
  process.exitCode = 1;
}

/** Builds beside `dist` and swaps by rename, so a program that reads `dist` meanwhile sees one whole build. */
function buildAll() {
  const next = path.join(root, `dist.next-${process.pid}`);
  const old = path.join(root, `dist.old-${process.pid}`);
  try {
    buildJavaScript(next);
    buildDeclarations(path.join(next, 'types'));
    if (existsSync(dist)) renameSync(dist, old);
    renameSync(next, dist);
  } finally {
    rmSync(next, { recursive: true, force: true });
    rmSync(old, { recursive: true, force: true });
  }
}

function buildJavaScript(outDir) {
  run(bin('tsup', 'tsup'), ['--out-dir', outDir, '--silent']);
}

/** Writes `.d.ts`, then a `.d.cts` twin of each: NodeNext reads a `.d.ts` of this package as ESM. */
function buildDeclarations(outDir) {
  run(bin('typescript', 'tsc'), ['-p', path.join(root, 'tsconfig.build.json'), '--outDir', outDir]);
  for (const file of filesBelow(outDir, '.d.ts')) {
    const twin = readFileSync(file, 'utf8').replaceAll(RELATIVE_JS_SPECIFIER, '$1.cjs$2');
    writeFileSync(file.replace(/\.d\.ts$/, '.d.cts'), twin);
  }
}

function run(script, args) {
  const { status, signal } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error(`${path.basename(script)} ended with ${signal ?? `status ${status}`}`);
}

function isStale() {
  const built = ['index.js', 'index.cjs'].map((name) => path.join(dist, name));
  if (!built.every((file) => existsSync(file))) return true;
  const builtAtMs = Math.min(...built.map((file) => statSync(file).mtimeMs));
  const inputs = [...filesBelow(path.join(root, 'src'), '.ts'), path.join(root, 'tsup.config.ts')];
  return inputs.some((file) => statSync(file).mtimeMs > builtAtMs);
}

function filesBelow(folder, ending) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name));
}
