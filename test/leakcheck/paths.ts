import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupFor } from './cgroup.js';
import type { Host, Launch, Mode, Plan } from './host.js';
import { fromAnotherBoot } from './ledgers.js';
import type { Trace } from './machine.js';

/** One way out, as a row of the table. */
export interface Path {
  /** As it stands in the table. */
  readonly name: string;
  /** Who acquires. What a fork or a thread has acquired must be released while the host lives on. */
  readonly who: Plan['who'];
  /** Whose end it is, where that is not the host's. */
  readonly dies?: 'child';
  /** How whoever acquires ends by itself, if it does. */
  readonly ending?: string;
  /** What is done to it from outside. */
  readonly strike?: (host: Host) => void | Promise<void>;
  /** Whether there is nothing to strike before the program runs. */
  readonly afterStart?: true;
  /** How its process is expected to end; `'lives'` where it goes on as something else. Not looked at where it is not said. */
  readonly ends?: number | NodeJS.Signals | 'lives';
  /** Whether it ends in order, by doing of its own: then time counts from its death and not from the blow. */
  readonly inOrder?: true;
  /** Whether it is so like another that a short check leaves it out. */
  readonly long?: true;
  /** How it is started; asked for each run, with what undoes that. */
  readonly launch?: (plan: Plan) => Launched;
  /** Who releases: somebody who is there, or whoever starts next in the same scope. @defaultValue `'at once'` */
  readonly released?: Released;
  /** What is not ours any more on this path, and so must be left alone. */
  readonly keeps?: (trace: Trace) => boolean;
  /** Whether nobody may be there to remove the ledger, so that the next start does. */
  readonly leavesLedger?: true;
  /** @defaultValue both: holding one of each kind, and in the middle of acquiring and releasing */
  readonly modes?: readonly Mode[];
  /** Why this machine cannot produce it. */
  readonly missing?: string | undefined;
}

export type Released = 'at once' | 'by the next start' | 'by treewarden reclaim';

export interface Launched extends Launch {
  readonly undo?: () => void;
}

/** Every way out that is looked at. The matrix is that of the ways a process, a thread, or what is around them can end. */
export function paths(): readonly Path[] {
  return [
    ...byItself(),
    ...bySignal(),
    ...ofAChild(),
    ...fromAround(),
    ...withTheGuardian(),
    ...byTheNextStart(),
  ];
}

function byItself(): readonly Path[] {
  const path = (name: string, ending: string, ends: Path['ends'], more: Partial<Path> = {}): Path => ({
    name,
    who: 'registry',
    ending,
    ...(ends === undefined ? {} : { ends }),
    ...more,
  });
  return [
    path('registry.close()', 'close', 0),
    path('normal return', 'return', 0),
    path('process.exit(3)', 'exit', 3),
    path('process.exitCode = 4, then drained', 'exit-code', 4),
    path('uncaught exception', 'throw', 1),
    path('unhandled rejection', 'reject', 1),
    path('an exit listener that throws', 'throwing-exit-listener', undefined),
    path('unsettled top-level await', 'unsettled-await', 13),
    path('EPIPE on stdout', 'epipe', 1, {
      afterStart: true,
      strike: (host) => void host.process.stdout?.destroy(),
    }),
    path('stack overflow', 'overflow', 1),
    path('process.abort()', 'abort', 'SIGABRT'),
    path('process.reallyExit(5)', 'really-exit', 5),
    path('V8 heap out of memory', 'heap', 'SIGABRT', {
      launch: () => ({ flags: ['--max-old-space-size=40'] }),
    }),
    path('exec over the process', 'exec', 'lives'),
    path('process.exit(3) under supervise()', 'exit', 3, { who: 'task' }),
    path('uncaught exception under supervise()', 'throw', 1, { who: 'task' }),
  ];
}

/** Fatal unless caught. Left out: SIGUSR1, at which Node starts its debugger; SIGPIPE and SIGXFSZ, which Node ignores. */
const CATCHABLE = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
  'SIGSYS',
  'SIGTRAP',
] as const;

