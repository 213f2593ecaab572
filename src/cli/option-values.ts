import { constants } from 'node:os';
import { UsageError } from './arguments.js';
import { nearest } from './nearest.js';

/**
 * A time span as it is written on a command line: `500ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds, as of sleep(1). In ms.
 *
 * @throws UsageError if it is none
 */
export function readDuration(option: string, text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|min|h|d)?$/.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`--${option} takes a time span such as 500ms, 30s or 5m, but "${text}" was given.`);
  return Math.round(Number(amount) * (UNITS[unit] ?? 1));
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A whole number of bytes: `1048576`, `512K`, `64M`, `2G`.
 *
 * @throws UsageError if it is none
 */
export function readBytes(option: string, text: string): number {
  const [, amount, unit = ''] = /^(\d+)\s*([KMGT]?)(?:i?B)?$/i.exec(text) ?? [];
  if (amount === undefined)
    throw new UsageError(`--${option} takes a number of bytes such as 512K or 64M, but "${text}" was given.`);
  return Number(amount) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit.toUpperCase());
}

/** @throws UsageError unless it is a whole number from `min` */
export function readNumber(option: string, text: string, min = 0): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < min)
    throw new UsageError(`--${option} takes a whole number from ${min}, but "${text}" was given.`);
  return value;
}

/**
 * A signal by its name in any spelling, `HUP`, `SIGHUP`, `hup`, or its number.
 *
 * @throws UsageError if this platform has none of that name
 */
export function readSignal(text: string): NodeJS.Signals {
  const bare = text.toUpperCase().replace(/^SIG/, '');
  const found = SIGNALS.find((name) => name === `SIG${bare}` || String(constants.signals[name]) === text);
  if (found !== undefined) return found;
  const meant = nearest(
    bare,
    SIGNALS.map((name) => name.slice('SIG'.length)),
  );
  throw new UsageError(
    `There is no signal "${text}".${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
  );
}

/** The names of this platform's signals. */
// Safe: they are what the table of this very platform has.
export const SIGNALS: readonly NodeJS.Signals[] = Object.keys(constants.signals) as NodeJS.Signals[];

/** @throws UsageError unless it is one of these words */
export function readWord<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const meant = nearest(text, words);
  throw new UsageError(
    `--${option} takes ${words.slice(0, -1).join(', ')} or ${words.at(-1)}, but "${text}" was given.${
      meant === undefined ? '' : ` Did you mean ${meant}?`
    }`,
  );
}
