import { CapabilityError, SharedLayoutError } from '../../core/index.js';
import type { Clock } from '../../runtime/index.js';
import type { Native } from '../backend/backend.js';
import type { Region } from '../backend/region.js';
import { namespace } from '../guard/identity.js';
import { FlockLatch, type Latch, type LockImplementation, PthreadLatch } from './latch.js';
import { LAYOUT } from './layout.js';
import { SocketLatch } from './socket-latch.js';
import type { Words } from './words.js';

/** What is asked for: one implementation, or the best that this machine has, or the one that the first user has chosen. */
export type LockKindOption = 'auto' | LockImplementation;

/** What a choice is made from. */
export interface Ground {
  readonly subject: string;
  readonly region: Region;
  readonly words: Words;
  readonly native: Native | undefined;
  readonly clock: Clock;
}

const NUMBERS: Record<LockImplementation, number> = { pthread: 1, flock: 2, socket: 3 };

/**
 * The implementation that all users of the file have in common: the first of them chooses, all others follow, or are refused if they cannot.
 * @throws CapabilityError if this machine, or this program, has none that would do
 * @throws SharedLayoutError if the file's users use one that cannot be used from here
 */
export async function chooseLatch(
  ground: Ground,
  wanted: LockKindOption,
): Promise<{ readonly implementation: LockImplementation; readonly latch: Latch }> {
  let chosen = chosenIn(ground.words);
  if (chosen === undefined) chosen = await chooseFirst(ground, wanted);
  checkAsked(ground.subject, wanted, chosen);
  checkReach(ground, chosen);
  return { implementation: chosen, latch: latchOf(ground, chosen) };
}

/** @throws SharedLayoutError if one implementation was asked for, and the users have another */
export function checkAsked(subject: string, asked: LockKindOption, chosen: LockImplementation): void {
  if (asked === 'auto' || asked === chosen) return;
  throw new SharedLayoutError(subject, `locks of the sort '${chosen}'`, `'${asked}'`);
}

function chosenIn(words: Words): LockImplementation | undefined {
  const number = words.load(LAYOUT.choice);
  return (Object.keys(NUMBERS) as LockImplementation[]).find((name) => NUMBERS[name] === number);
}

async function chooseFirst(ground: Ground, wanted: LockKindOption): Promise<LockImplementation> {
  const best = wanted === 'auto' ? bestHere(ground) : wanted;
  checkCapability(ground, best);
  return await alone(ground, () => {
    const chosen = chosenIn(ground.words);
    if (chosen !== undefined) return chosen;
    write(ground, best);
    return best;
  });
}

function bestHere({ native, region }: Ground): LockImplementation {
  if (native === undefined) return 'socket';
  return native.robustMutex === undefined || region.mapping === undefined ? 'flock' : 'pthread';
}

/** The choice comes last: who sees it sees all that it stands for. One who dies before that leaves nothing that counts. */
function write({ region, words, native }: Ground, best: LockImplementation): void {
  if (best === 'pthread' && region.mapping !== undefined) {
    native?.robustMutex?.initialise(region.mapping, LAYOUT.mutexAt);
    const tag = Buffer.alloc(LAYOUT.tagBytes);
    tag.write(native?.robustMutex?.layout ?? '', 'latin1');
    region.write(LAYOUT.tagAt, tag);
  }
  words.store(LAYOUT.pidNamespace, namespace('pid'));
  words.store(LAYOUT.netNamespace, namespace('net'));
  words.store(LAYOUT.choice, NUMBERS[best]);
}

function checkCapability({ subject, native, region }: Ground, wanted: LockImplementation): void {
  if (wanted === 'socket') {
    if (process.platform === 'linux') return;
    throw new CapabilityError(
      'lock:socket',
      subject,
      'abstract sockets exist on Linux only. Install the optional dependency koffi.',
    );
  }
  if (native === undefined) {
    throw new CapabilityError(
      `lock:${wanted}`,
      subject,
      "no native backend could be loaded. Install the optional dependency koffi, or leave `kind` to 'auto'.",
    );
  }
  if (wanted === 'flock' || (native.robustMutex !== undefined && region.mapping !== undefined)) return;
  throw new CapabilityError('lock:pthread', subject, "this libc has no robust mutexes. Use kind: 'auto'.");
}

/** Whether the lock that the others use can be used from here. */
function checkReach(ground: Ground, chosen: LockImplementation): void {
  const { subject, region, native } = ground;
  checkNamespace(ground, 'pid', LAYOUT.pidNamespace);
  if (chosen === 'socket') checkNamespace(ground, 'net', LAYOUT.netNamespace);
  if (chosen === 'socket' ? process.platform !== 'linux' : native === undefined) {
    throw new SharedLayoutError(
      subject,
      `locks of the sort '${chosen}'`,
      'one that works without native code',
    );
  }
  if (chosen !== 'pthread') return;
  const tag = region.read(LAYOUT.tagAt, LAYOUT.tagBytes).toString('latin1').replace(/\0+$/, '');
  const ours = native?.robustMutex?.layout ?? 'no robust mutexes';
  if (tag !== ours) throw new SharedLayoutError(subject, `mutexes of ${tag}`, ours);
}

/** A pid means nothing in another pid namespace, nor an abstract socket in another net namespace. */
function checkNamespace({ subject, words }: Ground, name: 'pid' | 'net', at: number): void {
  const found = words.load(at) >>> 0;
  const ours = namespace(name) >>> 0;
  if (found === ours) return;
  throw new SharedLayoutError(subject, `users in ${name} namespace ${found}`, `this one, ${ours}`);
}

function latchOf({ region, native }: Ground, chosen: LockImplementation): Latch {
  if (chosen === 'socket' || native === undefined) return new SocketLatch(socketName(region));
  if (chosen === 'flock' || native.robustMutex === undefined || region.mapping === undefined) {
    return new FlockLatch(native, region);
  }
  return new PthreadLatch(native.robustMutex.at(region.mapping, LAYOUT.mutexAt));
}

/** Taken from the file, which only its users can read. */
function socketName(region: Region): string {
  return `treewarden-${region.read(LAYOUT.nonceAt, LAYOUT.nonceBytes).toString('hex')}`;
}

/** Runs while nobody else chooses: by a socket where there are abstract ones, so that users with and without native code exclude each other. */
async function alone<T>({ region, native, clock }: Ground, choose: () => T): Promise<T> {
  const latch: Latch =
    process.platform === 'linux' || native === undefined
      ? new SocketLatch(`${socketName(region)}-choice`)
      : new FlockLatch(native, region);
  while (!latch.tryClose()) await new Promise<void>((resolve) => clock.after(1, resolve));
  try {
    return choose();
  } finally {
    latch.open();
    latch.end?.();
  }
}