/** Those at which `supervise()` stops the tree, and is then ended by the same signal. */
const TRAPPED: readonly string[] = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'];

const FAULTS = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE'] as const;

function bySignal(): readonly Path[] {
  return [
    ...CATCHABLE.map((signal) => ({
      ...struck(`${signal}, not caught`, 'registry', signal),
      ...given('long', signal !== 'SIGTERM'),
    })),
    ...CATCHABLE.map((signal) => ({
      ...struck(`${signal} under supervise()`, 'task', signal),
      ...given('inOrder', TRAPPED.includes(signal)),
      ...given('long', !['SIGTERM', 'SIGUSR2'].includes(signal)),
    })),
    {
      name: 'a second Ctrl-C while draining',
      who: 'task',
      ending: 'stubborn',
      inOrder: true,
      ends: 'SIGINT',
      modes: ['hold'],
      strike: (host) => ctrlC(host, 2),
    },
    {
      name: 'a third Ctrl-C',
      who: 'task',
      ending: 'very-stubborn',
      inOrder: true,
      ends: 'SIGINT',
      modes: ['hold'],
      strike: (host) => ctrlC(host, 3),
    },
    struck('SIGKILL', 'registry', 'SIGKILL'),
    struck('SIGKILL under supervise()', 'task', 'SIGKILL'),
    ...FAULTS.map((signal) => ({
      ...struck(signal, 'registry', signal),
      ...given('long', signal !== 'SIGSEGV'),
    })),
    {
      ...struck('SIGSTOP, then SIGKILL', 'registry', 'SIGKILL'),
      strike: (host) => {
        host.kill('SIGSTOP');
        host.kill('SIGKILL');
      },
    },
  ];
}

/** An option that is either true or not there. */
function given<Name extends string>(name: Name, is: boolean): { readonly [N in Name]?: true } {
  // Safe: the one name is that of the type.
  return (is ? { [name]: true } : {}) as { readonly [N in Name]?: true };
}

function struck(name: string, who: Path['who'], signal: NodeJS.Signals): Path {
  return { name, who, ends: signal, strike: (host) => host.kill(signal) };
}

/** Each once the one before it has been heard. */
async function ctrlC(host: Host, times: number): Promise<void> {
  host.kill('SIGINT');
  for (let said = 1; said < times; said += 1) {
    await host.says(said === 1 ? 'stopping' : 'hurried');
    host.kill('SIGINT');
  }
}

function ofAChild(): readonly Path[] {
  const fork = (name: string, ending: string): Path => ({
    name: `fork: ${name}`,
    who: 'fork',
    dies: 'child',
    ending,
  });
  const thread = (name: string, ending: string): Path => ({
    name: `thread: ${name}`,
    who: 'thread',
    dies: 'child',
    ending,
  });
  const signalled = (signal: NodeJS.Signals): Path => ({
    name: `fork: ${signal}`,
    who: 'fork',
    dies: 'child',
    strike: async (host) => {
      process.kill((await host.says('child')).pid, signal);
    },
  });
  return [
    fork('normal return', 'return'),
    fork('process.exit(3)', 'exit'),
    fork('uncaught exception', 'throw'),
    fork('unhandled rejection', 'reject'),
    fork('process.abort()', 'abort'),
    fork('V8 heap out of memory', 'heap'),
    fork('its channel closed, then it hangs', 'disconnect'),
    fork('stopped by its supervisor', 'terminate'),
    signalled('SIGKILL'),
    signalled('SIGSEGV'),
    signalled('SIGTERM'),
    struck('fork: SIGKILL of its host', 'fork', 'SIGKILL'),
    thread('normal return', 'return'),
    thread('process.exit(3)', 'exit'),
    thread('uncaught exception', 'throw'),
    thread('unhandled rejection', 'reject'),
    thread('out of memory', 'heap'),
    thread('terminated', 'terminate'),
    struck('thread: SIGKILL of its host', 'thread', 'SIGKILL'),
  ];
}

/** A parent whose pipe is its child's stdin. */
const PARENT = `
  const { spawn } = require('node:child_process');
  spawn(process.argv[1], process.argv.slice(2), { stdio: ['pipe', 'inherit', 'inherit'] });`;

