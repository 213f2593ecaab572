import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Command, Scenario } from './scenario.js';

/** What a program measured, by name. */
export type Measurements = Readonly<Record<string, number>>;

/** Each contender's measurements, one per round. */
export type Rounds = Readonly<Record<string, readonly Measurements[]>>;

const run = promisify(execFile);

/** Lets the contenders take turns, so that what else the machine does meets all of them alike. */
export async function measure({ rounds, contenders }: Scenario): Promise<Rounds> {
  const measured: Record<string, Measurements[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, command] of Object.entries(contenders)) {
      measured[name] ??= [];
      measured[name].push(await measureOnce(command));
    }
  }
  return measured;
}

async function measureOnce({ file, args }: Command): Promise<Measurements> {
  const { stdout } = await run(file, args, { timeout: 120_000, killSignal: 'SIGKILL' });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Measurements;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
