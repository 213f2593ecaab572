import { InvalidSpecError, LONGEST_TIMER_MS } from '../core/index.js';

/** Refuses a setting of a kind, or of the registry: where it is given, and again where a request comes by message. */
export function refuse(subject: string, field: string, value: unknown, expected: string): never {
  throw new InvalidSpecError(subject, { rule: 'invalid_option', field, value, expected });
}

/** As it stands in messages, before it is known whether the name is one. */
export function subjectOf(kind: string, name: unknown): string {
  return typeof name === 'string' ? `${kind} "${name}"` : kind;
}

/** What a resource may be called: it becomes part of a file's name. */
export function checkName(subject: string, field: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/.test(value)) return;
  refuse(
    subject,
    field,
    value,
    '1 to 100 letters, digits, dots, dashes and underscores, without a dot in front',
  );
}

export function checkText(subject: string, field: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return;
  refuse(subject, field, value, 'a string that is not empty');
}

/** @throws InvalidSpecError unless `value` is a whole number from `least` to `most`. */
export function checkWhole(
  subject: string,
  field: string,
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  refuse(subject, field, value, `a whole number from ${least} to ${most}`);
}

/** @throws InvalidSpecError unless `value` is left out, or an AbortSignal. */
export function checkSignal(subject: string, value: unknown): void {
  if (value !== undefined && !(value instanceof AbortSignal))
    refuse(subject, 'signal', value, 'an AbortSignal');
}

/** A duration that may also be endless; returned as what a timer, and a message, can carry. */
export function endlessMs(subject: string, field: string, value: unknown): number {
  if (value === Number.POSITIVE_INFINITY) return LONGEST_TIMER_MS;
  if (typeof value === 'number' && value >= 0 && value <= LONGEST_TIMER_MS) return value;
  return refuse(subject, field, value, `a number of ms from 0 to ${LONGEST_TIMER_MS}, or Infinity`);
}