function fromAround(): readonly Path[] {
  const oom = cgroupFor('memory');
  return [
    {
      name: 'kill -KILL of its process group',
      who: 'task',
      ends: 'SIGKILL',
      strike: (host) => void process.kill(-host.pid, 'SIGKILL'),
    },
    {
      name: 'its parent is killed, and its stdin ends',
      who: 'registry',
      ending: 'end-of-stdin',
      afterStart: true,
      launch: () => ({ under: [process.execPath, '-e', PARENT, '--'] }),
      strike: (host) => host.kill('SIGKILL'),
    },
    {
      name: 'its parent is killed, and it dies with it',
      who: 'registry',
      afterStart: true,
      launch: () => ({ under: ['/bin/sh', '-c', 'setpriv --pdeathsig KILL "$@" & wait', 'sh'] }),
      strike: (host) => host.kill('SIGKILL'),
    },
    {
      name: 'kernel out of memory',
      who: 'registry',
      ending: 'memory',
      ends: 'SIGKILL',
      missing: oom.missing,
      launch: (plan) => oom.make(plan.mark, { limitBytes: 160 * 2 ** 20 }),
    },
  ];
}

function withTheGuardian(): readonly Path[] {
  return [
    {
      name: 'the guardian is killed, then the program',
      who: 'registry',
      ends: 'SIGKILL',
      modes: ['hold'],
      strike: async (host) => {
        await killAndAwaitAnother(host);
        host.kill('SIGKILL');
      },
    },
    {
      name: 'the guardian is killed, then the program returns',
      who: 'registry',
      ending: 'return',
      ends: 0,
      leavesLedger: true,
      strike: (host) => killGuardian(host),
    },
  ];
}

function byTheNextStart(): readonly Path[] {
  const both = (released: Released): Path => ({
    name: `the program and its guardian are killed together, released ${released}`,
    who: 'registry',
    ends: 'SIGKILL',
    released,
    strike: killBoth,
  });
  const cgroup = cgroupFor('kill');
  return [
    both('by the next start'),
    both('by treewarden reclaim'),
    {
      name: 'its whole cgroup is killed, the guardian included',
      who: 'fork',
      ends: 'SIGKILL',
      released: 'by the next start',
      missing: cgroup.missing,
      launch: (plan) => cgroup.make(plan.mark),
      strike: (host) => cgroup.kill(host.plan.mark),
    },
    {
      name: 'the machine starts again (an older boot in the ledger)',
      who: 'registry',
      ends: 'SIGKILL',
      modes: ['hold'],
      released: 'by the next start',
      // Of the last boot only files on a disk are left; what has these numbers and names now is somebody else's.
      keeps: ({ kind, id }) =>
        kind !== 'ledger' && kind !== 'lock' && !(kind === 'file' && /treewarden-|\.sock$/.test(id)),
      strike: async (host) => {
        killBoth(host);
        await host.ended;
        fromAnotherBoot(host);
      },
    },
  ];
}

function killGuardian(host: Host): void {
  const { guardian } = host;
  if (guardian !== undefined) process.kill(guardian, 'SIGKILL');
}

async function killAndAwaitAnother(host: Host): Promise<void> {
  const first = host.guardian;
  killGuardian(host);
  while (host.guardian === first || !guards(host)) await new Promise(setImmediate);
}

/** Whether it has a guardian that its ledger names: until then, for some µs, what it leaves is left to the next start. */
function guards({ guardian, plan }: Host): boolean {
  if (guardian === undefined) return false;
  const ledgers = readdirSync(plan.stateDir, { recursive: true, encoding: 'utf8' });
  return ledgers
    .filter((name) => name.endsWith('.ledger'))
    .some((name) => readFileSync(join(plan.stateDir, name), 'latin1').includes(`\ng ${guardian} `));
}

/** Suspended first, so that neither sees the other go. */
function killBoth(host: Host): void {
  const { guardian } = host;
  host.kill('SIGSTOP');
  if (guardian !== undefined) process.kill(guardian, 'SIGKILL');
  host.kill('SIGKILL');
}
