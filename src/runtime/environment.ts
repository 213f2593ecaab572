import type { ChildStopReport, Survivor } from '../core/index.js';
import { type Clock, systemClock } from './clock.js';
import type { Services } from './driver.js';
import { type Logger, silentLogger } from './logger.js';
import type { ResourceProvider } from './resources.js';
import { Scheduler } from './scheduler.js';
import { Scope } from './scope.js';

/** What a tree needs of the world, all of it replaceable. */
export interface TreeOptions {
  /** @defaultValue the clock of this process */
  readonly clock?: Clock;
  /** From 0 up to but without 1, for the jitter of backoffs. @defaultValue `Math.random` */
  readonly random?: () => number;
  /** A pino-shaped logger, handed to children as `ctx.log`. @defaultValue writes nowhere */
  readonly logger?: Logger;
  /** Values by token, for drivers and adapters. */
  readonly services?: Services;
  /** Where `ctx.resources` come from, such as a `ResourceRegistry`, which stays yours to close. @defaultValue none: tasks then open one for the tree */
  readonly resources?: ResourceProvider;
}

/** What all supervisors of one tree share. */
export class Environment {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly services: Services;
  readonly resources: ResourceProvider | undefined;
  readonly scheduler: Scheduler;
  /** What is undone when the tree has ended. */
  readonly scope: Scope = new Scope();
  /** How many listeners the whole tree has. Without any, events are not even made. */
  listeners = 0;
  /** Lives that outlived their kill and were replaced all the same, until they end. */
  readonly replaced: Map<object, Survivor> = new Map();
  /** Set once the root ends for good: from then on what outlives its kill is named, and no longer waited for. */
  ending: Ending | undefined;

  constructor(options: TreeOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? Math.random;
    this.logger = options.logger ?? silentLogger;
    this.services = options.services ?? NO_SERVICES;
    this.resources = options.resources;
    this.scheduler = new Scheduler(this.clock);
  }
}

/** The protocol of a tree's end, from which its stop report is made. */
export interface Ending {
  readonly children: ChildStopReport[];
  readonly survivors: Survivor[];
  readonly failures: { readonly subject: string; readonly message: string }[];
}

const NO_SERVICES: Services = { get: () => undefined };
