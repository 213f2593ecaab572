// capture.mjs <treewarden | log file | splitter | readline> <lines> <whole | each> <program>: each line that a program writes becomes a string.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { entryPoint, report } from './shared.mjs';

const [who, lines, writes, program] = process.argv.slice(2);
let seen = 0;
let bytes = 0;
let begunAtMs = 0;
const take = (line) => {
  if (seen === 0) begunAtMs = performance.now();
  seen += 1;
  bytes += line.length;
};
const captures = { treewarden, 'log file': logged, splitter, readline };
await captures[who]();
const seconds = (performance.now() - begunAtMs) / 1000;
if (bytes !== 99 * seen) throw new Error(`${who} saw ${bytes} bytes in ${seen} lines`);
// From the first line that was seen: who follows a program that runs already may have missed some.
report({ linesPerSecond: (who === 'log file' ? Number(lines) : seen) / seconds });

async function treewarden() {
  const app = await start('capture');
  app
    .child('lines')
    .output()
    ?.follow(({ text }) => take(text));
  await app.done;
}

async function logged() {
  const { logFile } = await entryPoint('logs');
  const directory = mkdtempSync(join(tmpdir(), 'treewarden-bench-log-'));
  try {
    const app = await start(logFile({ directory, files: 2 }));
    begunAtMs = performance.now();
    await app.done;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function start(stdout) {
  const { command, supervise } = await entryPoint();
  const lasting = { restart: 'temporary', significant: true, stderr: 'ignore' };
  return supervise(command('lines', program, [lines, writes], { ...lasting, stdout }), { signals: false });
}

function raw() {
  return spawn(program, [lines, writes], { stdio: ['ignore', 'pipe', 'ignore'] });
}

async function splitter() {
  const child = raw();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop();
    for (const line of parts) take(line);
  });
  await once(child, 'close');
}

async function readline() {
  for await (const line of createInterface({ input: raw().stdout })) take(line);
}
