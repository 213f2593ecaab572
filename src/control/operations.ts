import {
  type ChildPath,
  type Field,
  type Fields,
  field,
  type StopObstacle,
  type StopReport,
  SWITCH,
  TEXT,
  within,
  words,
} from '../core/index.js';
import type { DownReport, LoggedLine, ToldEvent, TreeStatus } from './client.js';

/** What a tree can be asked: the arguments of each operation, and its answer; a stream's `item` comes any number of times before. */
export interface Operations {
  status: { args: { path?: ChildPath; usage?: boolean }; answer: TreeStatus };
  up: { args: { path: ChildPath; once?: boolean }; answer: TreeStatus };
  down: { args: { path: ChildPath }; answer: DownReport };
  restart: { args: { path: ChildPath }; answer: TreeStatus };
  reload: { args: { path: ChildPath }; answer: null };
  pause: { args: { path: ChildPath }; answer: null };
  continue: { args: { path: ChildPath }; answer: null };
  signal: { args: { path: ChildPath; signal: NodeJS.Signals }; answer: null };
  wait: { args: { path?: ChildPath; until: 'ready' | 'down'; timeoutMs?: number }; answer: TreeStatus };
  explain: { args: { path?: ChildPath }; answer: readonly StopObstacle[] };
  logs: {
    args: { path?: ChildPath; lines?: number; follow?: boolean; window?: number };
    item: LoggedLine;
    answer: null;
  };
  events: { args: { path?: ChildPath; window?: number }; item: ToldEvent; answer: null };
  reopenLogs: { args: { path?: ChildPath }; answer: number };
  stop: { args: { graceMs?: number }; answer: StopReport };
}

export type OperationName = keyof Operations;

/** The operations that tell of more than one thing. */
export type StreamName = {
  [Name in OperationName]: Operations[Name] extends { item: unknown } ? Name : never;
}[OperationName];

/** What is known of an operation: what it does, in words, its arguments with their checks, and which of them must be given. */
export interface Operation<Args = Readonly<Record<string, unknown>>> {
  readonly does: string;
  readonly args: Fields<Args>;
  readonly required: readonly (keyof Args & string)[];
  /** What the answer is; of a stream, what each item is. */
  readonly gives: string;
  readonly streams?: true;
}

const PATH: Field = TEXT;

/** How many items may come before the next grant, at most. */
export const LARGEST_WINDOW = 1_000_000;
const WINDOW: Field = within(1, LARGEST_WINDOW);

/**
 * All of it in one place: what checks requests, what the client offers, and the table in `docs/control.md` derive from this.
 */
export const OPERATIONS: { readonly [Name in OperationName]: Operation<Operations[Name]['args']> } = {
  status: {
    does: 'Describes the tree, or the branch below a path, with what its processes use if `usage` is true.',
    args: { path: PATH, usage: SWITCH },
    required: [],
    gives: 'TreeStatus',
  },
  up: {
    does: 'Starts what is down, and answers once it is ready. With `once`, its end will be no reason for a restart.',
    args: { path: PATH, once: SWITCH },
    required: ['path'],
    gives: 'TreeStatus',
  },
  down: {
    does: 'Stops a child, and answers once it is gone. It stays down.',
    args: { path: PATH },
    required: ['path'],
    gives: 'DownReport',
  },
  restart: {
    does: 'Stops a child if it runs, starts it, and answers once it is ready.',
    args: { path: PATH },
    required: ['path'],
    gives: 'TreeStatus',
  },
  reload: {
    does: 'Has a child read its settings anew, by its reload signal.',
    args: { path: PATH },
    required: ['path'],
    gives: 'null',
  },
  pause: {
    does: "Suspends a child's processes.",
    args: { path: PATH },
    required: ['path'],
    gives: 'null',
  },
  continue: {
    does: "Lets a child's processes go on.",
    args: { path: PATH },
    required: ['path'],
    gives: 'null',
  },
  signal: {
    does: 'Sends a child an operating-system signal.',
    args: {
      path: PATH,
      signal: field(
        'the name of a signal, such as "SIGHUP"',
        (value) => typeof value === 'string' && /^SIG[A-Z0-9]+$/.test(value),
      ),
    },
    required: ['path', 'signal'],
    gives: 'null',
  },
  wait: {
    does: 'Answers once the child, or the tree, is ready, or down; or when `timeoutMs` is over.',
    args: { path: PATH, until: words('ready', 'down'), timeoutMs: within(0, 2_147_483_647) },
    required: ['until'],
    gives: 'TreeStatus',
  },
  explain: {
    does: 'Says what stands in the way of the end of a child and of all below it, at this moment.',
    args: { path: PATH },
    required: [],
    gives: 'StopObstacle[]',
  },
  logs: {
    does: 'Tells the last `lines` (10) lines of each child from a path on and, with `follow`, all further ones.',
    args: { path: PATH, lines: within(0, 10_000), follow: SWITCH, window: WINDOW },
    required: [],
    gives: 'LoggedLine',
    streams: true,
  },
  events: {
    does: 'Tells what happens from now on, at a path and below.',
    args: { path: PATH, window: WINDOW },
    required: [],
    gives: 'SupervisionEvent',
    streams: true,
  },
  reopenLogs: {
    does: 'Has log files that are rotated from outside opened anew, from a path on; answers how many children have some, once the old files are written no more.',
    args: { path: PATH },
    required: [],
    gives: 'number',
  },
  stop: {
    does: 'Stops the whole tree, and answers when it has ended. The connection ends then.',
    args: { graceMs: within(1, 2_147_483_647) },
    required: [],
    gives: 'StopReport',
  },
};
