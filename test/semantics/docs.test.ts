import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(root, 'docs/semantics.md'), 'utf8');

/** A test that the page names: `core/budget: title`, or by its whole path where it is no test file itself. */
interface Reference {
  readonly file: string;
  readonly title: string;
}

const references = [...page.matchAll(/`(?<file>[\w./-]+): (?<title>[^`]+)`/g)]
  .map(({ groups }) => groups as unknown as Reference)
  .filter(({ file }) => file.includes('/') || existsSync(join(root, 'test', `${file}.test.ts`)));

function fileOf({ file }: Reference): string | undefined {
  return [`test/${file}.test.ts`, `test/${file}.test-d.ts`, file].find((path) =>
    existsSync(join(root, path)),
  );
}

/** Whether a test, a row of its table, or a line that must not compile, bears the title. */
function isThere(reference: Reference): boolean {
  const file = fileOf(reference);
  if (file === undefined) return false;
  const text = readFileSync(join(root, file), 'utf8').replaceAll(/\\(['"`])/g, '$1');
  return (
    ["'", '"', '`'].some((quote) => text.includes(`${quote}${reference.title}${quote}`)) ||
    text.includes(`// @ts-expect-error ${reference.title}\n`)
  );
}

/** The numbered promises and the rows of the table of traps, each with its text. */
function promises(): readonly string[] {
  const [before = '', traps = ''] = page.split('\n## 18. Traps\n');
  const numbered = before
    .split('\n## ')
    .slice(1)
    .flatMap((section) =>
      section
        .split(/\n(?=\d+\. )/)
        .slice(1)
        .map((text) => `${section.split('\n')[0]}: ${text}`),
    );
  const rows = traps.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| Trap'));
  return [...numbered, ...rows];
}

describe('docs/semantics.md', () => {
  test('names only tests that there are', () => {
    expect(references.filter((it) => !isThere(it)).map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });

  test('names a test for every promise, or says where else it is shown', () => {
    const bare = promises().filter((text) => !/`[\w./-]+: [^`]+`/.test(text));
    expect(
      bare.filter((text) => !/npm run bench|later|cgroups|Node counts|Not part of the tests/.test(text)),
    ).toEqual([]);
  });

  test('holds enough references for these checks to mean something', () => {
    expect(references.length).toBeGreaterThan(120);
    expect(isThere({ file: 'core/budget', title: 'no such title' })).toBe(false);
    expect(isThere({ file: 'core/no-such-file', title: 'is at most twice its length' })).toBe(false);
  });
});
