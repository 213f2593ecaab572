// What the scripts share: running a Node program, finding a package's program, packing the tarball.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs a program with this Node, showing what it prints; true if it succeeded. */
export function node(args, env = {}) {
  return spawnSync(process.execPath, args, options(env)).status === 0;
}

export function options(env = {}) {
  return { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } };
}

/** The path of a program that an installed package brings, so that no shell and no PATH is needed. */
export function bin(packageName, program) {
  const manifest = findManifest(packageName);
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'));
  return path.join(path.dirname(manifest), typeof bin === 'string' ? bin : bin[program]);
}

/** Packs what `dist/` holds now into `tarball`, as it would be published; true if it succeeded. */
export function pack(tarball) {
  const folder = mkdtempSync(`${tarball}-`);
  const { stderr, status } = npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  if (status !== 0) console.error(stderr);
  for (const name of readdirSync(folder)) renameSync(path.join(folder, name), tarball);
  rmSync(folder, { recursive: true });
  return status === 0;
}

export function npm(args, cwd) {
  const shell = process.platform === 'win32';
  return spawnSync('npm', args, { cwd, shell, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function findManifest(packageName) {
  const { paths } = createRequire(import.meta.url).resolve;
  for (const folder of paths(packageName) ?? []) {
    const manifest = path.join(folder, packageName, 'package.json');
    try {
      readFileSync(manifest);
      return manifest;
    } catch {
      // Not in this node_modules; the next one up may have it.
    }
  }
  throw new Error(`${packageName} is not installed; run npm ci`);
}
