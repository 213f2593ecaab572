import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { ProcessOptions } from '../process-options.js';
import { findWrapper } from './wrappers.js';

/** Whom a program runs as, in numbers; undefined is whom this process runs as. */
export interface Credentials {
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Its supplementary groups: these, or all that its user is in. */
  readonly groups: readonly number[] | 'init';
}

/** @throws Error, whose message is for a sentence, for a user or group that is not known here */
export function credentialsOf({ uid, gid, groups }: ProcessOptions): Credentials | undefined {
  if (uid === undefined && gid === undefined && groups === undefined) return undefined;
  const user = typeof uid === 'string' ? userNamed(uid) : { uid, gid: undefined };
  return {
    uid: user.uid,
    gid: gid === undefined ? user.gid : groupNumber(gid),
    groups: typeof groups === 'object' ? groups.map(groupNumber) : (groups ?? []),
  };
}

function userNamed(name: string): { readonly uid: number; readonly gid: number | undefined } {
  const fields = entryOf('passwd', name);
  if (fields !== undefined) return { uid: Number(fields[2]), gid: Number(fields[3]) };
  if (/^\d+$/.test(name)) return { uid: Number(name), gid: undefined };
  throw new Error(`there is no user "${name}" here. Make it, or correct uid.`);
}

function groupNumber(group: number | string): number {
  if (typeof group === 'number') return group;
  const fields = entryOf('group', group);
  if (fields !== undefined) return Number(fields[2]);
  if (/^\d+$/.test(group)) return Number(group);
  throw new Error(`there is no group "${group}" here. Make it, or correct gid or groups.`);
}

/** The files first, as they cost no process; users of a directory service are known to getent. */
function entryOf(database: 'passwd' | 'group', name: string): readonly string[] | undefined {
  if (name === '' || /[:\n]/.test(name)) return undefined;
  return lineOf(readText(`/etc/${database}`), name) ?? lineOf(ask(database, name), name);
}

function lineOf(text: string, name: string): readonly string[] | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${name}:`));
  return line?.split(':');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A system without that file may have a directory service.
    return '';
  }
}

function ask(database: string, name: string): string {
  const getent = findWrapper('getent');
  if (getent === undefined) return '';
  const { stdout } = spawnSync(getent, [database, name], { encoding: 'utf8', timeout: ASK_MS });
  return stdout ?? '';
}

/** The longest that a directory service may hold this program up, in ms. */
const ASK_MS = 5000;
