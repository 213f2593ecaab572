import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fixture, type Plan } from './host.js';
import type { Released } from './paths.js';

/**
 * Somebody who comes after: a program that opens a registry in the same scope, or `treewarden reclaim`.
 *
 * @returns how long it took, in ms: the opening, or the whole command
 */
export async function startNext(who: Exclude<Released, 'at once'>, plan: Plan): Promise<number> {
  const atMs = performance.now();
  const said = await (who === 'by the next start'
    ? run([fixture('opens-and-closes.mjs'), JSON.stringify(plan)], plan)
    : run([PROGRAM, 'reclaim', '--scope', plan.scope, '--state-dir', plan.stateDir], plan));
  const tookMs = Number(/^opened in ([\d.]+)$/m.exec(said)?.[1] ?? Number.NaN);
  return Number.isNaN(tookMs) ? performance.now() - atMs : tookMs;
}

const PROGRAM = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

function run(args: readonly string[], plan: Plan): Promise<string> {
  const env = { ...process.env, TMPDIR: plan.workDir, TREEWARDEN_STATE_DIR: plan.stateDir };
  const program = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  let complained = '';
  program.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  program.stderr.setEncoding('utf8').on('data', (chunk: string) => (complained += chunk));
  return new Promise((resolve, reject) => {
    program.on('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`the next start failed with code ${code}: ${said}${complained}`));
    });
  });
}
