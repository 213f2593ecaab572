import { columns } from './columns.js';
import type { Command, Option } from './command.js';
import { EXIT_MEANINGS } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** What every command takes besides its own options. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', summary: 'show this help' },
};

/** The help of the whole program. */
export function helpOfAll(commands: readonly Command[], terminal: Terminal): readonly string[] {
  return [
    'Usage: treewarden <command> [options]',
    '',
    heading('Commands', terminal),
    ...table(
      commands.map(({ name, summary }) => [name, summary]),
      terminal,
    ),
    '',
    heading('Options', terminal),
    ...table(
      [
        ['--help', 'show this help, or that of a command: treewarden <command> --help'],
        ['--version', 'print the version'],
      ],
      terminal,
    ),
    '',
    heading('Exit status', terminal),
    ...table(Object.entries(EXIT_MEANINGS), terminal),
  ];
}

/** The help of one command. */
export function helpOf(command: Command, terminal: Terminal): readonly string[] {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS });
  return [
    `Usage: treewarden ${command.name} ${options.map(([name, option]) => `[${written(name, option)}]`).join(' ')}`,
    '',
    sentence(command.summary),
    '',
    heading('Options', terminal),
    ...table(
      options.map(([name, option]) => [written(name, option), option.summary]),
      terminal,
    ),
  ];
}

function written(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

function heading(text: string, { paint }: Terminal): string {
  return paint('bold', text);
}

function table(rows: readonly (readonly string[])[], terminal: Terminal): readonly string[] {
  return columns(
    rows.map(([first = '', ...rest]) => [`  ${first}`, ...rest]),
    terminal.columns,
  );
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
