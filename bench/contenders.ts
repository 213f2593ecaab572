import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from './scenario.js';

/** Where this run keeps what it compiles; the conductor removes it. */
export const scratch: string = mkdtempSync(path.join(tmpdir(), 'treewarden-bench-'));

const here = fileURLToPath(new URL('.', import.meta.url));

/** A program of `bench/programs`, in a Node process of its own. */
export function node(program: string, ...args: readonly (string | number)[]): Command {
  return {
    file: process.execPath,
    args: ['--expose-gc', path.join(here, 'programs', program), ...args.map(String)],
  };
}

/** A measure of `bench/otp`; nobody, where Erlang is not installed. */
export function otp(name: string, measure: string, n: number, amount = 0): Record<string, Command> {
  const beams = compiledOtp();
  if (beams === undefined) return {};
  const args = ['-noshell', '-pa', beams, '-s', 'bench_otp', 'main', measure, String(n), String(amount)];
  return { [name]: { file: 'erl', args } };
}

let beams: string | undefined | 'not tried' = 'not tried';

function compiledOtp(): string | undefined {
  if (beams !== 'not tried') return beams;
  const sources = ['bench_otp.erl', 'bench_otp_child.erl'].map((file) => path.join(here, 'otp', file));
  beams = spawnSync('erlc', ['-o', scratch, ...sources]).status === 0 ? scratch : undefined;
  return beams;
}

/** A C program of `bench/programs`, compiled; nothing, where there is no compiler. */
export function compiledC(name: string): string | undefined {
  const program = path.join(scratch, name);
  const source = path.join(here, 'programs', `${name}.c`);
  return spawnSync('cc', ['-O2', '-pthread', '-o', program, source]).status === 0 ? program : undefined;
}

/** A C program of `bench/programs` as a contender; nobody, where there is no compiler. */
export function inC(
  name: string,
  program: string,
  ...args: readonly (string | number)[]
): Record<string, Command> {
  const file = compiledC(program);
  return file === undefined ? {} : { [name]: { file, args: args.map(String) } };
}

/** Contenders that need a package, where it is installed. */
export function withPackage(name: string, contenders: Record<string, Command>): Record<string, Command> {
  try {
    createRequire(import.meta.url).resolve(name);
    return contenders;
  } catch {
    return {};
  }
}

/** Contenders that need a program, where it is in the PATH. */
export function withProgram(name: string, contenders: Record<string, Command>): Record<string, Command> {
  return spawnSync(name, ['--version']).status === 0 ? contenders : {};
}
