import { checkNames } from '../../core/index.js';
import { checkName, checkSignal, endlessMs, refuse } from '../checks.js';
import type { LockKindOption } from './choice.js';
import type { LockOptions } from './queue.js';

/** What is meant where no options are given; known by itself, it need not be checked. */
export const NO_LIMIT: LockOptions = {};

const KINDS: readonly string[] = ['auto', 'pthread', 'flock', 'socket'];

/** What every lock is made with. */
export interface LockSettings {
  /** Those who give the same name in the same scope share it. 1 to 100 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /**
   * How it is made. `'auto'` is the best that this machine has, or what the first user has chosen.
   * @defaultValue 'auto'
   */
  readonly kind?: LockKindOption | undefined;
}

/** @throws InvalidSpecError for the first setting that is wrong */
export function checkSettings(what: string, settings: LockSettings, more: readonly string[] = []): void {
  checkNames(what, settings, ['name', 'kind', ...more]);
  checkName(what, 'name', settings.name);
  const { kind } = settings;
  if (kind === undefined || KINDS.includes(kind)) return;
  refuse(`${what} "${settings.name}"`, 'kind', kind, KINDS.map((word) => `'${word}'`).join(', '));
}

/** @throws InvalidSpecError for the first option that is wrong */
export function checkLockOptions(subject: string, options: LockOptions, more: readonly string[] = []): void {
  checkNames(subject, options, ['timeoutMs', 'signal', ...more]);
  if (options.timeoutMs !== undefined) endlessMs(subject, 'timeoutMs', options.timeoutMs);
  checkSignal(subject, options.signal);
}
