import { InvalidSpecError } from './errors.js';

/** What an option must be, in words, and whether a value is that. A value that is absent is never asked about. */
export interface Field {
  readonly expected: string;
  holds(value: unknown): boolean;
}

/** The options of a call by name, each with its check. */
export type Fields<Options> = { readonly [Name in keyof Options]-?: Field };

/**
 * Checks the values of options; whether a name is known at all is for {@link checkNames} to say.
 *
 * @throws InvalidSpecError for the first one that is wrong
 */
export function checkFields(
  subject: string,
  options: object,
  fields: Readonly<Record<string, Field>>,
  prefix = '',
): void {
  for (const [name, { expected, holds }] of Object.entries(fields)) {
    const value = (options as Record<string, unknown>)[name];
    if (value === undefined || holds(value)) continue;
    throw new InvalidSpecError(subject, { rule: 'invalid_option', field: prefix + name, value, expected });
  }
}

export function field(expected: string, holds: (value: unknown) => boolean): Field {
  return { expected, holds };
}

/** One of these words. */
export function words(...allowed: readonly string[]): Field {
  return field(allowed.map((word) => `'${word}'`).join(', '), (value) => allowed.includes(value as string));
}

/** A number within these bounds, both included; a whole one unless told otherwise. */
export function within(from: number, to: number, whole = true): Field {
  const range = to === Number.POSITIVE_INFINITY ? `from ${from}` : `from ${from} to ${to}`;
  return field(
    `a ${whole ? 'whole number' : 'number'} ${range}`,
    (value) =>
      typeof value === 'number' && value >= from && value <= to && (!whole || Number.isInteger(value)),
  );
}

/** A list of what another field would accept. */
export function listOf(one: Field): Field {
  return field(
    `a list, each of it ${one.expected}`,
    (value) => Array.isArray(value) && value.every(one.holds),
  );
}

/** Either of two. */
export function either(one: Field, other: Field): Field {
  return field(`${one.expected}, or ${other.expected}`, (value) => one.holds(value) || other.holds(value));
}

/** Text that the operating system can be given: it ends a string at a null character. */
export const TEXT: Field = field(
  'a string without null characters',
  (value) => typeof value === 'string' && !value.includes('\0'),
);

export const SWITCH: Field = field('true or false', (value) => typeof value === 'boolean');

export const CALLBACK: Field = field('a function', (value) => typeof value === 'function');

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
