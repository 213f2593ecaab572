import { basename } from 'node:path';
import type { AnySupervisorSpec, Supervised, SuperviseOptions } from '../../index.js';
import { duration } from '../amounts.js';
import { UsageError } from '../arguments.js';
import { leavesOf } from '../child-path.js';
import type { Command, Option, Values } from '../command.js';
import { Complaint } from '../complaint.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { readDuration } from '../option-values.js';
import { hasTree, type Supervisable, treeAmong } from '../run/find-tree.js';
import { loadModule } from '../run/load-module.js';
import { Narration } from '../run/narration.js';
import { OwnTree } from '../run/own-tree.js';
import { namesGiven, PLAIN_OPTIONS } from '../run/plain-options.js';
import { LOG_OPTIONS, plainTree } from '../run/plain-tree.js';
import { sayWhatIsLeft } from '../run/what-is-left.js';
import type { Terminal } from '../terminal.js';

const OPTIONS: Readonly<Record<string, Option>> = {
  name: {
    type: 'string',
    value: 'name',
    summary: 'what the tree is found by: treewarden status --tree <name>',
  },
  grace: { type: 'string', value: 'time', summary: 'how long a stop may take as a whole; 25s if not given' },
  socket: { type: 'string', value: 'path', summary: 'where its control socket is to be' },
  'no-control': {
    type: 'boolean',
    summary: 'open no control socket: it can then only be steered by signals',
  },
  quiet: { type: 'boolean', short: 'q', summary: 'say nothing of restarts and faults' },
};

/** Supervises a tree of a module's, or a plain command. */
export const run: Command = {
  name: 'run',
  summary: 'run a tree that a module exports, or keep a plain command alive, until a signal stops it',
  details: [
    'The tree is the named export, the default export, or the only one. Ctrl-C drains and stops it; a second one cuts the drain short, a third ends everything at once. ' +
      'It ends by the signal that stopped it, with 0 if the tree had nothing left to do, and with 1 if it has failed.',
    'A module that calls supervise() itself is run as it is, by its own settings.',
    'From --restart on the options are for a plain command; a tree has its settings in its specs.',
  ],
  operands: { usage: '<module> [tree]', min: 1, max: 2, rest: '<command> [args]', complete: ['files'] },
  options: { ...OPTIONS, ...PLAIN_OPTIONS, ...LOG_OPTIONS },
  async run(values, terminal) {
    const { rest } = values;
    const what = rest === undefined ? await treeOfModule(values, terminal) : await plainCommand(values, rest);
    return what === undefined ? EXIT.ok : supervised(what, values, terminal);
  },
};

/** Nothing for a module that calls `supervise()` itself: it is run as it is, by its own settings, and ends as it would without us. */
async function treeOfModule(values: Values, terminal: Terminal): Promise<Supervisable | undefined> {
  const [module = '', name] = values.operands;
  const [surplus] = namesGiven(values, { ...PLAIN_OPTIONS, ...LOG_OPTIONS });
  if (surplus !== undefined)
    throw new UsageError(
      `--${surplus} is for a plain command after --; a tree has its settings in its specs.`,
    );
  const own = new OwnTree();
  try {
    const exports = await loadModule(module);
    const isThere = own.name ?? (hasTree(exports) ? undefined : await own.begun());
    if (isThere === undefined) return treeAmong(exports, module, name);
    const ignored = [
      ...namesGiven(values, OPTIONS).map((option) => `--${option}`),
      ...(name === undefined ? [] : ['the name of a tree']),
    ];
    if (ignored.length > 0)
      terminal.complain(
        `treewarden: ${module} supervises "${isThere}" itself, by its own settings: ${ignored.join(', ')} had no effect.`,
      );
    return undefined;
  } finally {
    own.end();
  }
}

async function plainCommand(values: Values, [file, ...args]: readonly string[]): Promise<AnySupervisorSpec> {
  if (file === undefined) throw new UsageError('After -- there is no command.');
  const [module] = values.operands;
  if (module !== undefined) throw new UsageError(`Either the module ${module}, or a command after --.`);
  return plainTree(values.text('name') ?? basename(file), file, args, values);
}

async function supervised(what: Supervisable, values: Values, terminal: Terminal): Promise<ExitCode> {
  const { supervise, describeExit } = await import('../../index.js');
  const narration = new Narration(terminal, describeExit);
  const isQuiet = values.has('quiet');
  let app: Supervised<AnySupervisorSpec> | undefined;
  let endSaying = (): void => undefined;
  const options: SuperviseOptions = {
    ...optionsOf(values),
    onEvent: (event) => {
      if (event.type === 'signal:received' && event.level > 0) {
        narration.say('', `${event.signal}: ${LEVELS[event.level]}`);
        if (app !== undefined && event.level === 1) endSaying = sayWhatIsLeft(app, terminal, narration);
        // The signal is raised again too soon after that for a line to be taken back.
        if (event.level === 3) endSaying();
      } else if (!isQuiet) narration.tell(event);
    },
  };
  try {
    // Safe: whichever it is, a tree or a lone child, it is supervised the same way.
    app = await supervise(what as AnySupervisorSpec, options);
    if (!isQuiet) narration.say(app.supervisor.path, readyLine(app, values));
    await app.done;
    leaveSoon();
    return EXIT.ok;
  } catch (error) {
    // A signal during the start is raised again by the library at our end.
    if (codeOf(error) === 'START_INTERRUPTED') return EXIT.ok;
    leaveSoon();
    throw codeOf(error) === 'INVALID_SPEC' ? new Complaint((error as Error).message, EXIT.usage) : error;
  } finally {
    endSaying();
  }
}

const LEVELS: readonly string[] = [
  '',
  'finishing work in hand, then stopping; Ctrl-C again hastens',
  'no longer waiting for work in hand; Ctrl-C again ends everything at once',
  'everything is ended at once',
];

function optionsOf(values: Values): SuperviseOptions {
  const name = values.text('name');
  const path = values.text('socket');
  const grace = values.text('grace');
  const place = { ...(path === undefined ? { name } : { path }) };
  return {
    ...(grace === undefined ? {} : { graceMs: readDuration('grace', grace) }),
    ...(values.has('no-control') ? {} : { control: name === undefined && path === undefined ? true : place }),
  };
}

function readyLine(app: Supervised<AnySupervisorSpec>, values: Values): string {
  const root = app.snapshot();
  const leaves = leavesOf(root).length;
  const name = values.text('name') ?? root.id;
  const path = values.text('socket');
  const which = path === undefined ? `--tree ${name}` : `--socket ${path}`;
  const next = values.has('no-control') ? '' : `; treewarden status ${which}`;
  return `ready after ${duration(performance.now())}: ${leaves} ${leaves === 1 ? 'child' : 'children'}${next}`;
}

/** What a module has left running, such as a timer, is given a moment and does not keep a program from ending whose tree has ended. */
function leaveSoon(): void {
  setTimeout(() => process.exit(), 1000).unref();
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}
