import { createHash, randomBytes } from 'node:crypto';
import { bootId, type Life, lifeOf, namespace, thisProcess } from '../guard/identity.js';

/**
 * The hidden name on which a server of ours listens. It tells whose it is, so that a later start knows whether that one lives, whether it
 * listens already or not: `.tw-<pid>-<start>-<boot>-<pid namespace>-<random>`, in base 36. Short, since a socket's path is.
 */
export function socketName(): string {
  const { pid, startTicks } = thisProcess();
  const random = Number(randomBytes(4).readUInt32LE() % 36 ** 5).toString(36);
  return ['.tw', pid.toString(36), startTicks.toString(36), boot(), pidSpace(), random].join('-');
}

/** The most bytes that {@link socketName} takes. */
export const LONGEST_SOCKET_NAME = 36;

/** The life of the process that a name tells of; nothing if it is no name of ours. */
export function lifeOfSocketName(name: string): { readonly pid: number; readonly life: Life } | undefined {
  const parts = NAME.exec(name);
  if (parts === null) return undefined;
  const [, pidPart = '', startPart = '', bootPart, spacePart] = parts;
  const pid = Number.parseInt(pidPart, 36);
  if (bootPart !== boot()) return { pid, life: 'dead' };
  // A pid of another namespace means nothing here.
  if (spacePart !== pidSpace()) return { pid, life: 'unknown' };
  return { pid, life: lifeOf({ pid, tid: pid, startTicks: Number.parseInt(startPart, 36) }) };
}

const NAME = /^\.tw-([0-9a-z]+)-([0-9a-z]+)-([0-9a-z]{1,5})-([0-9a-z]{1,5})-[0-9a-z]+$/;

function boot(): string {
  return digest(bootId());
}

function pidSpace(): string {
  return digest(String(namespace('pid')));
}

/** Short, and enough to tell one boot of this machine from the one before. */
function digest(text: string): string {
  const number = createHash('sha256').update(text).digest().readUInt32LE() % 36 ** 5;
  return number.toString(36);
}
