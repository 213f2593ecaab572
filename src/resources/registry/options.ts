import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, normalize, resolve } from 'node:path';
import { checkNames } from '../../core/index.js';
import { type Clock, type ResourceOwner, systemClock } from '../../runtime/index.js';
import type { BackendChoice } from '../backend/choose.js';
import { checkText, checkWhole, refuse } from '../checks.js';
import { checkScope, stateDirPath } from '../guard/state-dir.js';

/** How a registry is opened. */
export interface RegistryOptions {
  /**
   * What the program is called among its user's programs: 1 to 48 letters, digits, dashes and underscores, of which the first is a letter or
   * a digit. Programs with the same scope mean the same shared state by the same names, and each releases what dead ones of that scope have left.
   */
  readonly scope: string;
  /**
   * Where the ledgers are: a directory of this user's alone, on this machine, made if need be; absolute.
   * @defaultValue `TREEWARDEN_STATE_DIR`, else `treewarden` in `XDG_RUNTIME_DIR` if that is this user's, else `treewarden-<uid>` among the temporary files
   */
  readonly stateDir?: string;
  /** Where shared state lives; absolute. @defaultValue `/dev/shm` where there is one, else the directory for temporary files */
  readonly memoryDir?: string;
  /**
   * What reaches the operating system: `'auto'` is koffi where it is installed, else files. One that is chosen by its name and is missing is an error.
   *
   * In a `Worker` that you have started yourself: call its `terminate()` only when what it has acquired is there, or let it end by itself. While koffi is
   * loaded, or memory is mapped, a termination ends the whole process, for koffi throws where nothing can be thrown any more. Threads that
   * treewarden has started are safe.
   * @defaultValue `'auto'`
   */
  readonly backend?: BackendChoice;
  /** @defaultValue the clock of this process */
  readonly clock?: Clock;
}

/** @internal The options with every default filled in. */
export type RegistrySettings = Required<RegistryOptions>;

/** @internal @throws InvalidSpecError for the first option that is wrong */
export function registrySettings(options: RegistryOptions): RegistrySettings {
  checkNames(SUBJECT, options, NAMES);
  const { scope, backend = 'auto', clock = systemClock } = options;
  checkScope(scope);
  checkBackend(SUBJECT, backend);
  if (typeof clock?.now !== 'function' || typeof clock.after !== 'function') {
    refuse(SUBJECT, 'clock', clock, 'a Clock');
  }
  const stateDir = stateDirPath(options.stateDir);
  const memoryDir = memoryDirPath(options.memoryDir);
  return { scope, stateDir, memoryDir, backend, clock };
}

/** Where shared state lives: what is given, else `/dev/shm`, else the directory for temporary files. */
export function memoryDirPath(given?: string): string {
  if (given === undefined) {
    return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() === true
      ? '/dev/shm'
      : resolve(tmpdir());
  }
  if (typeof given === 'string' && isAbsolute(given) && !given.includes('\0')) return normalize(given);
  return refuse(SUBJECT, 'memoryDir', given, 'the absolute path of a directory');
}

/** @throws InvalidSpecError for a choice that there is not */
export function checkBackend(subject: string, backend: unknown): void {
  if ((BACKENDS as readonly unknown[]).includes(backend)) return;
  refuse(subject, 'backend', backend, BACKENDS.map((word) => `'${word}'`).join(', '));
}

/** @internal @throws InvalidSpecError for what is no owner of a scope */
export function checkOwner(owner: ResourceOwner): void {
  const subject = 'the owner of a scope';
  if (typeof owner !== 'object' || owner === null)
    refuse(subject, 'owner', owner, 'an object with path and incarnation');
  checkText(subject, 'path', owner.path);
  checkWhole(subject, 'incarnation', owner.incarnation, 0);
  const { group } = owner;
  if (group === undefined) return;
  // 1 and 0 would be everybody's group, and our own.
  checkWhole(subject, 'group.pid', group?.pid, 2);
  if (typeof group.graceMs !== 'number' || !(group.graceMs >= 0))
    refuse(subject, 'group.graceMs', group.graceMs, 'a number of ms from 0, or Infinity');
}

const SUBJECT = 'the resource registry';
const NAMES: readonly string[] = ['scope', 'stateDir', 'memoryDir', 'backend', 'clock'];
const BACKENDS: readonly BackendChoice[] = ['auto', 'koffi', 'node:ffi', 'files'];
