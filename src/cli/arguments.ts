import { parseArgs } from 'node:util';
import type { Command, Operands, Option, Values } from './command.js';
import { Complaint } from './complaint.js';
import { EXIT } from './exit-code.js';
import { nearest } from './nearest.js';

/** A command line that cannot be understood. Its message says what is wrong and what was probably meant. */
export class UsageError extends Complaint {
  override readonly name = 'UsageError';

  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/**
 * Reads a command's arguments.
 *
 * @throws UsageError for an unknown option, one whose value is missing or too many, and for an operand too few or too many
 */
export function readArguments(
  args: readonly string[],
  { options, operands }: Pick<Command, 'options' | 'operands'>,
): Values {
  const types = Object.fromEntries(
    Object.entries(options).map(([name, { type, short, repeats = false }]) => [
      name,
      { type, multiple: repeats, ...(short === undefined ? {} : { short }) },
    ]),
  );
  // Not strict: its errors cannot say which option was meant.
  const { values, tokens } = parseArgs({
    args: [...args],
    options: types,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) checkOption(token, options);
  const split = splitAtTerminator(tokens, operands);
  // Whoever asks for help has not made up his mind about operands.
  if (values['help'] !== true) checkOperands(split, operands);
  return {
    has: (option) => values[option] === true,
    text: (option) => textsOf(values[option]).at(-1),
    all: (option) => textsOf(values[option]),
    ...split,
  };
}

/** The shape of `parseArgs`' tokens, as far as it is looked at. */
type Token =
  | {
      readonly kind: 'option';
      readonly name: string;
      readonly rawName: string;
      readonly value?: string | undefined;
    }
  | { readonly kind: 'positional'; readonly value: string }
  | { readonly kind: 'option-terminator' };

function checkOption(token: Token, options: Readonly<Record<string, Option>>): void {
  if (token.kind !== 'option') return;
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) throw new UsageError(unknownOption(token, options));
  if (option.type === 'boolean' && token.value !== undefined)
    throw new UsageError(`--${token.name} is a switch and takes no value, but "${token.value}" was given.`);
  if (option.type === 'string' && (token.value === undefined || token.value === ''))
    throw new UsageError(`--${token.name} needs a value: --${token.name} <${option.value}>.`);
}

function unknownOption(
  { name, rawName }: { name: string; rawName: string },
  known: Readonly<Record<string, Option>>,
): string {
  const meant = nearest(name, Object.keys(known));
  return `There is no option ${rawName}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`;
}

/** For a command that takes what follows `--` as it is; for any other one, `--` only ends its options. */
function splitAtTerminator(
  tokens: readonly Token[],
  operands: Operands | undefined,
): Pick<Values, 'operands' | 'rest'> {
  const end = tokens.findIndex(({ kind }) => kind === 'option-terminator');
  if (end < 0 || operands?.rest === undefined) return { operands: positionals(tokens), rest: undefined };
  return { operands: positionals(tokens.slice(0, end)), rest: positionals(tokens.slice(end)) };
}

function positionals(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
}

function checkOperands(given: Pick<Values, 'operands' | 'rest'>, known: Operands | undefined): void {
  const surplus = given.operands[known?.max ?? 0];
  if (surplus !== undefined) throw new UsageError(`"${surplus}" is one argument too many.`);
  if (given.rest === undefined && given.operands.length < (known?.min ?? 0))
    throw new UsageError(`Something is missing: ${known?.usage}.`);
}

function textsOf(value: unknown): readonly string[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((it): it is string => typeof it === 'string');
}
