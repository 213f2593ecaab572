import type { CommandOptions } from '../../index.js';
import { UsageError } from '../arguments.js';
import type { Option, Values } from '../command.js';
import { readBytes, readDuration, readNumber, readSignal, readWord } from '../option-values.js';

/** An option of a plain command: what it is on the command line, and what it means for the child. */
interface PlainOption extends Option {
  means(texts: readonly string[], name: string): CommandOptions;
}

const RESTARTS = ['permanent', 'transient', 'temporary'] as const;
const SCOPES = ['tree', 'mixed', 'process'] as const;
const STDIN = ['ignore', 'inherit', 'open'] as const;
const WHEN_HELD = ['kill', 'wait', 'refuse'] as const;

const PLAIN: Readonly<Record<string, PlainOption>> = {
  restart: {
    type: 'string',
    value: 'when',
    words: RESTARTS,
    summary: 'permanent: always, as if nothing is said; transient: after a failure; temporary: never',
    means: ([text = ''], name) => ({ restart: readWord(name, text, RESTARTS) }),
  },
  'ready-line': {
    type: 'string',
    value: 'text',
    summary: 'ready when a line of its stdout contains this; otherwise as soon as it runs',
    means: ([line = '']) => ({ ready: { line } }),
  },
  'ready-port': {
    type: 'string',
    value: 'port',
    summary: 'ready when this port of this machine accepts connections',
    means: ([text = ''], name) => ({ ready: { port: readNumber(name, text, 1) } }),
  },
  'start-timeout': {
    type: 'string',
    value: 'time',
    summary: 'how long it may take to be ready; 30s if not given',
    means: ([text = ''], name) => ({ startTimeoutMs: readDuration(name, text) }),
  },
  shutdown: {
    type: 'string',
    value: 'time',
    summary:
      'how long it may take to end after the stop signal, before it is killed; 5s if not given; brutal_kill, infinity',
    means: ([text = ''], name) => ({
      shutdown: text === 'brutal_kill' || text === 'infinity' ? text : readDuration(name, text),
    }),
  },
  'stop-signal': {
    type: 'string',
    value: 'signal',
    summary: 'how it is asked to stop; TERM if not given',
    means: ([text = '']) => ({ stopSignal: readSignal(text) }),
  },
  'drain-signal': {
    type: 'string',
    value: 'signal',
    summary: 'sent first, to a program that finishes its work by a signal of its own',
    means: ([text = '']) => ({ drainSignal: readSignal(text) }),
  },
  drain: {
    type: 'string',
    value: 'time',
    summary: 'how long it may take to finish its work after the drain signal; 20s if not given',
    means: ([text = ''], name) => ({ drainMs: readDuration(name, text) }),
  },
  'reload-signal': {
    type: 'string',
    value: 'signal',
    summary: 'what treewarden reload sends',
    means: ([text = '']) => ({ reloadSignal: readSignal(text) }),
  },
  'kill-scope': {
    type: 'string',
    value: 'whom',
    words: SCOPES,
    summary: 'whom a stop is for: tree, mixed (the signal to the program, the kill to all), process',
    means: ([text = ''], name) => ({ killScope: readWord(name, text, SCOPES) }),
  },
  cwd: {
    type: 'string',
    value: 'folder',
    summary: 'its working directory',
    means: ([cwd = '']) => ({ cwd }),
  },
  env: {
    type: 'string',
    value: 'NAME=value',
    repeats: true,
    summary: 'a variable of its environment; may be given more than once, and NAME alone takes one out',
    means: (texts) => ({ env: Object.fromEntries(texts.map(variable)) }),
  },
  'env-dir': {
    type: 'string',
    value: 'folder',
    summary: 'a folder of variables, a file each, as of envdir',
    means: ([envDir = '']) => ({ envDir }),
  },
  user: {
    type: 'string',
    value: 'user',
    summary: 'the user it runs as, with the group of that user and no others, as by setuidgid',
    means: ([text = '']) => ({ uid: idOf(text) }),
  },
  group: {
    type: 'string',
    value: 'group',
    summary: 'the group it runs as',
    means: ([text = '']) => ({ gid: idOf(text) }),
  },
  limit: {
    type: 'string',
    value: 'name=amount',
    repeats: true,
    summary:
      'a limit of the kernel, as in nofile=1024 or as=512M; soft:hard for two, soft: for the soft one alone; may be given more than once',
    means: (texts, name) => ({ limits: Object.fromEntries(texts.map((text) => limitOf(name, text))) }),
  },
  nice: {
    type: 'string',
    value: 'number',
    summary: 'added to its niceness',
    means: ([text = ''], name) => ({ nice: readNumber(name, text, -20) }),
  },
  umask: {
    type: 'string',
    value: 'octal',
    summary: 'its file mode creation mask, as in 027',
    means: ([text = ''], name) => ({ umask: octal(name, text) }),
  },
  stdin: {
    type: 'string',
    value: 'what',
    words: STDIN,
    summary:
      'ignore: nothing, as if nothing is said; inherit: ours; open: a pipe that ends when it is to stop',
    means: ([text = ''], name) => ({ stdin: readWord(name, text, STDIN) }),
  },
  exclusive: {
    type: 'string',
    value: 'policy',
    words: WHEN_HELD,
    summary:
      'never two copies on this machine: kill the one that is there, wait for its end, or refuse to start',
    means: ([text = ''], name) => ({ exclusive: readWord(name, text, WHEN_HELD) }),
  },
  background: {
    type: 'boolean',
    summary: 'it puts itself in the background: follow what it leaves there, as fghack does',
    means: () => ({ background: true }),
  },
  'max-memory': {
    type: 'string',
    value: 'bytes',
    summary: 'restarted when its processes have more in memory than this at three looks in a row, as in 512M',
    means: ([text = ''], name) => ({ health: { memoryBytes: readBytes(name, text) } }),
  },
};

/** What `run -- <command>` takes for the command. */
export const PLAIN_OPTIONS: Readonly<Record<string, Option>> = PLAIN;

/** The child's options, by what the command line gave. */
export function plainOptions(values: Values): CommandOptions {
  const given = namesGiven(values, PLAIN).map((name) => PLAIN[name]?.means(values.all(name), name));
  return Object.assign({}, ...given) as CommandOptions;
}

/** The names of those options that were given. */
export function namesGiven(values: Values, options: Readonly<Record<string, Option>>): readonly string[] {
  return Object.keys(options).filter((name) => values.has(name) || values.text(name) !== undefined);
}

function variable(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function idOf(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function limitOf(
  option: string,
  text: string,
): readonly [string, NonNullable<CommandOptions['limits']>['as']] {
  const [name = '', amount] = text.split('=', 2);
  if (!amount)
    throw new UsageError(`--${option} takes name=amount such as nofile=1024, but "${text}" was given.`);
  const [soft = '', hard] = amount.split(':', 2);
  if (hard === undefined) return [name, amountOf(option, soft)];
  return [
    name,
    {
      ...(soft === '' ? {} : { soft: amountOf(option, soft) }),
      ...(hard === '' ? {} : { hard: amountOf(option, hard) }),
    },
  ];
}

function amountOf(option: string, text: string): number | 'unlimited' {
  return text === 'unlimited' ? text : readBytes(option, text);
}

function octal(name: string, text: string): number {
  if (!/^[0-7]{1,4}$/.test(text))
    throw new UsageError(`--${name} takes an octal number such as 027, but "${text}" was given.`);
  return Number.parseInt(text, 8);
}
