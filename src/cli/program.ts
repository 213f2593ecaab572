import { readArguments, UsageError } from './arguments.js';
import type { Command, Values } from './command.js';
import { Complaint } from './complaint.js';
import { EXIT, type ExitCode } from './exit-code.js';
import { COMMON_OPTIONS, helpOf, helpOfAll } from './help.js';
import { nearest } from './nearest.js';
import type { Terminal } from './terminal.js';
import { version } from './version.js';

/**
 * Runs the command that the arguments name. Never rejects: what goes wrong is printed, and told by the exit code.
 *
 * @param args - those after the program's name
 */
export async function runProgram(
  args: readonly string[],
  commands: readonly Command[],
  terminal: Terminal,
): Promise<ExitCode> {
  try {
    return await run(args, commands, terminal);
  } catch (error) {
    terminal.progress();
    terminal.complain(`treewarden: ${error instanceof Error ? error.message : String(error)}`);
    return error instanceof Complaint ? error.exitCode : EXIT.failed;
  }
}

async function run(
  [name, ...rest]: readonly string[],
  commands: readonly Command[],
  terminal: Terminal,
): Promise<ExitCode> {
  if (name === undefined) {
    terminal.complain(...helpOfAll(commands, terminal));
    return EXIT.usage;
  }
  if (name === '--version') return answer(terminal, [version()]);
  if (name === '--help' || name === 'help') return help(rest, commands, terminal);
  const command = find(name, commands);
  const values = valuesOf(command, rest);
  if (values.has('help')) return answer(terminal, helpOf(command, terminal));
  return command.run(values, terminal);
}

/** What is wrong with a command's arguments is told with where to read about them. */
function valuesOf(command: Command, args: readonly string[]): Values {
  const options = { ...command.options, ...COMMON_OPTIONS };
  try {
    return readArguments(args, { ...command, options });
  } catch (error) {
    if (!(error instanceof UsageError) || error.message.endsWith('?')) throw error;
    throw new UsageError(`${error.message} See treewarden ${command.name} --help.`);
  }
}

/** `treewarden help`, `treewarden help doctor`. */
function help([name]: readonly string[], commands: readonly Command[], terminal: Terminal): ExitCode {
  const lines = name === undefined ? helpOfAll(commands, terminal) : helpOf(find(name, commands), terminal);
  return answer(terminal, lines);
}

function answer(terminal: Terminal, lines: readonly string[]): ExitCode {
  terminal.say(...lines);
  return EXIT.ok;
}

function find(name: string, commands: readonly Command[]): Command {
  const command = commands.find((it) => it.name === name);
  if (command !== undefined) return command;
  const names = commands.map((it) => it.name);
  if (name.startsWith('-')) {
    throw new UsageError(`There is no option ${name} before the command. See treewarden --help.`);
  }
  const meant = nearest(name, names);
  throw new UsageError(
    `There is no command "${name}". ${meant === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${meant}"?`}`,
  );
}
