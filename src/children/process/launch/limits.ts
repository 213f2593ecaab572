import { readFileSync } from 'node:fs';
import { CapabilityError } from '../../../core/index.js';
import type { Limit, LimitName } from '../process-options.js';
import { findWrapper } from './wrappers.js';

/** How limits are set on the way to a program. */
export interface LimitSteps {
  /** A command that sets them and becomes what follows it. */
  readonly wrapper: readonly string[];
  /** Lines for the shell, where there is no such command. */
  readonly script: readonly string[];
}

type Amount = number | 'unlimited';
type Limits = Readonly<Partial<Record<LimitName, Limit>>>;

/** @throws CapabilityError for a limit that cannot be set here */
export function limitSteps(limits: Limits, wish: string): LimitSteps {
  const pairs = (Object.entries(limits) as [LimitName, Limit][]).map(([name, limit]) => ({
    name,
    ...clipped(limit, ownLimits(name)),
  }));
  if (pairs.length === 0) return { wrapper: [], script: [] };
  const prlimit = findWrapper('prlimit');
  if (prlimit === undefined) return { wrapper: [], script: pairs.map((pair) => ulimit(pair, wish)) };
  return {
    wrapper: [prlimit, ...pairs.map(({ name, soft, hard }) => `--${name}=${soft}:${hard}`), '--'],
    script: [],
  };
}

interface Pair {
  readonly soft: Amount;
  readonly hard: Amount;
}

/**
 * What is asked for, as far as it can be had: a soft limit ends at the hard one, and a hard one that this process may not raise stays as it is. A limit that
 * is only half given keeps its other half where the two fit together. The rule of daemontools' `softlimit`.
 */
function clipped(limit: Limit, own: Pair): Pair {
  const { soft, hard } = typeof limit === 'object' ? limit : { soft: limit, hard: limit };
  const wanted = hard ?? own.hard;
  const granted = mayRaise() ? wanted : lower(wanted, own.hard);
  return { soft: lower(soft ?? own.soft, granted), hard: granted };
}

function lower(a: Amount, b: Amount): Amount {
  if (a === 'unlimited') return b;
  return b === 'unlimited' ? a : Math.min(a, b);
}

const mayRaise = (): boolean => process.geteuid?.() === 0;

/** The names in /proc/self/limits. */
const TITLES: Readonly<Record<LimitName, string>> = {
  as: 'Max address space',
  core: 'Max core file size',
  cpu: 'Max cpu time',
  data: 'Max data size',
  fsize: 'Max file size',
  locks: 'Max file locks',
  memlock: 'Max locked memory',
  msgqueue: 'Max msgqueue size',
  nice: 'Max nice priority',
  nofile: 'Max open files',
  nproc: 'Max processes',
  rss: 'Max resident set',
  rtprio: 'Max realtime priority',
  rttime: 'Max realtime timeout',
  sigpending: 'Max pending signals',
  stack: 'Max stack size',
};

const UNKNOWN: Pair = { soft: 'unlimited', hard: 'unlimited' };

function ownLimits(name: LimitName): Pair {
  const [, soft, hard] = new RegExp(`^${TITLES[name]} +(\\S+) +(\\S+)`, 'm').exec(limitsOfOurs()) ?? [];
  return soft === undefined || hard === undefined ? UNKNOWN : { soft: amount(soft), hard: amount(hard) };
}

function limitsOfOurs(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    // No /proc here: the kernel says no to what it cannot grant.
    return '';
  }
}

const amount = (text: string): Amount => (text === 'unlimited' ? text : Number(text));

/** The letters and units that shells have in common. */
const ULIMITS: Readonly<Partial<Record<LimitName, readonly [letter: string, unit: number]>>> = {
  as: ['v', 1024],
  core: ['c', 512],
  cpu: ['t', 1],
  data: ['d', 1024],
  fsize: ['f', 512],
  memlock: ['l', 1024],
  nofile: ['n', 1],
  stack: ['s', 1024],
};

function ulimit({ name, soft, hard }: Pair & { readonly name: LimitName }, wish: string): string {
  const known = ULIMITS[name];
  if (known === undefined)
    throw new CapabilityError(
      'prlimit',
      wish,
      `the shell cannot set the limit ${name}. Install prlimit (util-linux), or leave the limit out.`,
    );
  const [letter, unit] = known;
  const told = (value: Amount): Amount => (value === 'unlimited' ? value : Math.floor(value / unit));
  return `ulimit -S -${letter} ${told(soft)} && ulimit -H -${letter} ${told(hard)} || exit 1`;
}
