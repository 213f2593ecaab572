import type { ControlClient, TreeStatus } from '../control/index.js';
import { childrenNamed, shortPath } from './child-path.js';
import type { Operands, Option } from './command.js';
import { EXIT } from './exit-code.js';
import { asJson } from './json.js';
import { JSON_OPTION } from './registry-place.js';
import type { Terminal } from './terminal.js';
import { harmless } from './text.js';
import { type TreeCommand, treeCommand } from './tree-command.js';
import { waitShown } from './waiting.js';

/** What a command does to each child that is named. */
export interface Steering<Done> {
  readonly name: string;
  readonly summary: string;
  readonly details?: readonly string[];
  /** What it is at, as in `stopping mail`. */
  readonly doing: string;
  act(client: ControlClient, path: string): Promise<Done>;
  /** How that went, after the child's name, and more lines below. */
  told(done: Done, terminal: Terminal): readonly [string, ...string[]];
  /** What is looked at while it takes long. */
  why?(client: ControlClient, path: string): Promise<string>;
  /** Whether `--json` prints what the tree has answered. */
  readonly json?: boolean;
}

/** One or more children, the first to be completed by a shell as all others. */
export const CHILDREN: Operands = {
  usage: '[child...]',
  max: Number.POSITIVE_INFINITY,
  complete: ['children'],
};

/** A command that does one thing to each child that is named, in that order. The only child of a tree need not be named. */
export function steeringCommand<Done>(steering: Steering<Done>): TreeCommand {
  const options: Readonly<Record<string, Option>> = steering.json === true ? JSON_OPTION : {};
  return treeCommand({
    name: steering.name,
    summary: steering.summary,
    ...(steering.details === undefined ? {} : { details: steering.details }),
    operands: CHILDREN,
    options,
    async ask(client, values, terminal) {
      const answers = await steer(client, values.operands, steering, terminal, values.has('json'));
      if (values.has('json')) terminal.say(asJson(answers));
      return EXIT.ok;
    },
  });
}

/** Does it to each; a name that is wrong is told before anything is done. */
export async function steer<Done>(
  client: ControlClient,
  operands: readonly string[],
  { act, told, why, doing }: Pick<Steering<Done>, 'act' | 'told' | 'why' | 'doing'>,
  terminal: Terminal,
  isQuiet = false,
): Promise<readonly Done[]> {
  const tree = await client.status();
  const answers: Done[] = [];
  for (const { path } of childrenNamed(operands, tree)) {
    const name = harmless(shortPath(path, tree.id));
    const reason = why && (() => why(client, path));
    const done = await waitShown(act(client, path), `${doing} ${name}`, terminal, reason);
    answers.push(done);
    const [first, ...more] = told(done, terminal);
    if (!isQuiet) terminal.say(`${terminal.paint('bold', name)}: ${first}`, ...more);
  }
  return answers;
}

/** What runs now, in a few words. */
export function told({ status, pid, restarts }: TreeStatus): string {
  const facts = [
    pid === undefined ? '' : `pid ${pid}`,
    restarts === 0 ? '' : `${restarts} ${restarts === 1 ? 'restart' : 'restarts'}`,
  ];
  const shown = facts.filter((fact) => fact !== '').join(', ');
  return shown === '' ? status : `${status} (${shown})`;
}
