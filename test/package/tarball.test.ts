import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installTarball, type Project } from './project.js';
import { RESOURCE_SNIPPETS, SNIPPETS } from './snippets.js';

let project: Project;

beforeAll(() => {
  project = installTarball(['tsyringe', 'reflect-metadata', '@types/node']);
}, 180_000);

afterAll(() => project?.remove());

test.each(SNIPPETS)(
  '$format: $name',
  (snippet) => {
    expect(project.run(snippet)).toEqual({ status: 0, stdout: `${snippet.prints}\n`, stderr: '' });
  },
  60_000,
);

test('the types of both formats compile in a strict project that checks libraries too', () => {
  const files = ['types.mts', 'types.cts'].map((name) => join(project.folder, name));
  for (const file of files) writeFileSync(file, IMPORTS_OF_EVERY_ENTRY_POINT);
  const program = ts.createProgram(files, {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(project.folder, 'node_modules', '@types')],
  });
  const ours = ts
    .getPreEmitDiagnostics(program)
    .filter(({ file }) => file === undefined || !/node_modules\/(?!treewarden\/)/.test(file.fileName));
  expect(ours.map(describeDiagnostic)).toEqual([]);
}, 120_000);

test('the tarball carries what a reader expects and nothing of the workshop', () => {
  const installed = join(project.folder, 'node_modules', 'treewarden');
  for (const name of ['LICENSE', 'THIRD-PARTY-LICENSES.md', 'CHANGELOG.md', 'package.json'])
    expect(existsSync(join(installed, name))).toBe(true);
  for (const name of ['src', 'test', 'scripts', 'biome.json'])
    expect(existsSync(join(installed, name))).toBe(false);
});

describe('installed without optional dependencies', () => {
  let bare: Project;
  beforeAll(() => {
    bare = installTarball([], ['--omit=optional']);
  }, 180_000);
  afterAll(() => bare?.remove());

  test.each(RESOURCE_SNIPPETS)(
    '$format: $name',
    (snippet) => {
      expect(existsSync(join(bare.folder, 'node_modules', 'koffi'))).toBe(false);
      expect(bare.run(snippet)).toEqual({ status: 0, stdout: `${snippet.prints}\n`, stderr: '' });
    },
    60_000,
  );
});

test('it installs the program treewarden', () => {
  const program = join(project.folder, 'node_modules', '.bin', 'treewarden');
  const answer = (...args: readonly string[]): string =>
    spawnSync(program, args, { encoding: 'utf8' }).stdout;
  expect(answer('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(JSON.parse(answer('doctor', '--json'))).toHaveProperty('capabilities');
});

test('it brings no package along', () => {
  const manifest = join(project.folder, 'node_modules', 'treewarden', 'package.json');
  expect(JSON.parse(readFileSync(manifest, 'utf8'))).not.toHaveProperty('dependencies');
});

const IMPORTS_OF_EVERY_ENTRY_POINT = `
  import * as main from 'treewarden';
  import * as child from 'treewarden/child';
  import * as resources from 'treewarden/resources';
  import * as testing from 'treewarden/testing';
  import * as tsyringe from 'treewarden/tsyringe';
  export const all: readonly object[] = [main, child, resources, testing, tsyringe];
`;

function describeDiagnostic({ file, messageText, start }: ts.Diagnostic): string {
  const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
  return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
}
