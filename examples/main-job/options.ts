// The command line.

import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MainJobError } from './errors.js';
import { isRedis } from './queue.js';

export const USAGE = `npm start -- [folder] [options]

Works through a durable queue in which every file below <folder> is a job, while chaos kills the consumers,
and checks the outcome against a plain count. <folder> is the project's own node_modules if it is left out.

  --queue <url>    a Redis to queue on with BullMQ, redis://host:port; a spool in a temporary folder if left out
  --chaos <n>      how many faults to inflict in the course of the work, 24 if left out; 0 for none
  --seed <n>       makes the same random choices as an earlier run
  --spool <folder> where the spool is to be; one that is there already is resumed, and it is kept
  --keep           keep the queue at the end
  --help           show this
`;

export interface Options {
  readonly folder: string;
  readonly queue: string | undefined;
  readonly chaos: number;
  readonly seed: number;
  readonly spool: string | undefined;
  readonly keep: boolean;
  readonly help: boolean;
}

/** The command line does not make sense. */
export class UsageError extends MainJobError {}

const OWN_NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** @throws UsageError that names the option and what it takes */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) {
    throw new UsageError(
      `One folder is enough, but there are ${positionals.length}: ${positionals.join(' ')}`,
    );
  }
  if (values.queue !== undefined && values.spool !== undefined) {
    throw new UsageError(
      '--queue and --spool exclude each other: the jobs are either on Redis or in a folder.',
    );
  }
  return {
    folder: values.help ? '' : existingFolder(positionals[0] ?? OWN_NODE_MODULES),
    queue: values.queue === undefined ? undefined : redisUrl(values.queue),
    chaos: wholeNumber('--chaos', values.chaos),
    seed:
      values.seed === undefined ? Math.floor(Math.random() * 100_000) : wholeNumber('--seed', values.seed),
    spool: values.spool,
    keep: values.keep,
    help: values.help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        queue: { type: 'string' },
        chaos: { type: 'string', default: '24' },
        seed: { type: 'string' },
        spool: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function existingFolder(folder: string): string {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return folder;
  throw new UsageError(`${folder} is not a folder. Name one that holds the files to work on.`);
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} takes a whole number from 0, not "${text}".`);
}

function redisUrl(text: string): string {
  if (isRedis(text) && URL.canParse(text)) return text;
  throw new UsageError(`--queue takes the URL of a Redis, such as redis://127.0.0.1:6379, not "${text}".`);
}
