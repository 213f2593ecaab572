// The main job: `npm start`. A supervised tree works through a durable queue while chaos kills its consumers; see options.ts for the command
// line, tree.ts for the tree, run.ts for the course of events.

import { isSupervisionError, StartError } from 'treewarden';
import { MainJobError } from './errors.js';
import { type Options, readOptions, USAGE, UsageError } from './options.js';
import type { Queue } from './queue.js';
import { runMainJob } from './run.js';
import { screenOn } from './screen.js';
import { SpoolQueue } from './spool-queue.js';

try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  console.error(explained(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** The exit status stays open when all is well: a run that a signal has ended is to end by that signal. */
async function main(options: Options): Promise<void> {
  const queue = await queueFor(options);
  const screen = screenOn(process.stdout, process.env);
  try {
    if (!(await runMainJob(options, queue, screen))) process.exitCode = 1;
  } finally {
    screen.close();
    const place = await queue.close();
    if (place !== undefined) console.log(keptAt(place, options));
  }
}

function keptAt(place: string, { queue, folder }: Options): string {
  return queue === undefined
    ? `the spool is kept; go on with: npm start -- ${folder} --spool ${place}`
    : `the queue is kept: ${place}`;
}

/** BullMQ is loaded only by those who asked for Redis. */
async function queueFor({ queue, spool, keep }: Options): Promise<Queue> {
  if (queue === undefined) return new SpoolQueue(spool, keep);
  const { RedisQueue } = await import('./redis.js');
  return new RedisQueue(queue, keep);
}

/** What can be put right is said in a line, and so is what a tree has ended of; anything else is a bug, and shows where it comes from. */
function explained(error: unknown): unknown {
  const cause = error instanceof StartError ? error.cause : error;
  if (cause instanceof MainJobError) return cause.message;
  return isSupervisionError(error) ? error.message : error;
}
