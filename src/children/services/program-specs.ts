import { type AfterExit, type AfterExitAnswer, LONGEST_TIMER_MS, type Shutdown } from '../../core/index.js';
import type { ChildDriver, ChildSpec, IncarnationHost } from '../../runtime/index.js';
import { runUncontained } from '../in-process/containment.js';
import { type CommandOptions, command } from '../process/command.js';
import { chargeOf } from '../process/owned/charge.js';
import { runFinish } from './finish.js';
import type { Program, Service } from './service.js';
import type { ServiceDirectoryOptions } from './service-directory.js';
import { LoggerLife, ServiceLife } from './service-life.js';

/** How long a program may take to end once it was asked to, in ms, where its directory does not say. */
const SHUTDOWN_MS = 10_000;
/** How long a `finish` of s6 may take, in ms, where its directory does not say. */
const FINISH_MS = 5000;

/** What a directory's services have in common. */
export interface Keeping {
  readonly host: IncarnationHost;
  readonly options: ServiceDirectoryOptions;
  /** Whether a service is about to be gone for good, and its logger with it. */
  isLeaving(service: Service): boolean;
}

/** The child that a service is. */
export function serviceSpec(service: Service, keeping: Keeping): ChildSpec {
  const each = eachOf(keeping);
  const { program, pipe } = service;
  const options = settingsOf(program, each, keeping);
  const finish = finishOf(program, keeping, () => pipe?.sink);
  return specOf(program, {
    options: {
      ...options,
      afterExit: async (ended) => {
        try {
          return await finish(ended);
        } finally {
          service.ends();
        }
      },
    },
    start: (host) => new ServiceLife(host, service, each).begin(),
  });
}

/** The child that a service's logger is. */
export function loggerSpec(service: Service, logger: Program, keeping: Keeping): ChildSpec {
  const { stdout, stderr, shutdown } = eachOf(keeping);
  const each = { stdout, stderr } as CommandOptions;
  const { program } = service;
  const options = settingsOf(logger, { shutdown } as CommandOptions, keeping);
  // Its drain begins with the stop of its service.
  const drainMs = Math.min(
    LONGEST_TIMER_MS,
    msOf(settingsOf(program, eachOf(keeping), keeping).shutdown) + FINISH_MS + SHUTDOWN_MS,
  );
  return specOf(logger, {
    options: { ...options, drainMs, afterExit: finishOf(logger, keeping, () => undefined) },
    start: (host) =>
      new LoggerLife(host, service, logger, { each, isLeaving: () => keeping.isLeaving(service) }).begin(),
  });
}

function specOf(
  { id, files }: Program,
  { options, start }: { readonly options: CommandOptions; readonly start: ChildDriver['start'] },
): ChildSpec {
  return {
    ...command(id, './run', [], options),
    ready: files.notificationFd === undefined ? 'spawn' : 'explicit',
    // Its events are nobody's: it may be started in the async context of whoever asked for it.
    driver: { start: (host) => runUncontained(() => start(host)) },
  };
}

function eachOf({ options }: Keeping): CommandOptions {
  return { stdout: 'lines', stderr: 'lines', shutdown: SHUTDOWN_MS, ...options.each };
}

/** Kept for ever: no exit of its is a reason to give up, and none has a meaning to us. */
function settingsOf(program: Program, each: CommandOptions, { options }: Keeping): CommandOptions {
  const { timeoutKill, timeoutFinish, tradition } = program.files;
  const limitMs = (options.tradition ?? tradition) === 's6' ? (timeoutFinish ?? FINISH_MS) : 0;
  return {
    startTimeoutMs: Number.POSITIVE_INFINITY,
    preventOn: [],
    slowDownOn: [],
    ...each,
    ...(timeoutKill === undefined ? {} : { shutdown: timeoutKill === 0 ? 'infinity' : timeoutKill }),
    afterExitMs: limitMs === 0 ? LONGEST_TIMER_MS : limitMs,
  };
}

function finishOf(
  program: Program,
  { host, options }: Keeping,
  sink: () => { open(origin: never): unknown } | undefined,
): (ended: AfterExit) => Promise<AfterExitAnswer> {
  return async (ended) => {
    // With its mark it is found, and ended, if this program is killed meanwhile. By then its end is written down, too.
    const marking = (await chargeOf(host, undefined))?.next();
    const writer = sink()?.open(undefined as never) as { readonly fd?: number } | undefined;
    const tradition = options.tradition ?? program.files.tradition;
    const answer = await runFinish(program, ended, {
      tradition,
      env: marking?.env ?? {},
      stdout: writer?.fd,
    });
    program.staysDown = answer === 'stay-down';
    return answer;
  };
}

function msOf(shutdown: Shutdown | undefined): number {
  return typeof shutdown === 'number' ? shutdown : LONGEST_TIMER_MS;
}
