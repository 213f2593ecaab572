import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { constants as system } from 'node:os';
import { join } from 'node:path';
import type { AfterExit, AfterExitAnswer } from '../../core/index.js';
import type { Program, RawEnd } from './service.js';
import type { Tradition } from './service-directory.js';

/** By which a `finish` of s6 says that the service is not to be started again. */
const STAYS_DOWN = 125;

/** How a program's `finish` is run. */
export interface FinishRun {
  readonly tradition: Tradition;
  readonly env: Readonly<Record<string, string>>;
  /** The logger's end, for what it prints; else it goes where this program's output goes. */
  readonly stdout: number | undefined;
}

/**
 * Runs the `finish` of a program that has ended, if it has one. Killed with its whole group when its time is over. A program that was never started is not
 * finished either.
 */
export async function runFinish(
  program: Program,
  { signal }: AfterExit,
  { tradition, env, stdout }: FinishRun,
): Promise<AfterExitAnswer> {
  const { dir, name, lastEnd } = program;
  if (lastEnd === undefined || !isExecutable(join(dir, 'finish'))) return;
  const child = spawn('./finish', argumentsFor(lastEnd, name, tradition), {
    cwd: dir,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', stdout ?? 'inherit', 'inherit'],
  });
  const kill = (): void => killGroup(child);
  signal.addEventListener('abort', kill);
  try {
    const code = await exitCodeOf(child);
    if (tradition === 's6' && code === STAYS_DOWN) return 'stay-down';
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Both begin with the exit code and the signal; they differ in what stands for a program that has none, and s6 tells more. */
function argumentsFor({ code, signal, pid }: RawEnd, name: string, tradition: Tradition): readonly string[] {
  const number = signal === null ? 0 : system.signals[signal];
  const none = tradition === 's6' ? 256 : -1;
  return [code ?? none, number, name, pid].map(String);
}

function exitCodeOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended, and is about to be reaped.
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Most services have none.
    return false;
  }
}
