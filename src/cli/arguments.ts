import { parseArgs } from 'node:util';
import type { Option, Values } from './command.js';
import { nearest } from './nearest.js';

/** A command line that cannot be understood. Its message says what is wrong and what was probably meant. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Reads a command's arguments.
 *
 * @throws UsageError for an unknown option, one whose value is missing or too many, and for any other argument
 */
export function readArguments(args: readonly string[], options: Readonly<Record<string, Option>>): Values {
  const types = Object.fromEntries(Object.entries(options).map(([name, { type }]) => [name, { type }]));
  // Not strict: its errors cannot say which option was meant.
  const { values, tokens } = parseArgs({
    args: [...args],
    options: types,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) check(token, options);
  return {
    has: (option) => values[option] === true,
    text: (option) => (typeof values[option] === 'string' ? values[option] : undefined),
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

function check(token: Token, options: Readonly<Record<string, Option>>): void {
  if (token.kind === 'positional') throw new UsageError(`"${token.value}" is one argument too many.`);
  if (token.kind === 'option-terminator') return;
  const option = Object.hasOwn(options, token.name) ? options[token.name] : undefined;
  if (option === undefined) throw new UsageError(unknownOption(token, Object.keys(options)));
  if (option.type === 'boolean' && token.value !== undefined)
    throw new UsageError(`--${token.name} is a switch and takes no value, but "${token.value}" was given.`);
  if (option.type === 'string' && (token.value === undefined || token.value === ''))
    throw new UsageError(`--${token.name} needs a value: --${token.name} <${option.value}>.`);
}

function unknownOption(
  { name, rawName }: { name: string; rawName: string },
  known: readonly string[],
): string {
  const meant = nearest(name, known);
  return `There is no option ${rawName}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`;
}
