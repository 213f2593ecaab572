// One run from its beginning to its end: fill, work, check, stop, and say how it went.

import { relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Outcome, StartInterruptedError, type StopReport, supervise, task } from 'treewarden';
import { chaos, type Strike } from './chaos.js';
import { check, type Verdict } from './check.js';
import { Chronicle } from './chronicle.js';
import type { Job } from './jobs.js';
import type { Options } from './options.js';
import { ProgressMeter } from './progress.js';
import type { Queue } from './queue.js';
import { Sabotage, waitInVain } from './sabotage.js';
import type { Screen } from './screen.js';
import { chaosLines, leftLines, stopLines, type Times, verdictLines } from './summary.js';
import { mainJobTree } from './tree.js';
import { type MainJob, victimsOf } from './victims.js';
import { grouped } from './view.js';

const LOOK_EVERY_MS = 100;
const LOOK_AT_LEAST_EVERY_MS = 1000;
/** How often in a row a queue must look empty until it counts as that: jobs on their way back into it are easily overlooked. */
const EMPTY_LOOKS = 3;
/** Longer than it takes to remove a large spool, once a signal has stopped the tree. */
const LINGER_MS = 15_000;

/**
 * @returns false if a check failed; the queue is kept then. A run that a signal ends has not failed: the signal tells of it.
 * @throws StartError if the queue could not be had; TreeFailedError if the consumers were beyond help
 */
export function runMainJob(options: Options, queue: Queue, screen: Screen): Promise<boolean> {
  return new Run(options, queue, screen).run();
}

class Run {
  readonly #options: Options;
  readonly #queue: Queue;
  readonly #screen: Screen;
  readonly #chronicle: Chronicle;
  /** Of the consumer in this process. */
  readonly #sabotage = new Sabotage(waitInVain);
  /** Aborted when the tree has ended, be it by a signal or by giving up. */
  readonly #over = new AbortController();
  /** Unknown until the producer has listed them. */
  #jobs: readonly Job[] | undefined;
  #meter = new ProgressMeter(0);
  #emptyLooks = 0;

  constructor(options: Options, queue: Queue, screen: Screen) {
    this.#options = options;
    this.#queue = queue;
    this.#screen = screen;
    this.#chronicle = new Chronicle((line) => screen.news(line));
  }

  async run(): Promise<boolean> {
    const app = await this.#start();
    if (app === undefined) return true;
    const ending = app.done.finally(() => this.#over.abort());
    // It is awaited below; until then a tree that gives up is not to end the program.
    ending.catch(() => undefined);
    try {
      const verdict = await this.#workAndCheck(app);
      const report = await app.stop();
      return await this.#tell(await ending, verdict, report);
    } catch (error) {
      this.#queue.kept = true;
      await app.stop();
      throw error;
    }
  }

  async #start(): Promise<MainJob | undefined> {
    const { folder, chaos } = this.#options;
    this.#screen.say(`treewarden main job: every file below ${relative('', folder) || folder}`);
    const tree = mainJobTree({
      queue: this.#queue,
      folder,
      faults: chaos,
      sabotage: this.#sabotage,
      onListed: (jobs) => this.#listed(jobs),
    });
    try {
      return await supervise(tree, {
        onEvent: (event) => this.#chronicle.hear(event),
        lingerMs: LINGER_MS,
      });
    } catch (error) {
      if (!(error instanceof StartInterruptedError)) throw error;
      this.#screen.say('interrupted before the work began');
      return undefined;
    }
  }

  #listed(jobs: readonly Job[]): void {
    this.#jobs = jobs;
    this.#meter = new ProgressMeter(jobs.length);
    this.#screen.say(`${grouped(jobs.length)} jobs`);
  }

  /** Nothing if the tree ended first. */
  async #workAndCheck(app: MainJob): Promise<Checked | undefined> {
    await this.#watch(app, async () => this.#jobs !== undefined);
    await this.#beginChaos(app);
    await this.#watch(app, () => this.#isFinished(app));
    const workMs = this.#meter.now.elapsedMs;
    if (this.#over.signal.aborted) return undefined;
    this.#screen.say('checking: the same files once more, one after another');
    const begunAtMs = performance.now();
    try {
      const verdict = await check(this.#queue, this.#jobs ?? [], this.#over.signal);
      return { verdict, times: { workMs, checkMs: performance.now() - begunAtMs } };
    } catch (error) {
      if (this.#over.signal.aborted) return undefined;
      throw error;
    }
  }

  /** Chaos joins a tree that is running, as nothing may go wrong before the work has begun. */
  async #beginChaos(app: MainJob): Promise<void> {
    const plan = {
      strikes: this.#options.chaos,
      seed: this.#options.seed,
      victims: victimsOf(app, this.#sabotage),
      progress: () => this.#meter.now,
      onStrike: (strike: Strike) => this.#chronicle.struck(strike),
    };
    if (plan.strikes === 0 || app.supervisor.stopRequested) return;
    await app.supervisor.startChild(task('chaos', (ctx) => chaos(ctx, plan), { restart: 'transient' }));
  }

  /** Shows how the work goes, until it is far enough or the tree has ended. */
  async #watch(app: MainJob, isFarEnough: () => Promise<boolean>): Promise<void> {
    while (!this.#over.signal.aborted) {
      const askedAtMs = performance.now();
      this.#meter.note(await this.#queue.countDone(), performance.now());
      if (this.#jobs !== undefined) {
        this.#screen.show({ tree: app.snapshot(), progress: this.#meter.now }, performance.now());
      }
      if (await isFarEnough()) return;
      // Counting takes its time on a large queue; it is not to take more than a tenth of ours.
      const pauseMs = Math.min(
        Math.max(LOOK_EVERY_MS, 10 * (performance.now() - askedAtMs)),
        LOOK_AT_LEAST_EVERY_MS,
      );
      await wait(pauseMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
    }
  }

  /** Whether every job is done, or none is left that could be done: then some were lost, and the check is to say which. */
  async #isFinished(app: MainJob): Promise<boolean> {
    const { done, total } = this.#meter.now;
    const isEmpty = app.child('producer').status === 'down' && (await this.#queue.isEmpty());
    this.#emptyLooks = isEmpty ? this.#emptyLooks + 1 : 0;
    return done >= total || this.#emptyLooks >= EMPTY_LOOKS;
  }

  async #tell(outcome: Outcome, checked: Checked | undefined, report: StopReport): Promise<boolean> {
    const passed = (checked === undefined || checked.verdict.passed) && report.survivors.length === 0;
    if (!passed) this.#queue.kept = true;
    if (checked === undefined) this.#meter.note(await this.#queue.countDone(), performance.now());
    this.#screen.close();
    this.#screen.say(
      '',
      ...(checked === undefined
        ? leftLines(outcome, this.#meter.now, this.#queue.kept)
        : verdictLines(checked.verdict, checked.times)),
      ...chaosLines(this.#chronicle, this.#options.seed),
      ...stopLines(report),
    );
    return passed;
  }
}

interface Checked {
  readonly verdict: Verdict;
  readonly times: Times;
}
