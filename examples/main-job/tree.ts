// The tree: the queue, the consumers, which cannot do without it, and the producer.

import { once } from 'node:events';
import { type ChildContext, constantBackoff, entry, fork, supervisor, task, thread } from 'treewarden';
import { consume } from './consumer.js';
import { type Job, jobsBelow } from './jobs.js';
import type { Queue } from './queue.js';
import type { Sabotage } from './sabotage.js';

export interface TreeParts {
  readonly queue: Queue;
  readonly folder: string;
  /** How many restarts chaos may cause. More than that is a real fault, and the consumers' supervisor gives up. */
  readonly faults: number;
  /** Of the consumer in this process; the others have their own. */
  readonly sabotage: Sabotage;
  /** Told of all jobs as soon as they are known. */
  readonly onListed: (jobs: readonly Job[]) => void;
}

const PROGRAM = entry<typeof import('./program.js').api>(new URL('./program.ts', import.meta.url));

/** A consumer says when it has joined the queue, and shows by heartbeats that it does not hang. */
const CONSUMER = {
  ready: 'explicit',
  stallAfterMs: 1500,
  drainMs: 2000,
  shutdown: 500,
} as const;

/** The tree of one run, as data; nothing is started. */
export function mainJobTree({ queue, folder, faults, sabotage, onListed }: TreeParts) {
  const program = { ...CONSUMER, args: [queue.address], stderr: 'capture' } as const;
  return supervisor('main-job', {
    // Whatever fails at this level is beyond help: the consumers' supervisor has done what can be done.
    intensity: 0,
    strategy: 'rest_for_one',
    children: [
      task('queue', (ctx) => keepOpen(ctx, queue), { ready: 'explicit' }),
      supervisor('consumers', {
        intensity: faults + 10,
        periodMs: 60_000,
        backoff: constantBackoff(50),
        children: [
          fork('fork-a', PROGRAM, program),
          fork('fork-b', PROGRAM, program),
          thread('thread', PROGRAM, program),
          task('task', (ctx) => consume(ctx, queue.address, sabotage), CONSUMER),
        ],
      }),
      task('producer', (ctx) => produce(ctx, queue, folder, onListed), { restart: 'transient' }),
    ],
  });
}

/** First to start, so last to stop: the queue outlives everybody who uses it. */
async function keepOpen(ctx: ChildContext, queue: Queue): Promise<void> {
  await queue.open();
  ctx.ready();
  if (!ctx.signal.aborted) await once(ctx.signal, 'abort');
}

/** Puts every file into the queue and has then done its job. What an earlier run has put in is taken as it is. */
async function produce(
  { signal }: ChildContext,
  queue: Queue,
  folder: string,
  onListed: TreeParts['onListed'],
): Promise<void> {
  const jobs = (await queue.accepted()) ?? (await jobsBelow(folder, signal));
  onListed(jobs);
  await queue.fill(jobs, signal);
}
