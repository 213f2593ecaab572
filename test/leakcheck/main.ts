// `npm run leakcheck [-- options]`: goes every way out of a program many times, and looks what is left. CONTRIBUTING.md says how to read it.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { plantForeign } from './foreign.js';
import type { Mode } from './host.js';
import { inNamespaces } from './namespace.js';
import { type Path, paths } from './paths.js';
import { randomFrom } from './random.js';
import { cellsOf, faults, HEAD, isClean, markdown, type Row, textLine, widthsFor } from './report.js';
import { type RunResult, runPath, type Setting } from './run-path.js';

const USAGE = `npm run leakcheck -- [options]
  --runs <n>       how often each path is gone; half of them in the middle of acquiring and releasing (20)
  --rows <words>   only paths whose name contains this; several are parted by commas
  --short          only those paths that differ from all others
  --part <k/n>     only every n-th path, from the k-th on
  --seed <n>       of all random delays (the time)
  --markdown       print the table for the README
  --json           print each row as a line of JSON
  --list           print the paths, and go none`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '20' },
    rows: { type: 'string' },
    short: { type: 'boolean', default: false },
    part: { type: 'string', default: '1/1' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    markdown: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    'in-namespaces': { type: 'boolean', default: false },
  },
});

if (values.help) console.log(USAGE);
else if (values.list) for (const { name, missing } of chosen()) console.log(name, missing ?? '');
else if (values['in-namespaces']) process.exitCode = await goAll();
else process.exitCode = await enterNamespaces();

function chosen(): readonly Path[] {
  const [part = 1, parts = 1] = values.part.split('/').map(Number);
  const words = values.rows?.split(',').map((each) => each.trim()) ?? [''];
  return paths()
    .filter(({ name, long }) => words.some((each) => name.includes(each)) && !(values.short && long === true))
    .filter((_, at) => at % parts === part - 1);
}

/** Runs this program again, where nobody else leaves anything. */
async function enterNamespaces(): Promise<number> {
  build();
  const self = [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)];
  const again = [...self, ...process.argv.slice(2), '--in-namespaces', '--seed', values.seed];
  const argv = inNamespaces(again);
  if (argv === undefined) {
    console.error(
      'No namespaces can be made here. Among what others make and leave nothing can be checked, nor removed.',
    );
    return 2;
  }
  const [command = '', ...args] = argv;
  const program = spawn(command, args, { stdio: 'inherit' });
  return await new Promise((resolve) => program.on('exit', (code) => resolve(code ?? 1)));
}

/** The hosts run on the built package, as a user's would. */
function build(): void {
  const script = fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script, '--if-stale'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('The build failed, so there is nothing to check.');
}

async function goAll(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'lc-'));
  const ground = {
    folder,
    scope: `lc-${process.pid}`,
    stateDir: join(folder, 'state'),
    memoryDir: '/dev/shm',
  };
  const foreign = await plantForeign(ground);
  const setting = { ...ground, foreign, random: randomFrom(Number(values.seed)), patienceMs: 10_000 };
  try {
    const rows = await goEach(chosen(), setting);
    if (values.markdown) for (const line of markdown(rows)) console.log(line);
    for (const fault of rows.flatMap(faults)) console.error(fault);
    return rows.every(isClean) ? 0 : 1;
  } finally {
    await foreign.end();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function goEach(all: readonly Path[], setting: Setting): Promise<readonly Row[]> {
  const widths = widthsFor(all.map(({ name }) => name));
  say(`seed ${values.seed}, Node ${process.version}`);
  say(textLine(HEAD, widths));
  const rows: Row[] = [];
  for (const [at, path] of all.entries()) {
    const row = { path, runs: path.missing === undefined ? await go(path, at, setting) : [] };
    rows.push(row);
    say(textLine(cellsOf(row), widths));
    if (values.json)
      console.log(
        JSON.stringify({ path: path.name, missing: path.missing, faults: faults(row), runs: row.runs }),
      );
  }
  return rows;
}

async function go(path: Path, at: number, setting: Setting): Promise<readonly RunResult[]> {
  const modes = path.modes ?? ['hold', 'churn'];
  const runs: RunResult[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    // Safe: there is at least one. One run each goes them in turn.
    const mode = modes[(at + run) % modes.length] as Mode;
    runs.push(await runPath(path, mode, setting).catch((error: unknown) => failedRun(mode, error)));
  }
  return runs;
}

/** A run that could not be made is no proof of anything. */
function failedRun(mode: Mode, error: unknown): RunResult {
  const what = error instanceof Error ? error.stack : String(error);
  return {
    mode,
    leaked: [],
    releaseMs: Number.POSITIVE_INFINITY,
    complaints: [`could not be gone: ${what}`],
  };
}

/** For people, beside what programs read. */
function say(line: string): void {
  if (values.json || values.markdown) console.error(line);
  else console.log(line);
}
