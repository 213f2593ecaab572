import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capabilities } from '../../src/resources/index.js';
import { inNamespaces } from './namespace.js';
import { paths } from './paths.js';

const short = paths().filter(({ long }) => long !== true);
// Without them, what other tests make and leave meanwhile would count as well.
const namespaces = inNamespaces(['true']) !== undefined;
const everything = (await capabilities()).every(({ there }) => there);

/** `npm run leakcheck` in its short form: each path once, in two halves at the same time. */
describe.runIf(namespaces && everything)(
  'nothing is left behind, and nothing of others is touched, by',
  () => {
    const halves: ChildProcess[] = [];
    const rows = new Map<string, (row: Row) => void>();
    const results = new Map(
      short.map(({ name }) => [name, new Promise<Row>((resolve) => rows.set(name, resolve))] as const),
    );

    beforeAll(() => {
      for (const part of ['1/2', '2/2']) halves.push(start(part, (row) => rows.get(row.path)?.(row)));
    });

    afterAll(async () => {
      await Promise.all(halves.map((half) => ended(half)));
    }, 60_000);

    test.each(short)(
      '$name',
      async ({ name, missing }) => {
        const row = await results.get(name);
        expect(row?.faults).toEqual([]);
        expect(row?.runs).toHaveLength(missing === undefined ? 1 : 0);
      },
      180_000,
    );
  },
);

interface Row {
  readonly path: string;
  readonly faults: readonly string[];
  readonly runs: readonly unknown[];
}

function start(part: string, onRow: (row: Row) => void): ChildProcess {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const args = ['--import', 'tsx', main, '--short', '--runs', '1', '--json', '--part', part];
  const half = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface({ input: half.stdout }).on('line', (line) => onRow(JSON.parse(line) as Row));
  return half;
}

/** It ends by itself, and leaves nothing; killed it would. */
function ended(half: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (half.exitCode !== null || half.signalCode !== null) resolve();
    else half.on('exit', () => resolve());
  });
}
