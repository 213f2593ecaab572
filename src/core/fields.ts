import { InvalidSpecError, type SpecFault, type SpecRule } from './errors.js';

/** What an option must be, in words, and whether a value is that. A value that is absent is never asked about. */
export interface Field {
  readonly expected: string;
  holds(value: unknown): boolean;
  /** @defaultValue `'invalid_option'` */
  readonly rule?: SpecRule;
}

/** The options of a call by name, each with its check. */
export type Fields<Options> = { readonly [Name in keyof Options]-?: Field };

/** The first of the options that is wrong, if one is; whether a name is known at all is for {@link checkNames} to say. */
export function faultIn(
  options: object,
  fields: Readonly<Record<string, Field>>,
  prefix = '',
  which: 'those given' | 'all' = 'those given',
): SpecFault | undefined {
  for (const name in fields) {
    const value = (options as Record<string, unknown>)[name];
    // Safe: a name of the fields.
    const { expected, holds, rule = 'invalid_option' } = fields[name] as Field;
    if (value === undefined && which === 'those given') continue;
    if (!holds(value)) return { rule, field: prefix + name, value, expected };
  }
  return undefined;
}

/** @throws InvalidSpecError for the first of the options that is wrong, as {@link faultIn} finds it */
export function checkFields(
  subject: string,
  options: object,
  fields: Readonly<Record<string, Field>>,
  prefix = '',
): void {
  raise(subject, faultIn(options, fields, prefix));
}

/** @throws InvalidSpecError for a fault that was found */
export function raise(subject: string, found: SpecFault | undefined): void {
  if (found !== undefined) throw new InvalidSpecError(subject, found);
}

export function field(expected: string, holds: (value: unknown) => boolean, rule?: SpecRule): Field {
  return rule === undefined ? { expected, holds } : { expected, holds, rule };
}

/** A field that breaks a rule of its own when it is wrong. */
export function ruled(rule: SpecRule, one: Field): Field {
  return { ...one, rule };
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

export const INFINITY: Field = field('Infinity', (value) => value === Number.POSITIVE_INFINITY);

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
