import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Block, blocksOf } from './readme/blocks.js';
import { errorsByBlock, syntaxErrors } from './readme/compile.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const blocks = pages().flatMap((page) => blocksOf(relative(root, page), readFileSync(page, 'utf8')));
const typed = blocks.filter(({ language }) => ['ts', 'typescript'].includes(language));
const plain = blocks.filter(({ language }) => ['js', 'mjs', 'cjs', 'javascript'].includes(language));

/** README.md and the hand-written pages; `docs/api` is made by typedoc. */
function pages(): readonly string[] {
  const docs = join(root, 'docs');
  const below = existsSync(docs) ? readdirSync(docs, { recursive: true, encoding: 'utf8' }) : [];
  return [
    ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'].map((name) => join(root, name)).filter(existsSync),
    ...below
      .filter((name) => name.endsWith('.md') && !name.startsWith('api'))
      .map((name) => join(docs, name)),
  ];
}

describe('code in the docs', () => {
  test('every ts block compiles against the package', () => {
    expect(inTemporaryFolder((folder) => errorsByBlock(typed, folder, root))).toEqual([]);
  }, 120_000);

  test('every js block parses', () => {
    expect(plain.flatMap(syntaxErrors)).toEqual([]);
  });
});

describe('the check of code in the docs', () => {
  const page = (text: string): readonly Block[] => blocksOf('page.md', text);
  const compiled = (text: string): readonly string[] =>
    inTemporaryFolder((folder) => errorsByBlock(page(text), folder, root));

  test('finds a type error and names its line in the page', () => {
    expect(compiled('# Title\n\n```ts\nconst a = 1;\nconst n: number = "x";\n```\n')).toEqual([
      expect.stringMatching(/^page\.md:5: Type 'string' is not assignable/),
    ]);
  }, 60_000);

  test('gives a block the lines of the comment before it', () => {
    const text =
      '<!-- given\ndeclare const connection: { port: number };\n-->\n```ts\nconnection.port + 1;\nx;\n```\n';
    expect(compiled(text)).toEqual([expect.stringMatching(/^page\.md:6: Cannot find name 'x'/)]);
  }, 60_000);

  test('keeps the names of one block out of the next', () => {
    expect(compiled('```ts\nconst a = 1;\n```\n\n```ts\nconst a = 2;\n```\n')).toEqual([]);
  }, 60_000);

  test('finds blocks in lists and quotes by their own indent', () => {
    const text = '- so:\n\n  ```ts\n  const a = 1;\n  ```\n';
    expect(page(text)).toEqual([
      { page: 'page.md', language: 'ts', line: 4, given: '', code: 'const a = 1;' },
    ]);
  });

  test('leaves alone what a longer fence only shows', () => {
    expect(page('````md\n```ts\nx;\n```\n````\n').map(({ language }) => language)).toEqual(['md']);
  });

  test('finds a syntax error in a js block', () => {
    expect(page('```js\nconst a = ;\n```\n').flatMap(syntaxErrors)).toEqual([
      expect.stringMatching(/^page\.md:2: /),
    ]);
  });
});

/** Inside the project, so that its packages and its `paths` resolve. */
function inTemporaryFolder<T>(use: (folder: string) => T): T {
  mkdirSync(join(root, '.tmp'), { recursive: true });
  const folder = mkdtempSync(join(root, '.tmp', 'readme-'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
