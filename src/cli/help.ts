import { columns, wrap } from './columns.js';
import type { Command, Option } from './command.js';
import { EXIT_MEANINGS } from './exit-code.js';
import type { Terminal } from './terminal.js';

/** What every command takes besides its own options. */
export const COMMON_OPTIONS: Readonly<Record<string, Option>> = {
  help: { type: 'boolean', short: 'h', summary: 'show this help' },
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
    ...usageOf(command, options, terminal),
    '',
    sentence(command.summary),
    ...(command.details ?? []).flatMap((text) => ['', ...wrap(text, terminal.columns)]),
    '',
    heading('Options', terminal),
    ...table(
      options.map(([name, option]) => [writtenWithShort(name, option), option.summary]),
      terminal,
    ),
  ];
}

/** More options than these are left to the table below the usage. */
const OPTIONS_IN_USAGE = 6;

function usageOf(
  { name, operands }: Command,
  options: readonly (readonly [string, Option])[],
  terminal: Terminal,
): readonly string[] {
  const shown =
    options.length > OPTIONS_IN_USAGE
      ? ['[options]']
      : options.map(([option, facts]) => `[${written(option, facts)}]`);
  const usage = (taken: string): string => ['treewarden', name, ...shown, taken].join(' ').trimEnd();
  const forms = [usage(operands?.usage ?? '')];
  if (operands?.rest !== undefined) forms.push(usage(`-- ${operands.rest}`));
  return columns(
    forms.map((form, at) => [at === 0 ? 'Usage:' : '', form]),
    terminal.columns,
  ).map((line) => line.replace(/^(Usage:|\s{6})\s{2}/, '$1 '));
}

function written(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

function writtenWithShort(name: string, option: Option): string {
  return option.short === undefined ? written(name, option) : `-${option.short}, ${written(name, option)}`;
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
