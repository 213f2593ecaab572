import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node, npm, pack } from '../../scripts/tools.mjs';

/** An empty project, outside this repository, with the packed tarball installed. */
export interface Project {
  readonly folder: string;
  /** Writes a program into the project and runs it with the Node that runs the tests. */
  run(program: Program): Ran;
  remove(): void;
}

export interface Program {
  readonly name: string;
  readonly format: 'esm' | 'cjs';
  readonly code: string;
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Installs the tarball as a user would. `npm test` has packed it already; a single `vitest run` packs what it builds.
 *
 * @param packages - what else to install, by name; the versions are those this repository is developed with.
 * @param flags - for npm, such as `--omit=optional`
 */
export function installTarball(packages: readonly string[] = [], flags: readonly string[] = []): Project {
  const folder = mkdtempSync(join(tmpdir(), 'treewarden-package-'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "private": true }\n');
  const wanted = [tarballIn(folder), ...packages.map((name) => `${name}@${developedWith(name)}`)];
  const args = [
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--ignore-scripts',
    ...flags,
    ...wanted,
  ];
  const { status, stderr } = npm(args, folder);
  if (status !== 0) throw new Error(`the tarball could not be installed: ${stderr}`);
  return {
    folder,
    run: (program) => runIn(folder, program),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function tarballIn(folder: string): string {
  const packed = process.env['TREEWARDEN_TARBALL'];
  if (packed !== undefined) return packed;
  const tarball = join(folder, 'treewarden.tgz');
  if (!node(['scripts/build.mjs'])) throw new Error('the package could not be built');
  if (!pack(tarball)) throw new Error('the package could not be packed');
  return tarball;
}

function developedWith(name: string): string {
  const manifest = fileURLToPath(new URL('../../package.json', import.meta.url));
  const { devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
  return devDependencies[name];
}

function runIn(folder: string, { name, format, code }: Program): Ran {
  const file = `${name.replaceAll(/\W+/g, '-')}.${format === 'esm' ? 'mjs' : 'cjs'}`;
  writeFileSync(join(folder, file), code);
  const { status, stdout, stderr } = spawnSync(process.execPath, [file], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}
