import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { OPERATIONS, type Operation } from '../../src/control/operations.js';
import { VERSION } from '../../src/control/version.js';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

/** The table of operations as the page has it. */
function rendered(): string {
  const rows = Object.entries(OPERATIONS).map(
    ([name, { does, args, required, gives, streams }]: [string, Operation]) => {
      const shown = Object.keys(args).map((arg) => (required.includes(arg) ? `\`${arg}\`` : `[\`${arg}\`]`));
      return `| \`${name}\` | ${shown.join(' ')} | ${does} | ${streams ? 'items of ' : ''}\`${gives}\` |`;
    },
  );
  return ['| Operation | Arguments | What it does | Answer |', '|---|---|---|---|', ...rows].join('\n');
}

test('the page has every operation as the table of operations has it', () => {
  const [, table] =
    /<!-- operations:.*?-->\n(.*?)\n<!-- \/operations -->/s.exec(read('docs/control.md')) ?? [];
  expect(table).toBe(rendered());
});

test('the page has every error code', () => {
  const codes = [...read('src/core/control-errors.ts').matchAll(/^ {2}\| '([\w-]+)'/gm)].map(
    ([, code]) => code,
  );
  expect(codes.length).toBeGreaterThan(15);
  const page = read('docs/control.md');
  expect(codes.filter((code) => !page.includes(`| \`${code}\` |`))).toEqual([]);
});

test('the version that a server says is that of the package', () => {
  expect(VERSION).toBe(JSON.parse(read('package.json')).version);
});
